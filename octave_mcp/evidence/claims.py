"""Finds the claims in a section of the playbook, each with its path, text, kind, evidence and verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast

from octave_mcp.domain.deal import Seat
from octave_mcp.domain.evidence import UNASKED, EvidenceId, Finding, Support
from octave_mcp.domain.findings import RELATIONS
from octave_mcp.domain.names import normal
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, defined, located
from octave_mcp.domain.verification import ClaimKind
from octave_mcp.evidence.support import has_line, is_sentence_of

UNJUDGED = Support(verdict="unjudged", judge="rules", reason="no rule could tell")
VERBATIM = Support(verdict="supported", judge="rules")

# Most findings state their claim in the first of these fields that is not empty.
_TEXTS = ("text", "description", "what", "terms", "why_they_care", "headline")
# These fields name the subject of a claim. If the claim does not contain this name, the name is prepended: 'from $10 a
# month' becomes 'Team plan from $10 a month'.
_LABELS = ("title", "name", "customer", "plan", "person", "company")
_NAMES = ("name", "title", "employer")
# These fields show whether a finding is an inference.
_GUESSES = ("why_they_care", "stated", "how_known")
_EDGES = " .!?;:,…\"'()"


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """A claim, with its path in the section.

    `at` is the path of the finding that makes the claim. `field` is the field that holds the text, or '' if the text
    was composed from several fields.
    """

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
    """Yield every fact and inference in the section. Questions, requests and courtesies are not claims."""
    for at, part in located(value):
        if _is_claim(part):
            field, text = _field_and_text(part)
            label = next((label for name, label in _texts(part, _LABELS) if name != field), "")
            yield FoundClaim(at, text, _kind(part), "" if label in text else label, field, part.evidence, part.support)


def bare(text: str) -> str:
    """Return the normalised text without surrounding punctuation, for comparison."""
    return normal(text).strip(_EDGES)


def is_verbatim(claim: FoundClaim, quotes: Sequence[str]) -> bool:
    """Whether a quotation contains the claim word for word.

    A claim with the verdict `partly` or `not` never counts as verbatim.
    """
    text = bare(claim.text)
    is_doubted = claim.support is not None and claim.support.verdict in {"partly", "not"}
    return bool(text) and not is_doubted and any(_contains(claim, text, normal(quote)) for quote in quotes)


def _contains(claim: FoundClaim, text: str, quote: str) -> bool:
    """Whether the quotation contains the text of the claim.

    A text that can be a sentence, such as a description, must be a whole sentence of the quotation. A name can be
    anywhere in the quotation.
    """
    return is_sentence_of(text, quote) if claim.field in _TEXTS else has_line(quote, text)


def _is_claim(value: Value) -> TypeGuard[Finding[Any]]:
    if not isinstance(value, Finding) or not cast("Finding[Any]", value).evidence:
        return False
    return not isinstance(value, Sentence) or value.kind in {"fact", "inference"}


def _field_and_text(finding: Finding[Any]) -> tuple[str, str]:
    """Return the field that states the claim, and its text.

    If no field states the claim, the text is composed from several fields.
    """
    if stated := next(_texts(finding, _TEXTS), None):
        return stated
    if isinstance(finding, Seat):
        return "", finding.in_words
    relation = getattr(finding, "relation", None)
    if relation in RELATIONS:
        return "", f"the company {RELATIONS[relation]}"
    return "", ", ".join(text for _, text in _texts(finding, _NAMES))


def _texts(finding: Finding[Any], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each of these fields that holds a text."""
    for name in defined(type(finding), names):
        if isinstance(text := getattr(finding, name), str) and text:
            yield name, text


def _kind(finding: Finding[Any]) -> ClaimKind:
    """Return whether the finding is a fact or an inference.

    A persona's interest, and a need that the prospect does not state, are always inferences.
    """
    if isinstance(finding, Sentence):
        return "inference" if finding.kind == "inference" else "fact"
    told = {name: getattr(finding, name) for name in defined(type(finding), _GUESSES)}
    is_guess = "why_they_care" in told or told.get("stated") is False or told.get("how_known") == "inferred"
    return "inference" if is_guess else "fact"
