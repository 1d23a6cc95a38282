"""Rules on quotation marks (D10), and on addresses, to which a page could have readers sent (D36)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import is_registrable
from octave_mcp.domain.names import normal
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.statement import Quoted, Statement, hard, soft

_MARKED = re.compile(r"“([^“”]{3,})”|\"([^\"]{3,})\"|(?<!\w)‘([^‘]{3,}?)’(?!\w)")
_CURLY = re.compile(r"“[^“”]*”")
_ADDRESS = re.compile(
    r"(?:https?://|www\.|(?<![\w.+-])[\w.+-]+@)(?P<host>[\w.-]+)\S*"
    r"|(?<![\w.-])(?P<bare>(?:[a-z0-9-]+\.)+[a-z]{2,})(?P<path>[/:?#]\S+|/)?",
    re.IGNORECASE,
)
_MAY_BE_ADDRESS = re.compile(r"@[\w.-]|[\w-]\.[\w.-]|://")
_END = ".,;:!?)]}>\"'”’"


def quotation_marks(one: Statement) -> Iterator[Problem]:
    """What is in quotation marks is in the quotation, word by word."""
    if not (marked := [next(filter(None, found.groups())) for found in _MARKED.finditer(one.text)]):
        return
    said = normal(one.said)
    for quote in marked:
        if not _stands_in(normal(quote).rstrip(".,;:!?"), said):
            told = f"{quote!r} is in quotation marks, but these words are not in the quotation"
            yield from soft("D10", told) if _is_in_another_order(quote, said) else hard("D10", told)


# The least words of which another order says the same.
_SENTENCE = 3


def _is_in_another_order(part: str, said: str) -> bool:
    """'Where is the driver' of 'where the driver is'."""
    words, there = normal(part).rstrip(".,;:!?").split(), [word.strip(_END) for word in said.split()]
    count = len(words)
    return count >= _SENTENCE and any(
        sorted(there[at : at + count]) == sorted(words) for at, word in enumerate(there) if word == words[0]
    )


def _stands_in(part: str, text: str) -> bool:
    """As whole words: 'we ship fast' is not said by 'we ship faster'."""
    at = text.find(part)
    while at >= 0:
        if not (_INSIDE.fullmatch(text[at - 1 : at]) or _INSIDE.match(text, at + len(part))):
            return True
        at = text.find(part, at + 1)
    return False


_INSIDE = re.compile(r"[a-z\d]")


def addresses(one: Statement) -> Iterator[Problem]:
    """Each address is on the site that is cited, or above or below it."""
    for address, host in _addresses(one):
        if not any(_is_own(host, quoted) for quoted in one.evidence):
            yield from hard("D36", f"the address {address!r} is not on the site that is cited")


def _addresses(one: Statement) -> Iterator[tuple[str, str]]:
    """The addresses with their hosts; a bare host that is named may be a name, as Cal.com is."""
    if not _MAY_BE_ADDRESS.search(one.text):
        return
    found = [
        match
        for match in _ADDRESS.finditer(_CURLY.sub(" ", one.text))
        if match["host"] or is_registrable(match["bare"])
    ]
    if not found:
        return
    beside = (text for q in one.evidence for text in (q.text, q.title, q.heading, q.around))
    named = "\n".join((*beside, *one.free_names, one.context)).lower()
    for match in found:
        bare = match["bare"]
        if match["host"] or match["path"] or bare.lower() not in named:
            yield match[0].rstrip(_END), (match["host"] or bare).rstrip(_END)


def _is_own(host: str, quoted: Quoted) -> bool:
    named = host.lower().strip(".").removeprefix("www.")
    own = (urlsplit(quoted.url).hostname or "").removeprefix("www.")
    return bool(named and own) and (named == own or named.endswith(f".{own}") or own.endswith(f".{named}"))
