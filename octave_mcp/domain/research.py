"""Results that the steps of a run pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from octave_mcp.domain.company import Company, Role
from octave_mcp.domain.evidence import Claim, Evidence, EvidenceId
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import PageFailure, PageRef
from octave_mcp.domain.prospect import ProspectFindings, ProspectIntelligence
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements


class Profile(Value):
    """A company's name and a summary of what the company does, both from its home page."""

    company: Company
    name: str
    name_evidence: tuple[EvidenceId, ...]
    summary: Claim[EvidenceId] | None
    language: str
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...] = ()


class Reading(Value):
    """Findings from one pack of pages, which a model reads together.

    - `elements`: set only for a vendor.
    - `signals`: set only for a prospect.
    - `words`: the number of words in the passages read.
    - `suspicious`: URLs of pages with text addressed to a model (prompt injection).
    - `heard`: significant words of the user's context, in lower case, that occur on the pages.
    - `unanswered`: URLs of pages about which the model left a question unanswered.
    """

    pages: tuple[PageRef, ...]
    words: int
    failures: tuple[PageFailure, ...]
    suspicious: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    elements: VendorElements[EvidenceId] | None
    signals: ProspectFindings[EvidenceId] | None
    findings: CompanyFindings[EvidenceId]
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]


class Research(Value):
    """Everything known about one company.

    A field that also exists in `Reading` contains the merged values of all readings.

    - `elements`, `signals`: None if the model answered no question about the pages.
    - `intelligence`: the conclusions from the signals; None for a vendor.
    - `links`: all known URLs of the site, read or not.
    - `found_by`, `found_at`: which run did the research (its id), and when. Set only for reused research.
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
    signals: ProspectFindings[EvidenceId] | None
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


Deal = Mapping[Role, Research]
