"""Proofs for outlines: quotations of customer results, testimonials and the vendor's own figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.names import normal
from octave_mcp.domain.prospect import Need
from octave_mcp.domain.vendor import CaseStudy, ProofPoint, VendorElements
from octave_mcp.evidence.figures import figures, has_words
from octave_mcp.models.extractive import cues
from octave_mcp.models.extractive.passages import Passages
from octave_mcp.models.extractive.quoting import MAX_WORDS, quotable, quoted, stands_alone

# If praise does not name the vendor, the word 'it' can refer to anything: 'We set it up in a day'.
_REFERS_BACK = re.compile(r"\b(?:it|this|that|them|these|those|they)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proof:
    """A quotation from the vendor's pages. `customer` is '' for the vendor's own figures and awards."""

    customer: str
    text: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    measured: bool


def proofs(vendor: VendorElements[EvidenceId], name: str, prospect: str, passages: Passages) -> list[Proof]:
    """Return the proofs, best first: measured results of customers, other results, testimonials, and own figures.

    The prospect's own case study and testimonials are left out, because they prove nothing to the prospect.
    """
    stories = [p for story in vendor.case_studies if not is_same(story.customer, prospect) for p in _from_story(story)]
    praise = [p for point in vendor.proof_points if (p := _from_testimonial(point, name, prospect, passages))]
    own = [_own(point) for point in vendor.proof_points if point.kind in {"metric", "award"} and _is_short(point.text)]
    english = [p for p in (*stories, *praise, *own) if passages.english(p.evidence)]
    # Go in reverse order, so that the dict keeps the first of several proofs with the same text.
    unique = list({normal(p.text): p for p in reversed(english)}.values())
    return sorted(unique, key=lambda p: (not (p.customer and p.measured), english.index(p)))


def is_same(name: str, other: str) -> bool:
    return normal(name).replace(" ", "") == normal(other).replace(" ", "")


def _from_story(story: CaseStudy[EvidenceId]) -> Iterator[Proof]:
    """Yield the headline of a story, and each result that can stand alone and does not repeat the headline."""
    challenge = story.challenge.text if story.challenge else ""
    needs = cues.needs_of(" ".join((story.headline, *(r.text for r in story.results), challenge)))
    if _is_short(story.headline):
        yield _proof(story.customer, story.headline, story.evidence[:1], needs)
    for result in story.results:
        text = result.text.strip('“”" ')
        # Leave out a result with the same figure as the headline, because it repeats the headline.
        is_new = text != story.headline and not figures(text) & figures(story.headline)
        if is_new and _is_short(text) and stands_alone(text) and not cues.GRUMBLES.search(text):
            yield _proof(story.customer, text, result.evidence, needs)


def _proof(customer: str, quote: str, evidence: tuple[EvidenceId, ...], needs: frozenset[Need]) -> Proof:
    text = quoted(quote) if not customer or has_words(customer, quote) else f"{customer}: {quoted(quote)}"
    return Proof(customer, text, evidence, needs, bool(cues.MEASURED.search(quote)))


def _own(point: ProofPoint[EvidenceId]) -> Proof:
    return _proof("", point.text, point.evidence, cues.needs_of(point.text))


def _is_short(text: str) -> bool:
    return len(text.split()) <= MAX_WORDS and not re.search(r"[“”\"]", text)


def _from_testimonial(point: ProofPoint[EvidenceId], vendor: str, prospect: str, passages: Passages) -> Proof | None:
    """Return a sentence in which a customer praises the vendor.

    Return None if the customer's name, job title or employer is missing, or if no sentence qualifies.
    """
    if point.kind != "testimonial" or not (point.person and point.role and point.company):
        return None
    quote = next((text for text in quotable(point.text) if _is_praise(text, vendor)), "")
    cited = [p for i in point.evidence if (p := passages.passage(i))]
    # A testimonial can join sentences from two passages, but a proof must be a quotation from one passage.
    if not quote or is_same(point.company, prospect) or not any(has_words(quote, p.text) for p in cited):
        return None
    text = f"{point.person}, {point.role} at {point.company}: {quoted(quote)}"
    needs = cues.needs_of(point.text)
    return Proof(point.company, text, point.evidence, needs, bool(cues.MEASURED.search(quote)))


def _is_praise(text: str, vendor: str) -> bool:
    named = has_words(vendor, text)
    positive = named or cues.BENEFIT.search(text) or cues.MEASURED.search(text)
    clear = stands_alone(text) and (named or not _REFERS_BACK.search(text))
    return bool(positive) and not cues.GRUMBLES.search(text) and clear
