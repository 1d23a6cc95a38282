"""The playbook version that a refresh starts from, with the evidence that the pages still contain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from octave_mcp.asks.earlier import Earlier
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.company import Role
from octave_mcp.domain.drafts import Drafted, Drafts
from octave_mcp.domain.evidence import Evidence, EvidenceId, cited_in
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.research import Research
from octave_mcp.errors import UpstreamError, tree
from octave_mcp.evidence.survival import State, stating

# A gap in the research with one of these codes reports a failed ask. A refresh usually asks again, so it drops the gap.
UPSTREAM_CODES = frozenset(kind.code for kind in tree(UpstreamError))


@dataclass(frozen=True, slots=True)
class Base:
    """A playbook version, with the drafts and research from which it was made.

    - `earlier`: answers from the run that wrote this version.
    - `research_run_id`: id of the run that stored the pages that this version quotes.
    - `current_evidence`: evidence that is still on the pages. A refresh fills this field while it reads the pages.
    """

    playbook: Playbook
    drafts: Drafts
    basis: Basis
    earlier: Earlier
    research_run_id: str
    current_evidence: dict[EvidenceId, Evidence] = field(default_factory=dict[EvidenceId, Evidence])

    def research(self, role: Role) -> Research:
        return next(research for research in self.basis.research if research.role == role)

    def evidence(self, role: Role) -> dict[EvidenceId, Evidence]:
        """Return all evidence from a company's pages, including evidence that is cited only in drafts."""
        researched = {evidence.id: evidence for evidence in self.research(role).evidence}
        return researched | {i: evidence for i, evidence in self.drafts.evidence.items() if evidence.role == role}

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that wrote the playbook."""
        return tuple(self.playbook.model.split(", "))

    @property
    def cited(self) -> frozenset[str]:
        """URLs of the pages that the sales copy cites."""
        ids = (i for draft in self.drafted for i in cited_in(draft.value))
        return frozenset(self.drafts.evidence[i].url for i in ids if i in self.drafts.evidence)

    @property
    def drafted(self) -> Iterator[Drafted[Any]]:
        drafts = (self.drafts.summary, *self.drafts.cards, *self.drafts.sequences, *self.drafts.talk_tracks)
        return (draft for draft in drafts if draft)


def state_of(research: Research, counterpart: str, given: str) -> State:
    """Return the names and context that the checks need to judge findings about a company.

    `given` is the user's context.
    """
    own, other = research.profile.name, counterpart
    vendor, prospect = (own, other) if research.role == "vendor" else (other, own)
    return stating(vendor, prospect, given, (own, other))
