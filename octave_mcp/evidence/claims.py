"""The claims of a value: where they are, what they say, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from octave_mcp.domain.deal import Seat
from octave_mcp.domain.evidence import UNASKED, EvidenceId, Finding, Support
from octave_mcp.domain.findings import RELATIONS
from octave_mcp.domain.names import normal
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, located
from octave_mcp.domain.verification import ClaimKind
from octave_mcp.evidence.support import has_line, is_sentence_of

UNJUDGED = Support(verdict="unjudged", judge="rules", reason="no rule could tell")
VERBATIM = Support(verdict="supported", judge="rules")

# The fields that say what a finding claims: the first that it has counts.
_TEXTS = ("text", "description", "what", "terms", "why_they_care", "headline")
_LABELS = ("title", "name", "customer", "plan", "person", "company")
_NAMES = ("name", "title", "employer")
_EDGES = " .!?;:,…\"'()"


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """`at` is its place in the value; `field` is the one that has its text, '' if the text was put together here."""

    at: Path
    text: str
    kind: ClaimKind
    label: str
    field: str
    evidence: tuple[EvidenceId, ...]
    support: Support | None

    @property
    def verdict_at(self) -> Path:
        return (*self.at, UNASKED)

    @property
    def text_at(self) -> Path:
        return (*self.at, self.field)


def claims(value: Value) -> Iterator[FoundClaim]:
    """All that it claims: facts and inferences, but no questions."""
    for at, part in located(value):
        if _is_claim(part):
            field, text = _said(part)
            label = next((found for name in _LABELS if name != field and (found := _text(part, name))), "")
            yield FoundClaim(at, text, _kind(part), "" if label in text else label, field, part.evidence, part.support)


def bare(text: str) -> str:
    """A text for comparison, without what stands around it."""
    return normal(text).strip(_EDGES)


def is_verbatim(claim: FoundClaim, quotes: Sequence[str]) -> bool:
    """Whether it is a sentence of one of the quotations, or all of it, and the rules object to nothing."""
    said = bare(claim.text)
    is_doubted = claim.support is not None and claim.support.verdict in {"partly", "not"}
    return bool(said) and not is_doubted and any(_says(claim, said, normal(quote)) for quote in quotes)


def _says(claim: FoundClaim, said: str, quote: str) -> bool:
    """A name may stand anywhere in a quotation; a sentence must be a whole one there."""
    return is_sentence_of(said, quote) if claim.field in _TEXTS else has_line(quote, said)


def _is_claim(value: Value) -> TypeGuard[Finding[Any]]:
    if not isinstance(value, Finding) or not cast("Finding[Any]", value).evidence:
        return False
    return not isinstance(value, Sentence) or value.kind in {"fact", "inference"}


def _said(finding: Finding[Any]) -> tuple[str, str]:
    """The field that says what it claims, and its text; what has no such field is put in words."""
    for name in _TEXTS:
        if found := _text(finding, name):
            return name, found
    if isinstance(finding, Seat):
        return "", finding.in_words
    relation = getattr(finding, "relation", None)
    if relation in RELATIONS:
        return "", f"the company {RELATIONS[relation]}"
    return "", ", ".join(found for name in _NAMES if (found := _text(finding, name)))


def _text(finding: Finding[Any], name: str) -> str:
    found = getattr(finding, name, None)
    return found if isinstance(found, str) else ""


def _kind(finding: Finding[Any]) -> ClaimKind:
    """A role that would care is always inferred; of needs, those that the prospect does not state."""
    if isinstance(finding, Sentence):
        return "inference" if finding.kind == "inference" else "fact"
    is_guess = hasattr(finding, "why_they_care") or getattr(finding, "stated", True) is False
    return "inference" if is_guess or getattr(finding, "how_known", "named") == "inferred" else "fact"
