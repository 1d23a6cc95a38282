"""Converts evidence ids to the citations in recordings, and these citations to passage numbers in answers.

A citation in a recording consists of a page and a quotation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

from octave_mcp.domain.company import Company
from octave_mcp.domain.evidence import Cite, Evidence, EvidenceId, Passage
from octave_mcp.domain.value import Value
from octave_mcp.evidence.passages import numbered, quotations
from octave_mcp.recordings.recording import Json, Object, is_list, is_object

# Recordings omit the field `support` of each finding, because a run fills in this field after it gets an answer.
DERIVED = "support"


class PagePlace(NamedTuple):
    """The location of a page, independent of the host: the company's role and the path on the company's site.

    For a page on another site, `company` is '' and `path` is the complete URL.
    """

    company: str
    path: str


class _Quoted(NamedTuple):
    start: int
    cite: Cite


def place_of(url: str, companies: Sequence[Company]) -> PagePlace:
    """Return the location of a page. The location does not change if the site moves to another host."""
    parts = urlsplit(url)
    for company in companies:
        if _host(url) == _host(company.url):
            return PagePlace(company.role, f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")
    return PagePlace("", url)


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower().removeprefix("www.")


def as_recorded(value: Value, evidence: Mapping[EvidenceId, Evidence], companies: Sequence[Company]) -> Json:
    """Return a value as JSON, with evidence ids replaced by citations."""

    def tree(part: Json) -> Json:
        if is_list(part):
            return [tree(entry) for entry in part]
        if not is_object(part):
            return part
        return {
            name: [_citation(evidence[i], companies) for i in field] if name == "evidence" else tree(field)
            for name, field in part.items()
            if name != DERIVED
        }

    return tree(value.model_dump(mode="json"))


def _citation(evidence: Evidence, companies: Sequence[Company]) -> Object:
    return {
        **place_of(evidence.url, companies)._asdict(),
        "page_sha256": evidence.page_sha256,
        "start": evidence.start,
        "quote": evidence.quote,
    }


class Shown:
    """An index of all quotations that an answer can cite."""

    def __init__(self, passages: Sequence[Passage], companies: Sequence[Company]) -> None:
        self._by_page: dict[PagePlace, dict[str, list[_Quoted]]] = {}
        for at, passage in enumerate(passages, 1):
            by_quote = self._by_page.setdefault(place_of(passage.page.url, companies), {})
            for cite in _possible_cites(at, passage):
                # `quotations` needs a role, but the role does not change the quotation, so any role will do.
                quoted = quotations(cite, passages, "vendor")
                if len(quoted) == 1:
                    by_quote.setdefault(quoted[0].quote, []).append(_Quoted(quoted[0].start, cite))

    def cites(self, citation: Object) -> tuple[Cite, ...]:
        """Return citations that produce exactly the recorded quotation, or () if the passages do not contain it.

        If the quotation is now split between two passages, two citations are returned. If the page contains the
        quotation several times, the occurrence closest to the recorded offset is cited.
        """
        quotes = self._by_page.get(PagePlace(citation["company"], citation["path"]), {})
        quote, start = citation["quote"], citation["start"]
        parts = (quote,) if quote in quotes else _halves(quote, quotes)
        return tuple(min(quotes[part], key=lambda quoted: abs(quoted.start - start)).cite for part in parts)


def _possible_cites(at: int, passage: Passage) -> Iterator[Cite]:
    """Yield all citations that consist of a single quotation.

    The quotation can be the whole passage, the passage's heading, one sentence, or two neighbouring sentences.
    """
    yield Cite(passage=at)
    if passage.is_quotation:
        return
    if passage.heading:
        yield Cite(passage=at, sentences=(0,))
    sentences = range(1, len(numbered(passage)) + 1)
    yield from (Cite(passage=at, sentences=(number,)) for number in sentences)
    yield from (Cite(passage=at, sentences=pair) for pair in pairwise(sentences))


def _halves(quote: str, quotes: Collection[str]) -> tuple[str, ...]:
    for first in quotes:
        if quote.startswith(first) and (rest := quote[len(first) :].lstrip()) in quotes:
            return first, rest
    return ()
