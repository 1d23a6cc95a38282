"""Selects the earlier findings about the prospect that a refresh retains because the pages still support them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self, TypeVar

from octave_mcp.copywriting.own_parts import personas_of_people
from octave_mcp.domain.names import normal
from octave_mcp.domain.prospect import BuyerPersona, PainPoint, ProspectIntelligence
from octave_mcp.pipeline.base import Base

E = TypeVar("E", PainPoint, BuyerPersona)


class Retained(NamedTuple):
    """The earlier run's findings about the prospect.

    - `before`: all findings of the earlier run.
    - `left`: the findings that still have evidence.
    """

    before: ProspectIntelligence
    left: ProspectIntelligence

    @classmethod
    def of(cls, before: ProspectIntelligence, left: ProspectIntelligence, base: Base) -> Self:
        """Return the retained findings. A persona is also retained if somebody edited the text for this persona.

        Without the persona, the new version would have no place for the edited text.
        """
        pinned, ids = personas_of_people(base.playbook), {persona.id for persona in left.buyer_personas}
        retained = (persona for persona in before.buyer_personas if persona.id in pinned | ids)
        personas = tuple(
            persona.model_copy(update={"evidence": tuple(i for i in persona.evidence if i in base.current_evidence)})
            for persona in retained
        )
        return cls(before, left.model_copy(update={"buyer_personas": personas}))

    @property
    def is_whole(self) -> bool:
        """Whether all findings still have evidence, so that no model needs to be asked."""
        pairs = (
            (self.before.pain_points, self.left.pain_points),
            (self.before.buyer_personas, self.left.buyer_personas),
        )
        has_summary = self.before.company_profile.summary is None or self.left.company_profile.summary is not None
        return has_summary and all(len(before) == len(left) for before, left in pairs)

    def filled_up(self, new: ProspectIntelligence) -> ProspectIntelligence:
        """Replace lost pain points and personas with new ones from `new`.

        All facts and signals are taken from `new`.
        """
        profile, left = new.company_profile, self.left
        return ProspectIntelligence(
            company_profile=profile.model_copy(update={"summary": left.company_profile.summary or profile.summary}),
            signals=new.signals,
            pain_points=_in_places(self.before.pain_points, left.pain_points, new.pain_points),
            buyer_personas=_in_places(self.before.buyer_personas, left.buyer_personas, new.buyer_personas),
        )


def _in_places(before: Sequence[E], left: Sequence[E], new: Sequence[E]) -> tuple[E, ...]:
    """Return the entries in the order of `before`, with each lost entry replaced by the next entry of `new`.

    The new entry gets the id of the lost entry, so that drafts that refer to this id stay valid.
    """
    retained, titles = {entry.id: entry for entry in left}, {normal(entry.title) for entry in left}
    candidates = iter([entry for entry in new if normal(entry.title) not in titles])
    return tuple(_present(before, retained, candidates)) or tuple(new)


def _present(before: Sequence[E], retained: dict[str, E], candidates: Iterator[E]) -> Iterator[E]:
    for old in before:
        if entry := retained.get(old.id):
            yield entry
        elif replacement := next(candidates, None):
            yield replacement.model_copy(update={"id": old.id})
