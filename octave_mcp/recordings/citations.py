"""Citations: in a recording by page and quotation, in an answer by the numbers of the passages shown."""

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

# The field of a finding that no model answers: rules and verification fill it.
DERIVED = "support"


class PagePlace(NamedTuple):
    """The company whose site a page is on, with its path there; '' and the whole address for a page elsewhere."""

    company: str
    path: str


class _Quoted(NamedTuple):
    start: int
    cite: Cite


def place_of(url: str, companies: Sequence[Company]) -> PagePlace:
    """The same for a company's site at whatever address it is served."""
    parts = urlsplit(url)
    for company in companies:
        if _host(url) == _host(company.url):
            return PagePlace(company.role, f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}")
    return PagePlace("", url)


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower().removeprefix("www.")


def as_recorded(value: Value, evidence: Mapping[EvidenceId, Evidence], companies: Sequence[Company]) -> Json:
    """The value as JSON, with each piece of evidence as a citation."""

    def tree(part: Json) -> Json:
        if is_list(part):
            return [tree(one) for one in part]
        if not is_object(part):
            return part
        return {
            name: [_citation(evidence[i], companies) for i in own] if name == "evidence" else tree(own)
            for name, own in part.items()
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
    """The passages of an ask, by what can be quoted from them."""

    def __init__(self, passages: Sequence[Passage], companies: Sequence[Company]) -> None:
        self._found: dict[PagePlace, dict[str, list[_Quoted]]] = {}
        for at, passage in enumerate(passages, 1):
            of_page = self._found.setdefault(place_of(passage.page.url, companies), {})
            for cite in _ways(at, passage):
                found = quotations(cite, passages, "vendor")  # whose page it is does not change what is quoted
                if len(found) == 1:
                    of_page.setdefault(found[0].quote, []).append(_Quoted(found[0].start, cite))

    def cites(self, citation: Object) -> tuple[Cite, ...]:
        """What gives exactly the quotation of the citation: one cite, or two if it is cut in two now; else nothing.

        A quotation that the page has more than once is the one nearest to its recorded place.
        """
        quotes = self._found.get(PagePlace(citation["company"], citation["path"]), {})
        quote, start = citation["quote"], citation["start"]
        parts = (quote,) if quote in quotes else _halves(quote, quotes)
        return tuple(min(quotes[part], key=lambda one: abs(one.start - start)).cite for part in parts)


def _ways(at: int, passage: Passage) -> Iterator[Cite]:
    """All ways to cite one quotation of the passage: the whole, its heading, a sentence, two neighbours."""
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
