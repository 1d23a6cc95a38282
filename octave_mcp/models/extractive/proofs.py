"""What the vendor can show for itself: results of its customers, praise by people with a name, figures of its own."""

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

_POINTS_BACK = re.compile(r"\b(?:it|this|that|them|these|those|they)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Proof:
    """A quotation from the vendor's pages, with its owner's name; `of` is the customer, '' for the vendor's figures."""

    of: str
    text: str
    evidence: tuple[EvidenceId, ...]
    needs: frozenset[Need]
    measured: bool


def proofs(vendor: VendorElements[EvidenceId], name: str, prospect: str, passages: Passages) -> list[Proof]:
    """Measured results first, then other stories, praise, and figures; the prospect's own story is no proof to it."""
    stories = [p for story in vendor.case_studies if not is_same(story.customer, prospect) for p in _told(story)]
    praise = [p for point in vendor.proof_points if (p := _praise(point, name, prospect, passages))]
    own = [_own(point) for point in vendor.proof_points if point.kind in {"metric", "award"} and _is_short(point.text)]
    found = [p for p in (*stories, *praise, *own) if passages.english(p.evidence)]
    unique = list({normal(p.text): p for p in reversed(found)}.values())
    return sorted(unique, key=lambda p: (not (p.of and p.measured), found.index(p)))


def is_same(name: str, other: str) -> bool:
    return normal(name).replace(" ", "") == normal(other).replace(" ", "")


def _told(story: CaseStudy[EvidenceId]) -> Iterator[Proof]:
    """Its headline, and the results that add to it and can stand alone."""
    challenge = story.challenge.text if story.challenge else ""
    needs = frozenset(cues.needs_of(" ".join((story.headline, *(r.text for r in story.results), challenge))))
    if _is_short(story.headline):
        yield _proof(story.customer, story.headline, story.evidence[:1], needs)
    for result in story.results:
        said = result.text.strip('“”" ')
        is_new = said != story.headline and not figures(said) & figures(story.headline)
        if is_new and _is_short(said) and stands_alone(said) and not cues.GRUMBLES.search(said):
            yield _proof(story.customer, said, result.evidence, needs)


def _proof(customer: str, said: str, evidence: tuple[EvidenceId, ...], needs: frozenset[Need]) -> Proof:
    text = quoted(said) if not customer or has_words(customer, said) else f"{customer}: {quoted(said)}"
    return Proof(customer, text, evidence, needs, bool(cues.MEASURED.search(said)))


def _own(point: ProofPoint[EvidenceId]) -> Proof:
    return _proof("", point.text, point.evidence, frozenset(cues.needs_of(point.text)))


def _is_short(text: str) -> bool:
    return len(text.split()) <= MAX_WORDS and not re.search(r"[“”\"]", text)


def _praise(point: ProofPoint[EvidenceId], vendor: str, prospect: str, passages: Passages) -> Proof | None:
    """A sentence of praise by a person with a name and a job, as it stands on the page."""
    if point.kind != "testimonial" or not (point.person and point.role and point.company):
        return None
    quote = next((said for said in quotable(point.text) if _is_praise(said, vendor)), "")
    found = [p for i in point.evidence if (p := passages.passage(i))]
    if not quote or is_same(point.company, prospect) or not any(has_words(quote, p.text) for p in found):
        return None
    text = f"{point.person}, {point.role} at {point.company}: {quoted(quote)}"
    needs = frozenset(cues.needs_of(point.text))
    return Proof(point.company, text, point.evidence, needs, bool(cues.MEASURED.search(quote)))


def _is_praise(said: str, vendor: str) -> bool:
    named = has_words(vendor, said)
    good = named or cues.BENEFIT.search(said) or cues.MEASURED.search(said)
    clear = stands_alone(said) and (named or not _POINTS_BACK.search(said))
    return bool(good) and not cues.GRUMBLES.search(said) and clear
