"""Finds the earlier findings and drafts that the pages still support when a playbook is refreshed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar, cast

from octave_mcp.domain.evidence import Evidence, EvidenceId, Finding, Passage
from octave_mcp.domain.page import Page
from octave_mcp.domain.value import Path, Value, changed, located
from octave_mcp.evidence.claims import FoundClaim, claims
from octave_mcp.evidence.coherence import without
from octave_mcp.evidence.passages import as_passage, numbered, passages
from octave_mcp.evidence.screening import screened
from octave_mcp.evidence.support import Statement, problems, quoted

V = TypeVar("V", bound=Value)

# Maps ids to evidence whose quotation is still on its page. The offsets are updated, but the evidence keeps its id, so
# drafts that cite the id remain valid.
Alive = Mapping[EvidenceId, Evidence]
State = Callable[[str, str, tuple[Evidence, ...]], Statement]


def still_there(evidence: Iterable[Evidence], pages: Iterable[Page]) -> dict[EvidenceId, Evidence]:
    """Return the quotations that are still whole sentences on their pages, keyed by id."""
    by_url, shown = {page.ref.url: page for page in pages}, dict[str, list[Passage]]()
    present: dict[EvidenceId, Evidence] = {}
    for quotation in evidence:
        if (page := by_url.get(quotation.url)) is None:
            continue
        # If the page is unchanged, all offsets are still valid.
        if page.ref.sha256 == quotation.page_sha256:
            present[quotation.id] = quotation.model_copy(update={"fetched_at": page.ref.fetched_at})
            continue
        if quotation.url not in shown:
            shown[quotation.url] = screened(passages(page))
        if moved := _moved(quotation, shown[quotation.url]):
            present[quotation.id] = moved
    return present


def _moved(quotation: Evidence, shown: Iterable[Passage]) -> Evidence | None:
    """Return the evidence with its new offset, or None if the page no longer contains the quotation."""
    places = [
        (start, passage)
        for passage in shown
        if passage.where == quotation.where
        for start in _places(quotation.quote, passage, has_label=bool(quotation.label))
    ]
    if not places:
        return None
    start, passage = min(places, key=lambda place: abs(place[0] - quotation.start))
    page = passage.page
    now = {
        "page_sha256": page.sha256,
        "start": start,
        "end": start + len(quotation.quote),
        "fetched_at": page.fetched_at,
        "language": page.language,
        "page_title": page.title,
        "page_kind": page.kind,
        "published_on": page.published_on,
    }
    return quotation.model_copy(update=now)


def _places(quote: str, passage: Passage, *, has_label: bool) -> Iterator[int]:
    """Yield the page offsets of the quotation, which must be the passage's heading or consist of whole sentences."""
    if passage.heading == quote and not has_label:
        yield passage.heading_start
    starts = {start for start, _ in (*passage.sentences, *numbered(passage))}
    ends = {end for _, end in (*passage.sentences, *numbered(passage))}
    for match in re.finditer(re.escape(quote), passage.text):
        if match.start() in starts and match.end() in ends:
            yield passage.start + match.start()


def lost(value: Value, alive: Alive) -> dict[Path, tuple[EvidenceId, ...]]:
    """For each finding that lost evidence, map its path to the ids of its remaining evidence."""
    cited = ((at, cast("Finding[EvidenceId]", part)) for at, part in located(value) if isinstance(part, Finding))
    return {
        at: tuple(i for i in finding.evidence if i in alive)
        for at, finding in cited
        if not alive.keys() >= {*finding.evidence}
    }


def surviving(value: V, alive: Alive, state: State, *, language: str) -> V | None:
    """Return the value without findings that the remaining evidence no longer supports."""
    left = lost(value, alive)
    cut = changed(value, {(*at, "evidence"): ids for at, ids in left.items()})
    gone = unsupported(value, left, alive, state)
    return without(cut, gone, known=state("", "fact", ()).known, language=language).value if gone else cut


def unsupported(
    value: Value, left: Mapping[Path, tuple[EvidenceId, ...]], alive: Alive, state: State
) -> frozenset[Path]:
    """Return the paths of the claims that lost evidence and that the remaining evidence does not support."""

    def is_supported(claim: FoundClaim) -> bool:
        if not left[claim.at]:
            return False
        statement = state(f"{claim.label} {claim.text}".strip(), claim.kind, tuple(alive[i] for i in left[claim.at]))
        return not any(problem.asks and not problem.is_soft for problem in problems(statement))

    return frozenset(claim.at for claim in claims(value) if claim.at in left and not is_supported(claim))


def stating(vendor: str, prospect: str, given: str, known: tuple[str, ...]) -> State:
    """Return a function that builds a statement from a text and its evidence.

    `known` lists names that need no evidence.
    """

    def stated(text: str, kind: str, evidence: tuple[Evidence, ...]) -> Statement:
        cited = tuple(quoted(quotation, as_passage(quotation)) for quotation in evidence)
        return Statement(text, "inference" if kind == "inference" else "fact", vendor, prospect, cited, given, known)

    return stated
