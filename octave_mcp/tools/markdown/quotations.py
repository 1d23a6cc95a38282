"""The quotations of a text: each is given once, with its page, below what cites it first."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from octave_mcp.domain.evidence import Evidence, EvidenceId, Support
from octave_mcp.domain.findings import UNDATED
from octave_mcp.domain.page import place_in_words
from octave_mcp.domain.playbook import Playbook

# In characters.
LONGEST_TITLE, LONGEST_ADDRESS = 60, 90
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# What would become code, a link, an image or HTML. The rest is left as it is: a model reads it.
_MARKUP = re.compile(r"`|\](?=[(\[])|<(?=[a-zA-Z/!?])")


def plain(text: str) -> str:
    """The text of a page or of a model on one line, in which nothing is a link or HTML."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(_INVISIBLE.sub("", text).split()))


def shortened(text: str, longest: int) -> str:
    """The whole words at the beginning of a text that is longer."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    return f"{cut[: cut.rfind(' ')] if ' ' in cut else cut} …"


class Quotations:
    """Numbers evidence in the order in which a text cites it; quotations longer than `longest` are cut."""

    def __init__(self, playbook: Playbook, longest: int) -> None:
        self._evidence = playbook.evidence
        self._longest = longest
        self._numbers: dict[tuple[str, str], int] = {}
        self._pages: dict[str, int] = {}
        self._new: list[str] = []

    def mark(self, ids: Iterable[EvidenceId], support: Support | None = None, said: str = "") -> str:
        """What stands behind a claim: ' [1][2]', and whether it is in doubt. What it quotes itself is not repeated."""
        numbers = dict.fromkeys(self._number(self._evidence[id_], said) for id_ in ids if id_ in self._evidence)
        doubt = support and support.verdict in {"partly", "not"}
        reason = plain(support.reason) if support and doubt else ""
        told = "partly supported" if support and support.verdict == "partly" else "not supported"
        marks = "".join(f"[{number}]" for number in numbers)
        return "".join((f" {marks}" if marks else "", f" ({told}{f': {reason}' if reason else ''})" if doubt else ""))

    def given(self, ids: Iterable[EvidenceId]) -> str:
        """The marks of those that are cited already: '[1][2]'."""
        found = (self._evidence[id_] for id_ in ids if id_ in self._evidence)
        numbers = dict.fromkeys(self._numbers.get((one.url, one.quote)) for one in found)
        return "".join(f"[{number}]" for number in numbers if number)

    def take_new(self) -> list[str]:
        """The quotations that were cited since the last call and before that never, a line each."""
        new, self._new = self._new, []
        return new

    def _number(self, evidence: Evidence, said: str) -> int:
        key = evidence.url, evidence.quote
        if key not in self._numbers:
            self._numbers[key] = number = len(self._numbers) + 1
            page = self._page(evidence, number)
            quoted = "" if evidence.quote in said else f"{self._quoted(evidence)} "
            self._new.append(f"[{number}] {quoted}({page})")
        return self._numbers[key]

    def _quoted(self, evidence: Evidence) -> str:
        quote = shortened(plain(evidence.quote), self._longest)
        has_marks = quote.startswith(("“", '"', "„", "«")) or quote.endswith(("”", '"', "»"))
        return quote if has_marks else f"“{quote}”"

    def _page(self, evidence: Evidence, number: int) -> str:
        """The page in full the first time, by the number of its first quotation afterwards."""
        place = place_in_words(evidence.label, evidence.where) if evidence.where else ""
        first = self._pages.setdefault(evidence.url, number)
        if first != number:
            return ", ".join(filter(None, (place, f"page of [{first}]")))
        title = shortened(plain(evidence.page_title), LONGEST_TITLE)
        date = f"{evidence.published_on}" if evidence.published_on else UNDATED
        return ", ".join(filter(None, (title, place, date, _address(evidence.url))))


def _address(url: str) -> str:
    """The address, without its query if it is long: most pages are found without it."""
    if len(url) > LONGEST_ADDRESS:
        url = urlsplit(url)._replace(query="", fragment="").geturl()
    return shortened(plain(url), 2 * LONGEST_ADDRESS)
