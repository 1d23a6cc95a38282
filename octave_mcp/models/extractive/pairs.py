"""Which of the prospect's lines goes with which of the vendor's proofs, for each persona."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from octave_mcp.domain.prospect import BuyerPersona, Need, PainPoint
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.lines import Line
from octave_mcp.models.extractive.proofs import Proof

MAX_PAIRS = 4
MAX_LINES = 12
MAX_PROOFS = 16


@dataclass(frozen=True, slots=True)
class Pair:
    """What one outline is made of; either may be missing. `need` is what the two have in common, if anything."""

    line: Line | None
    proof: Proof | None
    need: Need


def pains_of(persona: BuyerPersona, pains: Sequence[PainPoint]) -> list[PainPoint]:
    """The pains, those of the persona's job first."""
    own = cues.FUNCTION_NEEDS[persona.function]
    return sorted(pains, key=lambda pain: own.index(pain.need) if pain.need in own else len(own))


def needs_by_persona(personas: Sequence[BuyerPersona], pains: Sequence[PainPoint]) -> list[Need]:
    """A different need for each persona, as far as there are enough."""
    taken: list[Need] = []
    for persona in personas:
        own = cues.FUNCTION_NEEDS[persona.function]
        wanted: list[Need] = [*(pain.need for pain in pains_of(persona, pains) if pain.need in own), *own]
        free: list[Need] = [need for need in wanted if need not in taken]
        taken.append((free or wanted)[0])
    return taken


def pairs_by_persona(
    lines: Sequence[Line], proofs: Sequence[Proof], wanted: Sequence[Sequence[Need]], context: str
) -> list[list[Pair]]:
    """Each persona in turn takes the best line and the best proof for its needs, those used least first."""
    asked_for = {proof: len(_words(context) & _words(proof.text)) for proof in proofs[:MAX_PROOFS]}
    hands = [list[Pair]() for _ in wanted]
    used: Counter[object] = Counter()
    for _ in range(MAX_PAIRS if lines or proofs else 0):
        for hand, needs in zip(hands, wanted, strict=True):
            if pair := _best(lines[:MAX_LINES], asked_for, hand, needs, used):
                hand.append(pair)
                used.update((pair.line, pair.proof, (pair.line, pair.proof)))
    return hands


def _best(
    lines: Sequence[Line],
    asked_for: Mapping[Proof, int],
    hand: Sequence[Pair],
    needs: Sequence[Need],
    used: Counter[object],
) -> Pair | None:
    """The best line and the best proof that are new to this persona.

    After the first, the two have a need in common and are no other persona's pair; only a sole proof is repeated.
    """
    told = {pair.proof for pair in hand if len(asked_for) > 1}
    new = [line for line in lines if all(line != pair.line for pair in hand)]
    for line in sorted(new, key=lambda line: (used[line], _fit(line, needs))) or [None]:
        fits = [proof for proof in asked_for if not hand or (proof not in told and _is_new(line, proof, used))]
        if fits or (line and not hand):
            proof = min(fits, key=lambda one: (-asked_for[one], *_weakness(one, line, needs[0], used)), default=None)
            return Pair(line, proof, _need(line, proof, needs[0]))
    return None


def _fit(line: Line, needs: Sequence[Need]) -> int:
    """0 for what speaks of the first of the needs, 1 for what speaks of another, 2 for what speaks of none."""
    return 0 if needs[0] in line.needs else 1 if line.needs & {*needs} else 2


def _weakness(proof: Proof, line: Line | None, need: Need, used: Counter[object]) -> tuple[int, ...]:
    """Order proofs: a new pair, a shared need, used less, measured, on the need of the persona."""
    is_measured = proof.of and proof.measured
    return used[line, proof], not _share(line, proof), used[proof], not is_measured, need not in proof.needs


def _is_new(line: Line | None, proof: Proof, used: Counter[object]) -> bool:
    return not used[line, proof] and _share(line, proof)


def _share(line: Line | None, proof: Proof) -> bool:
    return line is None or bool(line.needs & proof.needs)


def _need(line: Line | None, proof: Proof | None, need: Need) -> Need:
    """The need that both are about, if possible this persona's; else that of the line; else the persona's."""
    theirs = line.needs if line else frozenset[Need]()
    among = (theirs & proof.needs if proof else theirs) or theirs
    told = cues.need_of(line.quote, tuple(n for n in cues.NEEDS if n in among)) if line and among else None
    return need if need in among else told or need


def _words(text: str) -> frozenset[str]:
    """The telling words of a text."""
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return frozenset(word for word in words if len(word) > 3) - cues.FILLERS
