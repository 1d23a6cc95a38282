"""Which of the prospect's lines goes with which of the vendor's proofs, for each persona."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from octave_mcp.domain.prospect import BuyerPersona, Need, PainPoint
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.lines import Line
from octave_mcp.models.extractive.proofs import Proof

MOST_PAIRS = 4
MOST_LINES = 12
MOST_PROOFS = 16
USED_AGAIN = 3.0
"""Points off for a line or a proof, each time an outline has used it before."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What one outline is made of; either may be missing. `need` is what the two have in common, if anything."""

    line: Line | None
    proof: Proof | None
    need: Need


def pains_of(persona: BuyerPersona, pains: Sequence[PainPoint]) -> list[PainPoint]:
    """Those of the persona's job first."""
    own = cues.FUNCTION_NEEDS[persona.function]
    return sorted(pains, key=lambda pain: own.index(pain.need) if pain.need in own else len(own))


def needs_by_persona(personas: Sequence[BuyerPersona], pains: Sequence[PainPoint]) -> list[Need]:
    """For each persona another need, as far as there are several."""
    taken: list[Need] = []
    for persona in personas:
        own = cues.FUNCTION_NEEDS[persona.function]
        wanted: list[Need] = [*(pain.need for pain in pains_of(persona, pains) if pain.need in own), *own]
        free: list[Need] = [need for need in wanted if need not in taken]
        taken.append((free or wanted)[0])
    return taken


def pairs_by_persona(
    lines: Sequence[Line], proofs: Sequence[Proof], needs: Sequence[Need], context: str
) -> list[list[Pair]]:
    """Each persona in turn takes the pair that fits best; the same pair twice only where there is no other."""
    found = list(product([*lines[:MOST_LINES]] or [None], [*proofs[:MOST_PROOFS]] or [None]))
    if found == [(None, None)]:
        return [[] for _ in needs]
    wanted = _words(context)
    hands = [list[Pair]() for _ in needs]
    taken: Counter[object] = Counter()
    for _ in range(MOST_PAIRS):
        for hand, need in zip(hands, needs, strict=True):
            if pair := _best(found, hand, need, taken, wanted):
                hand.append(pair)
                taken.update((pair.line, pair.proof, (pair.line, pair.proof)))
    return hands


def _best(
    found: Sequence[tuple[Line | None, Proof | None]],
    hand: Sequence[Pair],
    need: Need,
    taken: Counter[object],
    wanted: frozenset[str],
) -> Pair | None:
    """The best pair that tells this persona something new.

    After the first, it has a need in common and is no other persona's.
    """
    new = [pair for pair in found if _is_new(*pair, hand) and (not hand or _fits(*pair))]
    free = [pair for pair in new if not taken[pair]] or ([] if hand else new)
    if not free:
        return None
    line, proof = max(free, key=lambda pair: _points(*pair, need, wanted) - _used(pair, taken))
    return Pair(line, proof, _need(line, proof, need))


def _is_new(line: Line | None, proof: Proof | None, hand: Sequence[Pair]) -> bool:
    """Whether the persona has not been told this line, or where there are no lines, this proof."""
    return all(line != pair.line if line else proof != pair.proof for pair in hand)


def _fits(line: Line | None, proof: Proof | None) -> bool:
    return not line or not proof or bool(line.needs & proof.needs)


def _used(pair: tuple[Line | None, Proof | None], taken: Counter[object]) -> float:
    return USED_AGAIN * sum(taken[part] for part in pair if part)


def _points(line: Line | None, proof: Proof | None, need: Need, wanted: frozenset[str]) -> float:
    theirs = line.needs if line else frozenset[Need]()
    ours = proof.needs if proof else frozenset[Need]()
    asked = len(wanted & _words(proof.text)) if proof and wanted else 0
    measured = bool(proof and proof.of and proof.measured)
    return (
        (line.worth if line else 0.0)
        + 2.0 * bool(theirs & ours)
        + (need in theirs)
        + (need in ours)
        + measured
        + 2.0 * asked
    )


def _need(line: Line | None, proof: Proof | None, need: Need) -> Need:
    """What both speak of, this persona's need if it is that; else what the line speaks of; else the persona's need."""
    theirs = line.needs if line else frozenset[Need]()
    shared = theirs & proof.needs if proof else frozenset[Need]()
    for among in (shared, theirs):
        if need in among:
            return need
        if line and among:
            told = cues.need_of(line.quote, tuple(n for n in cues.NEEDS if n in among))
            return told or min(among)
    return need


def _words(text: str) -> frozenset[str]:
    """The telling words of a text."""
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return frozenset(word for word in words if len(word) > 3) - cues.FILLERS
