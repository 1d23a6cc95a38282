"""Chooses pairs for each persona: a quotation from the prospect's pages and a proof from the vendor's pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from octave_mcp.domain.prospect import BuyerPersona, Need, PainPoint
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.lines import Line
from octave_mcp.models.extractive.proofs import Proof

# Maximum number of pairs per persona; each pair becomes one touch of the sequence.
MAX_PAIRS = 4
# Only the best lines and proofs are considered, because each round can compare every line with every proof.
MAX_LINES = 12
MAX_PROOFS = 16


@dataclass(frozen=True, slots=True)
class Pair:
    """A quotation from the prospect's pages (`line`) and a proof from the vendor's pages. Both can be None.

    `need` is a need that the line and the proof have in common, if there is one.
    """

    line: Line | None
    proof: Proof | None
    need: Need


def pains_of(persona: BuyerPersona, pains: Sequence[PainPoint]) -> list[PainPoint]:
    """Return the pains. Pains whose needs are typical of the persona's job come first."""
    own = cues.FUNCTION_NEEDS[persona.function]
    return sorted(pains, key=lambda pain: own.index(pain.need) if pain.need in own else len(own))


def needs_by_persona(personas: Sequence[BuyerPersona], pains: Sequence[PainPoint]) -> list[Need]:
    """Return one need for each persona. If possible, no two personas get the same need."""
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
    """Return up to `MAX_PAIRS` pairs for each persona.

    `wanted` contains one list of needs for each persona, with the main need first. Proofs that share words with
    `context` come first.
    """
    relevance = {proof: len(_words(context) & _words(proof.text)) for proof in proofs[:MAX_PROOFS]}
    by_persona = [list[Pair]() for _ in wanted]
    # Count how often each line, proof and pair is used, so that personas get different material.
    used: Counter[object] = Counter()
    # Personas take turns, so that the first persona does not take all of the best material.
    for _ in range(MAX_PAIRS if lines or proofs else 0):
        for chosen, needs in zip(by_persona, wanted, strict=True):
            if pair := _best(lines[:MAX_LINES], relevance, chosen, needs, used):
                chosen.append(pair)
                used.update((pair.line, pair.proof, (pair.line, pair.proof)))
    return by_persona


def _best(
    lines: Sequence[Line],
    relevance: Mapping[Proof, int],
    chosen: Sequence[Pair],
    needs: Sequence[Need],
    used: Counter[object],
) -> Pair | None:
    """Return the best new pair of a line and a proof for this persona.

    In each pair after the persona's first pair, the line and the proof must share a need, and no other persona may have
    the same pair. If there is only one proof, several pairs of the persona can use it.
    """
    used_proofs = {pair.proof for pair in chosen if len(relevance) > 1}
    new = [line for line in lines if all(line != pair.line for pair in chosen)]
    for line in sorted(new, key=lambda line: (used[line], _fit(line, needs))) or [None]:
        fits = [p for p in relevance if not chosen or (p not in used_proofs and _is_new_pair(line, p, used))]
        # The first pair can lack a proof, because each persona needs an outline even without a proof.
        if fits or (line and not chosen):
            proof = min(fits, key=lambda p: (-relevance[p], *_sort_key(p, line, needs[0], used)), default=None)
            return Pair(line, proof, _need(line, proof, needs[0]))
    return None


def _fit(line: Line, needs: Sequence[Need]) -> int:
    """Return 0 if the line is about the first need, 1 if it is about another need in the list, and 2 otherwise."""
    return 0 if needs[0] in line.needs else 1 if line.needs & {*needs} else 2


def _sort_key(proof: Proof, line: Line | None, need: Need, used: Counter[object]) -> tuple[int, ...]:
    """Return a key that sorts the best proof first.

    Prefer proofs that were not yet paired with this line, then proofs that share a need with the line. Among these,
    prefer proofs that were rarely used, then customers' measured results, then proofs about the persona's need.
    """
    is_measured = proof.customer and proof.measured
    return used[line, proof], not _share_need(line, proof), used[proof], not is_measured, need not in proof.needs


def _is_new_pair(line: Line | None, proof: Proof, used: Counter[object]) -> bool:
    return not used[line, proof] and _share_need(line, proof)


def _share_need(line: Line | None, proof: Proof) -> bool:
    return line is None or bool(line.needs & proof.needs)


def _need(line: Line | None, proof: Proof | None, need: Need) -> Need:
    """Return a need that the line and the proof share. If there is none, return a need that the line is about.

    If several needs are shared, prefer the persona's need. If the line is about no need, return the persona's need.
    """
    of_line = line.needs if line else frozenset[Need]()
    shared = (of_line & proof.needs if proof else of_line) or of_line
    strongest = cues.need_of(line.quote, tuple(n for n in cues.NEEDS if n in shared)) if line and shared else None
    return need if need in shared else strongest or need


def _words(text: str) -> frozenset[str]:
    """Return the words of more than three letters, without filler words."""
    words = {word.casefold() for word in re.findall(r"\w+", text)}
    return frozenset(word for word in words if len(word) > 3) - cues.FILLERS
