"""What still stands of earlier findings and drafts, once their pages were read again."""

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

# The evidence that is still there, as the pages have it now, by its id, which it keeps.
Alive = Mapping[EvidenceId, Evidence]
# The statement that a text of a kind makes with this evidence.
State = Callable[[str, str, tuple[Evidence, ...]], Statement]


def still_there(evidence: Iterable[Evidence], pages: Iterable[Page]) -> dict[EvidenceId, Evidence]:
    """Those of the quotations that the pages have: in the same sentences, at the same address."""
    by_url, shown = {page.ref.url: page for page in pages}, dict[str, list[Passage]]()
    found: dict[EvidenceId, Evidence] = {}
    for one in evidence:
        if (page := by_url.get(one.url)) is None:
            continue
        if page.ref.sha256 == one.page_sha256:
            found[one.id] = one.model_copy(update={"fetched_at": page.ref.fetched_at})
            continue
        if one.url not in shown:
            shown[one.url] = screened(passages(page))
        if moved := _moved(one, shown[one.url]):
            found[one.id] = moved
    return found


def _moved(one: Evidence, shown: Iterable[Passage]) -> Evidence | None:
    """The quotation where it stands now: the place nearest to where it stood."""
    places = [
        (start, passage)
        for passage in shown
        if passage.where == one.where
        for start in _places(one.quote, passage, has_label=bool(one.label))
    ]
    if not places:
        return None
    start, passage = min(places, key=lambda place: abs(place[0] - one.start))
    page = passage.page
    now = {
        "page_sha256": page.sha256,
        "start": start,
        "end": start + len(one.quote),
        "fetched_at": page.fetched_at,
        "language": page.language,
        "page_title": page.title,
        "page_kind": page.kind,
        "published_on": page.published_on,
    }
    return one.model_copy(update=now)


def _places(quote: str, passage: Passage, *, has_label: bool) -> Iterator[int]:
    """Where on the page whole sentences of the passage, or its heading, are the quotation."""
    if passage.heading == quote and not has_label:
        yield passage.heading_start
    starts = {start for start, _ in (*passage.sentences, *numbered(passage))}
    ends = {end for _, end in (*passage.sentences, *numbered(passage))}
    for found in re.finditer(re.escape(quote), passage.text):
        if found.start() in starts and found.end() in ends:
            yield passage.start + found.start()


def lost(value: Value, alive: Alive) -> dict[Path, tuple[EvidenceId, ...]]:
    """The findings that cite what is gone, with what is left of their evidence."""
    cited = ((at, cast("Finding[EvidenceId]", part)) for at, part in located(value) if isinstance(part, Finding))
    return {
        at: tuple(i for i in finding.evidence if i in alive)
        for at, finding in cited
        if not alive.keys() >= {*finding.evidence}
    }


def surviving(value: V, alive: Alive, state: State, *, language: str) -> V | None:
    """The value without the findings whose evidence is gone; what is left of it must support those that stay."""
    left = lost(value, alive)
    cut = changed(value, {(*at, "evidence"): ids for at, ids in left.items()})
    gone = unsupported(value, left, alive, state)
    return without(cut, gone, known=state("", "fact", ()).known, language=language).value if gone else cut


def unsupported(
    value: Value, left: Mapping[Path, tuple[EvidenceId, ...]], alive: Alive, state: State
) -> frozenset[Path]:
    """The claims that what is left of their evidence does not support."""

    def stands(claim: FoundClaim) -> bool:
        if not left[claim.at]:
            return False
        statement = state(f"{claim.label} {claim.text}".strip(), claim.kind, tuple(alive[i] for i in left[claim.at]))
        return not any(problem.asks and not problem.is_soft for problem in problems(statement))

    return frozenset(claim.at for claim in claims(value) if claim.at in left and not stands(claim))


def stating(vendor: str, prospect: str, given: str, known: tuple[str, ...]) -> State:
    """How a text is judged in a deal: `known` are the names that need no evidence."""

    def stated(text: str, kind: str, evidence: tuple[Evidence, ...]) -> Statement:
        cited = tuple(quoted(one, as_passage(one)) for one in evidence)
        return Statement(text, "inference" if kind == "inference" else "fact", vendor, prospect, cited, given, known)

    return stated
