"""What an earlier run understood of a company, once its pages were read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self, TypeVar

from octave_mcp.copywriting.own_parts import personas_of_people
from octave_mcp.domain.names import normal
from octave_mcp.domain.prospect import BuyerPersona, PainPoint, ProspectIntelligence
from octave_mcp.pipeline.base import Base

E = TypeVar("E", PainPoint, BuyerPersona)


class Retained(NamedTuple):
    """What was understood, and what is left of it."""

    before: ProspectIntelligence
    left: ProspectIntelligence

    @classmethod
    def of(cls, before: ProspectIntelligence, left: ProspectIntelligence, base: Base) -> Self:
        """A persona for whom somebody wrote something stays, with what is left of its evidence."""
        pinned, ids = personas_of_people(base.playbook), {persona.id for persona in left.buyer_personas}
        stay = (persona for persona in before.buyer_personas if persona.id in pinned | ids)
        personas = tuple(
            persona.model_copy(update={"evidence": tuple(i for i in persona.evidence if i in base.alive)})
            for persona in stay
        )
        return cls(before, left.model_copy(update={"buyer_personas": personas}))

    @property
    def is_whole(self) -> bool:
        """Whether nothing has to be understood again."""
        pairs = (
            (self.before.pain_points, self.left.pain_points),
            (self.before.buyer_personas, self.left.buyer_personas),
        )
        has_summary = self.before.company_profile.summary is None or self.left.company_profile.summary is not None
        return has_summary and all(len(before) == len(left) for before, left in pairs)

    def value(self, found: ProspectIntelligence) -> ProspectIntelligence:
        """What is left, with what was found now in place of what is gone; facts and signals are those found now."""
        profile, left = found.company_profile, self.left
        return ProspectIntelligence(
            company_profile=profile.model_copy(update={"summary": left.company_profile.summary or profile.summary}),
            signals=found.signals,
            pain_points=_in_places(self.before.pain_points, left.pain_points, found.pain_points),
            buyer_personas=_in_places(self.before.buyer_personas, left.buyer_personas, found.buyer_personas),
        )


def _in_places(before: Sequence[E], left: Sequence[E], found: Sequence[E]) -> tuple[E, ...]:
    """Each entry in its place, under its id; in the place of one that is gone, the next that is not there yet."""
    kept, known = {entry.id: entry for entry in left}, {normal(entry.title) for entry in left}
    new = iter([entry for entry in found if normal(entry.title) not in known])
    return tuple(_present(before, kept, new)) or tuple(found)


def _present(before: Sequence[E], kept: dict[str, E], new: Iterator[E]) -> Iterator[E]:
    for old in before:
        if entry := kept.get(old.id):
            yield entry
        elif fresh := next(new, None):
            yield fresh.model_copy(update={"id": old.id})
