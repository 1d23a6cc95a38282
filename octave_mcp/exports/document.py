"""Code that the HTML and Markdown exports share: numbered sources, the Jinja environment, and template values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from octave_mcp.copywriting.outlines import TITLE, how, title
from octave_mcp.domain.evidence import Evidence, EvidenceId, Support
from octave_mcp.domain.findings import RELATIONS
from octave_mcp.domain.page import place_in_words
from octave_mcp.domain.playbook import Playbook
from octave_mcp.evidence.dates import date_in_words
from octave_mcp.evidence.passages import is_stale
from octave_mcp.exports.contents import Contents, addressees, persona_titles, repeats
from octave_mcp.exports.dates import age_in_words
from octave_mcp.exports.mail import mails
from octave_mcp.exports.support import VERDICTS, counted, mark_of, verdict_in_words
from octave_mcp.exports.words import (
    ASKS,
    AUDIENCES,
    BRUSH_OFFS,
    FLAGS,
    HOW_KNOWN,
    TOOLS,
    WHEREABOUTS,
    as_sentence,
    in_words,
    language_in_words,
    page_of,
)

# After this many days, the statements about a rival on a battle card can be outdated, so they must be checked again.
FRESH_DAYS = 90


@dataclass(frozen=True)
class SourceEntry:
    """A piece of evidence with its number in the document."""

    number: int
    evidence: Evidence
    stale: bool

    @property
    def place(self) -> str:
        """Where on the page the quotation is, as in 'in the page's title'; '' if it is in the visible text."""
        return place_in_words(self.evidence.label, self.evidence.where) if self.evidence.where else ""


@dataclass(frozen=True)
class Citation:
    """The sources of a claim, and the verdict on the claim.

    Two claims have equal keys if their sources and verdicts are equal.
    """

    key: str
    sources: tuple[SourceEntry, ...]
    verdict: str = ""

    @cached_property
    def numbers(self) -> str:
        return ", ".join(str(source.number) for source in self.sources)


class Citations:
    """Numbers the evidence in a document, in the order in which evidence is first cited."""

    def __init__(self, playbook: Playbook) -> None:
        self._evidence = playbook.evidence
        self._on = playbook.generated_at.date()
        self._sources: dict[EvidenceId, SourceEntry] = {}
        self._citations: dict[tuple[tuple[EvidenceId, ...], str], Citation] = {}

    def cite(self, ids: tuple[EvidenceId, ...], support: Support | None = None) -> Citation:
        """Return the citation of this evidence. Evidence that was not cited before gets a new number."""
        cited = tuple(dict.fromkeys(ids)), verdict_in_words(support) if support else ""
        if cited not in self._citations:
            sources = tuple(self._source(id_) for id_ in cited[0])
            self._citations[cited] = Citation(f"cite-{len(self._citations) + 1}", sources, cited[1])
        return self._citations[cited]

    def citations(self) -> tuple[Citation, ...]:
        """Return all citations in the document. Call this method last, after everything else has been rendered."""
        return tuple(self._citations.values())

    def sources(self) -> tuple[SourceEntry, ...]:
        """Return all sources in the document. Call this method last, after everything else has been rendered."""
        return tuple(self._sources.values())

    def by_page(self) -> tuple[tuple[SourceEntry, ...], ...]:
        """Return all sources in the document, grouped by page, in the order in which the pages are first cited."""
        pages: dict[str, list[SourceEntry]] = {}
        for source in self.sources():
            pages.setdefault(source.evidence.url, []).append(source)
        return tuple(map(tuple, pages.values()))

    def _source(self, id_: EvidenceId) -> SourceEntry:
        if id_ not in self._sources:
            evidence = self._evidence[id_]
            self._sources[id_] = SourceEntry(len(self._sources) + 1, evidence, is_stale(evidence, self._on))
        return self._sources[id_]


def environment(finalize: Callable[[object], object] | None = None) -> Environment:
    """Return a Jinja environment that escapes all values and raises an error for undefined values.

    Jinja prints the result of `finalize` instead of the value itself. The Markdown export uses `finalize` to escape
    values, because Jinja itself escapes only for HTML.
    """
    return Environment(
        loader=PackageLoader("octave_mcp.exports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalize,
        auto_reload=False,
    )


def template_values(playbook: Playbook) -> dict[str, Any]:
    """Return the template variables for one document."""
    contents, citations, outlined = Contents(playbook), Citations(playbook), title(playbook)
    written_on = playbook.generated_at.date()
    return {
        "playbook": playbook,
        "companies": playbook.companies,
        "company_names": {role: company.name for role, company in playbook.companies.items()},
        "contents": contents,
        "gaps_in": contents.gaps_in,
        "mails": mails(playbook),
        "citations": citations,
        "cite": citations.cite,
        "repeats": repeats,
        "judged": counted(playbook),
        "addressee": addressees(playbook),
        "persona_title": persona_titles(playbook),
        "outline": {"title": outlined, "how": how(playbook)} if outlined else None,
        "is_outline": outlined == TITLE,
        "age": partial(age_in_words, on=written_on),
        **_WORDS,
    }


def dated_until(day: date) -> date:
    """Return the last day on which a battle card written on `day` can be used without checking it again."""
    return day + timedelta(days=FRESH_DAYS)


_WORDS: dict[str, Any] = {
    "flag_words": FLAGS,
    "whereabouts": WHEREABOUTS,
    "relations": RELATIONS,
    "tools": TOOLS,
    "how_known": HOW_KNOWN,
    "brush_offs": BRUSH_OFFS,
    "asks": ASKS,
    "audiences": AUDIENCES,
    "mark_of": mark_of,
    "verdict_in_words": verdict_in_words,
    "verdict_words": VERDICTS,
    "page_of": page_of,
    "in_words": in_words,
    "as_sentence": as_sentence,
    "language": language_in_words,
    "date": date_in_words,
    "dated_until": dated_until,
}
