"""Battle cards made of cited facts: what is quoted, what the comparison tables say, and what the pages answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from octave_mcp.domain.cards import CompetitivePositioning, Objection, ObjectionHandling, Rival, WhyWeWin
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.names import normal
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.vendor import Differentiator
from octave_mcp.models.extractive.material import Material
from octave_mcp.models.extractive.outlines import statement
from octave_mcp.models.extractive.quoting import MAX_WORDS, quoted, say

MOST = 5
MAX_RIVALS = 3
MOST_PER_RIVAL = 4

Category = Literal["price", "timing", "authority", "need", "competitor"]


def why_we_win(material: Material) -> WhyWeWin[Cite]:
    proof = [say(proof.text, "fact", material.cites(proof.evidence)) for proof in material.proofs]
    return WhyWeWin[Cite](
        kind="why_we_win", reasons=tuple(_varied(_reasons(material)))[:MOST], proof=tuple(proof[:MOST])
    )


def _reasons(material: Material) -> Iterator[Sentence[Cite]]:
    """What sets the vendor apart in sentences, then what it promises, then rows of comparison tables."""
    ours = [d for d in material.brief.vendor.differentiators if d.favours == "vendor"]
    ours = [d for d in ours if material.passages.english(d.evidence)]
    yield from (_told(material, d) for d in ours if not _is_row(d))
    for value in material.brief.vendor.value_propositions:
        if material.passages.english(value.evidence):
            yield say(f"{value.title}: {quoted(value.text)}", "fact", material.cites(value.evidence))
    yield from (_told(material, d) for d in ours if _is_row(d))


def _varied(sentences: Iterator[Sentence[Cite]]) -> Iterator[Sentence[Cite]]:
    """Without those that say nearly the same."""
    seen: set[str] = set()
    for sentence in sentences:
        key = " ".join(normal(sentence.text).split()[:6])
        if key not in seen:
            seen.add(key)
            yield sentence


def objection_handling(material: Material) -> ObjectionHandling[Cite]:
    """Only what the vendor's pages answer: its prices, certificates, results and comparisons."""
    objections = (*_on_price(material), *_on_proof(material), *_on_security(material), *_on_rivals(material))
    return ObjectionHandling[Cite](kind="objection_handling", objections=objections)


def _on_price(material: Material) -> Iterator[Objection[Cite]]:
    prices = [price for offering in material.brief.vendor.offerings for price in offering.pricing]
    fits = [p for p in prices if material.passages.english(p.evidence) and len(p.terms.split()) <= MAX_WORDS]
    said = [say(f"{p.plan}: {p.terms}", "fact", material.cites(p.evidence)) for p in fits[:MOST]]
    yield from _answered("price", "Price", said)


def _on_proof(material: Material) -> Iterator[Objection[Cite]]:
    told = [p for p in material.proofs if p.of and p.measured]
    said = [say(p.text, "fact", material.cites(p.evidence)) for p in told[:MOST_PER_RIVAL]]
    yield from _answered("need", "Results", said)


def _on_security(material: Material) -> Iterator[Objection[Cite]]:
    held = [p for p in material.brief.vendor.proof_points if p.kind == "certification"]
    fits = [p for p in held if material.passages.english(p.evidence)]
    said = [say(quoted(p.text), "fact", material.cites(p.evidence)) for p in fits[:MOST_PER_RIVAL]]
    yield from _answered("need", "Standards", said)


def _on_rivals(material: Material) -> Iterator[Objection[Cite]]:
    for name, found in _by_rival(material):
        said = [_told(material, d) for d in found if d.favours == "vendor"][:MOST_PER_RIVAL]
        yield from _answered("competitor", "Competitor", said, competitor=name)


def _answered(
    category: Category, label: str, said: Sequence[Sentence[Cite]], **words: str
) -> Iterator[Objection[Cite]]:
    if said:
        yield Objection[Cite](
            category=category,
            objection=statement("objections", label, **words),
            answer=tuple(said),
            no_proof_yet=False,
            ask=statement("objections", f"{label}, the ask", **words),
        )


def competitive_positioning(material: Material) -> CompetitivePositioning[Cite]:
    rivals = tuple(_rival(material, name, found) for name, found in _by_rival(material))
    conceded = any(rival.where_they_win for rival in rivals)
    return CompetitivePositioning[Cite](
        kind="competitive_positioning",
        rivals=rivals,
        where_they_win_note=material.statement("Concessions" if conceded else "No concession"),
    )


def _by_rival(material: Material) -> list[tuple[str, list[Differentiator[EvidenceId]]]]:
    """The competitors that the pages say most about."""
    found: dict[str, list[Differentiator[EvidenceId]]] = {}
    for difference in material.brief.vendor.differentiators:
        if difference.competitor and material.passages.english(difference.evidence):
            found.setdefault(difference.competitor, []).append(difference)
    return sorted(found.items(), key=lambda rival: -len(rival[1]))[:MAX_RIVALS]


def _rival(material: Material, name: str, found: Sequence[Differentiator[EvidenceId]]) -> Rival[Cite]:
    ours = [_told(material, d) for d in found if d.favours == "vendor"]
    theirs = [_told(material, d) for d in found if d.favours == "competitor"]
    return Rival[Cite](
        name=name,
        where_we_win=tuple(ours[:MOST_PER_RIVAL]),
        where_they_win=tuple(theirs[:MOST_PER_RIVAL]),
        questions=(),
    )


def _is_row(difference: Differentiator[EvidenceId]) -> bool:
    """Whether it comes from a row of a table, not from a sentence of the page."""
    return difference.text.endswith("does not")


def _told(material: Material, difference: Differentiator[EvidenceId]) -> Sentence[Cite]:
    text = f"{difference.text}." if _is_row(difference) else quoted(difference.text)
    return say(text, "fact", material.cites(difference.evidence))
