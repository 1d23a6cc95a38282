"""What several packs say of one company, as one: same name, union of evidence, in the order read."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from octave_mcp.domain.evidence import Collected, EvidenceId
from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import PageFailure, PageRef
from octave_mcp.domain.prospect import ProspectReading
from octave_mcp.domain.research import Profile, Reading, Research
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import BudgetExceeded

F = TypeVar("F", bound=Collected[Any])
R = TypeVar("R", bound=Value)


def merge(profile: Profile, readings: Sequence[Reading], failures: Sequence[PageFailure] = ()) -> Research:
    """`failures` are those of pages that no reading was to have."""
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
        elements=_one(VendorElements[EvidenceId], elements) if elements else None,
        signals=_one(ProspectReading[EvidenceId], signals) if signals else None,
        findings=_one(CompanyFindings[EvidenceId], [reading.findings for reading in readings]),
        intelligence=None,
        evidence=tuple(evidence.values()),
        gaps=_gaps((*profile.gaps, *(gap for reading in readings for gap in reading.gaps))),
    )


def add(research: Research, readings: Sequence[Reading]) -> Research:
    """The research with what more pages gave."""
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


def _gaps(found: Iterable[Gap]) -> tuple[Gap, ...]:
    """Without repeats; all questions of a section that the budget refused count as one gap."""
    unique: dict[tuple[str, ...], Gap] = {}
    for gap in found:
        reason = () if gap.code == BudgetExceeded.code else (gap.reason,)
        unique.setdefault((gap.section, gap.code, *reason), gap)
    return tuple(unique.values())


def _one(form: type[R], parts: Sequence[R]) -> R:
    """The lists of all parts as one list each."""
    merged = {kind: _merged(found for part in parts for found in getattr(part, kind)) for kind in form.model_fields}
    return form.model_validate(merged)


def _merged(found: Iterable[F]) -> tuple[F, ...]:
    """A customer shown in several ways counts once, by the strongest of them."""
    kept: dict[Hashable, F] = {}
    for finding in sorted(found, key=lambda finding: finding.rank):
        own = finding.merge_key()
        kept[own] = _union(kept[own], finding) if own in kept else finding
    return tuple(kept.values())


def _union(one: F, other: F) -> F:
    """The first with the other's evidence; what it lacks, and what it lists, the other fills up."""
    joined: dict[str, object] = {}
    for name in type(one).model_fields:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, tuple) and isinstance(theirs, tuple):
            joined[name] = tuple(dict.fromkeys((*mine, *theirs)))  # pyright: ignore[reportUnknownArgumentType]
        elif mine in (None, "") and theirs:
            joined[name] = theirs
    return one.model_copy(update=joined)
