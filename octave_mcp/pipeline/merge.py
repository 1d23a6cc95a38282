"""Merges the findings about one company. Findings with the same name become one finding with all their evidence."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from octave_mcp.domain.evidence import Collected, EvidenceId
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import PageFailure, PageRef
from octave_mcp.domain.prospect import ProspectFindings
from octave_mcp.domain.research import Profile, Reading, Research
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import BudgetExceeded

F = TypeVar("F", bound=Collected[Any])
R = TypeVar("R", bound=Value)


def merge(profile: Profile, readings: Sequence[Reading], failures: Sequence[PageFailure] = ()) -> Research:
    """Combine the findings from all packs of pages into the research on the company.

    `failures` are pages that failed while the site was mapped. Pages that failed later are listed in `readings`.
    """
    pages: dict[str, PageRef] = {page.url: page for reading in readings for page in reading.pages}
    elements = [reading.elements for reading in readings if reading.elements is not None]
    signals = [reading.signals for reading in readings if reading.signals is not None]
    evidence = {e.id: e for e in profile.evidence} | {e.id: e for reading in readings for e in reading.evidence}
    return Research(
        profile=profile,
        pages=tuple(pages.values()),
        words=sum(reading.words for reading in readings),
        failures=(*failures, *(failure for reading in readings for failure in reading.failures)),
        suspicious=tuple(url for reading in readings for url in reading.suspicious),
        heard=tuple(dict.fromkeys(word for reading in readings for word in reading.heard)),
        unanswered=tuple(url for reading in readings for url in reading.unanswered),
        elements=_joined(VendorElements[EvidenceId], elements) if elements else None,
        signals=_joined(ProspectFindings[EvidenceId], signals) if signals else None,
        findings=_joined(CompanyFindings[EvidenceId], [reading.findings for reading in readings]),
        intelligence=None,
        evidence=tuple(evidence.values()),
        gaps=_gaps((*profile.gaps, *(gap for reading in readings for gap in reading.gaps))),
    )


def add(research: Research, readings: Sequence[Reading]) -> Research:
    """Add the findings from additional pages to the research."""
    if not readings:
        return research
    first = Reading(
        pages=research.pages, words=research.words, failures=research.failures,
        suspicious=research.suspicious, heard=research.heard, unanswered=research.unanswered,
        elements=research.elements, signals=research.signals, findings=research.findings,
        evidence=research.evidence, gaps=research.gaps,
    )  # fmt: skip
    merged = merge(research.profile.model_copy(update={"gaps": ()}), (first, *readings))
    own = {"found_by": research.found_by, "found_at": research.found_at, "links": research.links}
    return merged.model_copy(update=own)


def _gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Remove repeated gaps.

    If several gaps of a section report an exhausted budget, keep only the first one, even if their reasons differ.
    """
    unique: dict[tuple[str, ...], Gap] = {}
    for gap in gaps:
        reason = () if gap.code == BudgetExceeded.code else (gap.reason,)
        unique.setdefault((gap.section, gap.code, *reason), gap)
    return tuple(unique.values())


def _joined(form: type[R], parts: Sequence[R]) -> R:
    merged = {kind: _merged(entry for part in parts for entry in getattr(part, kind)) for kind in form.model_fields}
    return form.model_validate(merged)


def _merged(findings: Iterable[F]) -> tuple[F, ...]:
    """Merge findings whose `merge_key()` is equal.

    For example, if one page shows a customer's logo and another page has a story about the customer, the merged finding
    says that there is a story.
    """
    merged: dict[Hashable, F] = {}
    # Put stronger findings first, because `_union` keeps the fields of the first finding. Later findings only fill
    # empty fields and extend lists.
    for finding in sorted(findings, key=lambda finding: finding.rank):
        key = finding.merge_key()
        merged[key] = _union(merged[key], finding) if key in merged else finding
    return tuple(merged.values())


def _union(first: F, second: F) -> F:
    """Add the list entries of `second` to `first`, and fill empty fields of `first` from `second`."""
    joined: dict[str, object] = {}
    for name in type(first).model_fields:
        left, right = getattr(first, name), getattr(second, name)
        if isinstance(left, tuple) and isinstance(right, tuple):
            joined[name] = tuple(dict.fromkeys((*left, *right)))  # pyright: ignore[reportUnknownArgumentType]
        elif left in (None, "") and right:
            joined[name] = right
    return first.model_copy(update=joined)
