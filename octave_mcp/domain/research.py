"""What the steps hand to each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from octave_mcp.domain.company import Company, Role
from octave_mcp.domain.evidence import Claim, Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import PageFailure, PageRef
from octave_mcp.domain.prospect import ProspectIntelligence, ProspectReading
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements


class Profile(Value):
    """A company by the name it gives itself, and what it says it does."""

    company: Company
    name: str
    name_evidence: tuple[EvidenceId, ...]
    summary: Claim[EvidenceId] | None
    language: str
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...] = ()


class Reading(Value):
    """What one pack of pages gave: `elements` or `signals`, depending on the role of the company.

    `suspicious` are the addresses of those that speak to a model. `heard` are the telling words of the deal's context
    that stand anywhere on the pages, in lower case. `unanswered` are the addresses of those about which a question got
    no answer.
    """

    pages: tuple[PageRef, ...]
    words: int
    failures: tuple[PageFailure, ...]
    suspicious: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    elements: VendorElements[EvidenceId] | None
    signals: ProspectReading[EvidenceId] | None
    findings: CompanyFindings[EvidenceId]
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]


class Research(Value):
    """All that is known of one company. `words` counts those of the passages read.

    `elements` and `signals` are None if no question about the pages was answered. `intelligence` is what step 7 makes
    of the signals. `heard` and `unanswered` are as in `Reading`; `links` are the addresses that the site was seen to
    have, whether or not they were read.

    `found_by` is the run that found it, and `found_at` when, where that was not this run.
    """

    profile: Profile
    pages: tuple[PageRef, ...]
    words: int
    failures: tuple[PageFailure, ...]
    suspicious: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    elements: VendorElements[EvidenceId] | None
    signals: ProspectReading[EvidenceId] | None
    findings: CompanyFindings[EvidenceId]
    intelligence: ProspectIntelligence | None
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    found_by: str | None = None
    found_at: datetime | None = None

    @property
    def role(self) -> Role:
        return self.profile.company.role

    @property
    def domain(self) -> str:
        return self.profile.company.domain


# The research on each company of a deal.
Deal = Mapping[Role, Research]
