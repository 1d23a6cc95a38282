"""Assigns numbers to the quotations that a text cites.

Each quotation is printed once, with its page, below the block that first cites it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Evidence, EvidenceId, Support
from octave_mcp.domain.findings import UNDATED
from octave_mcp.domain.page import place_in_words
from octave_mcp.domain.playbook import Playbook

MAX_TITLE_CHARACTERS, MAX_URL_CHARACTERS = 60, 90
# Remove control characters (except white space) and bidirectional formatting characters, because a page could use them
# to hide or reorder text.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# Escape characters that could form code, a link, an image or HTML. Leave other markup, such as `*`, unescaped, because
# the text usually goes to a model and is not rendered as a page.
_MARKUP = re.compile(r"`|\](?=[(\[])|<(?=[a-zA-Z/!?])")


def plain(text: str) -> str:
    """Return untrusted text on one line, escaped so that it contains no link, image, code or HTML."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(_INVISIBLE.sub("", text).split()))


def shortened(text: str, limit: int) -> str:
    """If a text is longer than `limit` characters, cut it at the end of a word."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut} …"


class Quotations:
    """Assigns numbers to the evidence that a text cites, in the order of the citations.

    Quotations are cut to `limit` characters.
    """

    def __init__(self, playbook: Playbook, limit: int) -> None:
        self._evidence = playbook.evidence
        self._limit = limit
        self._numbers: dict[tuple[str, str], int] = {}
        self._pages: dict[str, int] = {}
        self._new: list[str] = []

    def mark(self, ids: Iterable[EvidenceId], support: Support | None = None, claim: str = "") -> str:
        """Return the citations of a claim, such as ' [1][2]'.

        If the claim is not fully supported, add the verdict: ' [1][2] (partly supported)'. If the claim contains the
        text of a quotation, the list of quotations shows only the page and does not repeat the text.
        """
        numbers = dict.fromkeys(self._number(self._evidence[id_], claim) for id_ in ids if id_ in self._evidence)
        is_doubted = support and support.verdict in {"partly", "not"}
        reason = plain(support.reason) if support and is_doubted else ""
        verdict = "partly supported" if support and support.verdict == "partly" else "not supported"
        doubt = f" ({verdict}{f': {reason}' if reason else ''})" if is_doubted else ""
        marks = "".join(f"[{number}]" for number in numbers)
        return f"{f' {marks}' if marks else ''}{doubt}"

    def given(self, ids: Iterable[EvidenceId]) -> str:
        """Return citations, such as '[1][2]', only of the evidence that already has a number."""
        cited = (self._evidence[id_] for id_ in ids if id_ in self._evidence)
        numbers = dict.fromkeys(self._numbers.get((evidence.url, evidence.quote)) for evidence in cited)
        return "".join(f"[{number}]" for number in numbers if number)

    def take_new(self) -> list[str]:
        """Return a line for each quotation that got its number after the last call of this method."""
        new, self._new = self._new, []
        return new

    def _number(self, evidence: Evidence, claim: str) -> int:
        key = evidence.url, evidence.quote
        if key not in self._numbers:
            self._numbers[key] = number = len(self._numbers) + 1
            page = self._page(evidence, number)
            quoted = "" if evidence.quote in claim else f"{self._quoted(evidence)} "
            self._new.append(f"[{number}] {quoted}({page})")
        return self._numbers[key]

    def _quoted(self, evidence: Evidence) -> str:
        quote = shortened(plain(evidence.quote), self._limit)
        has_marks = quote.startswith(("“", '"', "„", "«")) or quote.endswith(("”", '"', "»"))
        return quote if has_marks else f"“{quote}”"

    def _page(self, evidence: Evidence, number: int) -> str:
        """Return the title, date and URL of a page, or only 'page of [1]' if quotation 1 is from the same page."""
        place = place_in_words(evidence.label, evidence.where) if evidence.where else ""
        first = self._pages.setdefault(evidence.url, number)
        if first != number:
            return ", ".join(filter(None, (place, f"page of [{first}]")))
        title = shortened(plain(evidence.page_title), MAX_TITLE_CHARACTERS)
        date = f"{evidence.published_on}" if evidence.published_on else UNDATED
        return ", ".join(filter(None, (title, place, date, _address(evidence.url))))


def _address(url: str) -> str:
    """Return the URL. Remove the query string of a long URL, because most pages open without it."""
    if len(url) > MAX_URL_CHARACTERS:
        url = urlsplit(url)._replace(query="", fragment="").geturl()
    return shortened(plain(url), 2 * MAX_URL_CHARACTERS)
