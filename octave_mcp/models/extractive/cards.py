"""Battle cards built from cited facts: quotations, rows of comparison tables, and objections with their answers."""

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

MAX_POINTS = 5
MAX_RIVALS = 3
MAX_POINTS_PER_RIVAL = 4

Category = Literal["price", "timing", "authority", "need", "competitor"]


def why_we_win(material: Material) -> WhyWeWin[Cite]:
    proof = [say(proof.text, "fact", material.cites(proof.evidence)) for proof in material.proofs]
    return WhyWeWin[Cite](
        kind="why_we_win", reasons=tuple(_distinct(_reasons(material)))[:MAX_POINTS], proof=tuple(proof[:MAX_POINTS])
    )


def _reasons(material: Material) -> Iterator[Sentence[Cite]]:
    """Yield differentiators stated in sentences, then value propositions, then rows of comparison tables."""
    ours = [d for d in material.brief.vendor.differentiators if d.favours == "vendor"]
    ours = [d for d in ours if material.passages.english(d.evidence)]
    yield from (_sentence(material, d) for d in ours if not _is_row(d))
    for value in material.brief.vendor.value_propositions:
        if material.passages.english(value.evidence):
            yield say(f"{value.title}: {quoted(value.text)}", "fact", material.cites(value.evidence))
    yield from (_sentence(material, d) for d in ours if _is_row(d))


def _distinct(sentences: Iterator[Sentence[Cite]]) -> Iterator[Sentence[Cite]]:
    """Drop a sentence if it starts with the same six words as an earlier sentence."""
    seen: set[str] = set()
    for sentence in sentences:
        key = " ".join(normal(sentence.text).split()[:6])
        if key not in seen:
            seen.add(key)
            yield sentence


def objection_handling(material: Material) -> ObjectionHandling[Cite]:
    """Return objections, each with an answer from the vendor's own prices, results, certificates or comparisons."""
    objections = (*_on_price(material), *_on_proof(material), *_on_security(material), *_on_rivals(material))
    return ObjectionHandling[Cite](kind="objection_handling", objections=objections)


def _on_price(material: Material) -> Iterator[Objection[Cite]]:
    prices = [price for offering in material.brief.vendor.offerings for price in offering.pricing]
    short = [p for p in prices if material.passages.english(p.evidence) and len(p.terms.split()) <= MAX_WORDS]
    answer = [say(f"{p.plan}: {p.terms}", "fact", material.cites(p.evidence)) for p in short[:MAX_POINTS]]
    yield from _answered("price", "Price", answer)


def _on_proof(material: Material) -> Iterator[Objection[Cite]]:
    results = [p for p in material.proofs if p.customer and p.measured]
    answer = [say(p.text, "fact", material.cites(p.evidence)) for p in results[:MAX_POINTS_PER_RIVAL]]
    yield from _answered("need", "Results", answer)


def _on_security(material: Material) -> Iterator[Objection[Cite]]:
    certificates = [p for p in material.brief.vendor.proof_points if p.kind == "certification"]
    english = [p for p in certificates if material.passages.english(p.evidence)]
    answer = [say(quoted(p.text), "fact", material.cites(p.evidence)) for p in english[:MAX_POINTS_PER_RIVAL]]
    yield from _answered("need", "Standards", answer)


def _on_rivals(material: Material) -> Iterator[Objection[Cite]]:
    for name, differences in _by_rival(material):
        answer = [_sentence(material, d) for d in differences if d.favours == "vendor"][:MAX_POINTS_PER_RIVAL]
        yield from _answered("competitor", "Competitor", answer, competitor=name)


def _answered(
    category: Category, label: str, answer: Sequence[Sentence[Cite]], **words: str
) -> Iterator[Objection[Cite]]:
    if answer:
        yield Objection[Cite](
            category=category,
            objection=statement("objections", label, **words),
            answer=tuple(answer),
            no_proof_yet=False,
            ask=statement("objections", f"{label}, the ask", **words),
        )


def competitive_positioning(material: Material) -> CompetitivePositioning[Cite]:
    rivals = tuple(_rival(material, name, differences) for name, differences in _by_rival(material))
    conceded = any(rival.where_they_win for rival in rivals)
    return CompetitivePositioning[Cite](
        kind="competitive_positioning",
        rivals=rivals,
        where_they_win_note=material.statement("Concessions" if conceded else "No concession"),
    )


def _by_rival(material: Material) -> list[tuple[str, list[Differentiator[EvidenceId]]]]:
    """Group the differentiators by competitor, and return the competitors with the most differentiators."""
    by_rival: dict[str, list[Differentiator[EvidenceId]]] = {}
    for difference in material.brief.vendor.differentiators:
        if difference.competitor and material.passages.english(difference.evidence):
            by_rival.setdefault(difference.competitor, []).append(difference)
    return sorted(by_rival.items(), key=lambda rival: -len(rival[1]))[:MAX_RIVALS]


def _rival(material: Material, name: str, differences: Sequence[Differentiator[EvidenceId]]) -> Rival[Cite]:
    ours = [_sentence(material, d) for d in differences if d.favours == "vendor"]
    theirs = [_sentence(material, d) for d in differences if d.favours == "competitor"]
    return Rival[Cite](
        name=name,
        where_we_win=tuple(ours[:MAX_POINTS_PER_RIVAL]),
        where_they_win=tuple(theirs[:MAX_POINTS_PER_RIVAL]),
        questions=(),
    )


def _is_row(difference: Differentiator[EvidenceId]) -> bool:
    """Whether the differentiator comes from a row of a comparison table, not from a sentence."""
    # `rivals._table` writes the text of a row like this: 'SSO: Acme has it, Rival does not'.
    return difference.text.endswith("does not")


def _sentence(material: Material, difference: Differentiator[EvidenceId]) -> Sentence[Cite]:
    text = f"{difference.text}." if _is_row(difference) else quoted(difference.text)
    return say(text, "fact", material.cites(difference.evidence))
