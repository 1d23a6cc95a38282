"""The version of a playbook that a run refreshes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from octave_mcp.asks.earlier import Earlier
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.company import Role
from octave_mcp.domain.drafts import Drafted, Drafts
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.research import Research
from octave_mcp.domain.value import walk
from octave_mcp.errors import UpstreamError, tree
from octave_mcp.evidence.survival import State, stating

# The codes of gaps for what was asked in vain: it is asked again, so they are not kept.
FAILED = frozenset(kind.code for kind in tree(UpstreamError))


@dataclass(frozen=True, slots=True)
class Base:
    """`read_by` is the run that read the pages which the playbook quotes.

    `alive` is what of the evidence of its drafts is still on the pages; it is filled while these are read.
    """

    playbook: Playbook
    drafts: Drafts
    basis: Basis
    earlier: Earlier
    read_by: str
    alive: dict[EvidenceId, Evidence] = field(default_factory=dict[EvidenceId, Evidence])

    def research(self, role: Role) -> Research:
        return next(one for one in self.basis.research if one.role == role)

    def evidence(self, role: Role) -> dict[EvidenceId, Evidence]:
        """All that was quoted of a company's pages."""
        found = {one.id: one for one in self.research(role).evidence}
        return found | {i: one for i, one in self.drafts.evidence.items() if one.role == role}

    @property
    def models(self) -> tuple[str, ...]:
        """Those that wrote it."""
        return tuple(self.playbook.model.split(", "))

    @property
    def cited(self) -> frozenset[str]:
        """The addresses of the pages that the copy cites."""
        ids = (i for draft in self.drafted for i in cited(draft.value))
        return frozenset(self.drafts.evidence[i].url for i in ids if i in self.drafts.evidence)

    @property
    def drafted(self) -> Iterator[Drafted[Any]]:
        every = (self.drafts.summary, *self.drafts.cards, *self.drafts.sequences, *self.drafts.talk_tracks)
        return (draft for draft in every if draft)


def cited(value: object) -> Iterator[EvidenceId]:
    """The evidence that is named anywhere in a value."""
    return (i for part in walk(value) for i in cast("tuple[EvidenceId, ...]", getattr(part, "evidence", ())))


def state_of(research: Research, counterpart: str, given: str) -> State:
    """How the findings on a company are judged; `given` is what the user says of the deal."""
    own, other = research.profile.name, counterpart
    vendor, prospect = (own, other) if research.role == "vendor" else (other, own)
    return stating(vendor, prospect, given, (own, other))
