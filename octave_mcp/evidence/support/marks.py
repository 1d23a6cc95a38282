"""Rules on phrases in quotation marks (D10) and on web addresses, which could lead to a hostile site (D36)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from octave_mcp.domain.addresses import is_registrable
from octave_mcp.domain.names import normal
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.statement import Quoted, Statement, hard, soft

# A single quotation mark between two letters is an apostrophe, as in "Vessler's".
_QUOTED_PHRASE = re.compile(r"“([^“”]{3,})”|\"([^\"]{3,})\"|(?<!\w)‘([^‘]{3,}?)’(?!\w)")
_CURLY = re.compile(r"“[^“”]*”")
_ADDRESS = re.compile(
    r"(?:https?://|www\.|(?<![\w.+-])[\w.+-]+@)(?P<host>[\w.-]+)\S*"
    r"|(?<![\w.-])(?P<bare>(?:[a-z0-9-]+\.)+[a-z]{2,})(?P<path>[/:?#]\S+|/)?",
    re.IGNORECASE,
)
_MAY_BE_ADDRESS = re.compile(r"@[\w.-]|[\w-]\.[\w.-]|://")
_TRAILING_MARKS = ".,;:!?)]}>\"'”’"


def misquoted_phrases(statement: Statement) -> Iterator[Problem]:
    """Reject a phrase in quotation marks if the quotation does not contain the phrase word for word.

    If the quotation contains the same words in another order, the phrase is only flagged.
    """
    if not (marked := [next(filter(None, match.groups())) for match in _QUOTED_PHRASE.finditer(statement.text)]):
        return
    quoted_text = normal(statement.quoted_text)
    for phrase in marked:
        if not _has_words(normal(phrase).rstrip(".,;:!?"), quoted_text):
            complaint = f"{phrase!r} is in quotation marks, but these words are not in the quotation"
            yield from soft("D10", complaint) if _is_in_another_order(phrase, quoted_text) else hard("D10", complaint)


_MIN_REORDERED_WORDS = 3


def _is_in_another_order(phrase: str, quoted_text: str) -> bool:
    """Whether the text contains the words of the phrase in another order: "what it is" and "what is it"."""
    words, quoted_words = (
        normal(phrase).rstrip(".,;:!?").split(),
        [word.strip(_TRAILING_MARKS) for word in quoted_text.split()],
    )
    count = len(words)
    return count >= _MIN_REORDERED_WORDS and any(
        sorted(quoted_words[at : at + count]) == sorted(words)
        for at, word in enumerate(quoted_words)
        if word == words[0]
    )


def _has_words(phrase: str, text: str) -> bool:
    """Whether the text contains the phrase as whole words. "We ship faster" does not contain "we ship fast"."""
    at = text.find(phrase)
    while at >= 0:
        if not (_WORD_CHARACTER.fullmatch(text[at - 1 : at]) or _WORD_CHARACTER.match(text, at + len(phrase))):
            return True
        at = text.find(phrase, at + 1)
    return False


_WORD_CHARACTER = re.compile(r"[a-z\d]")


def foreign_addresses(statement: Statement) -> Iterator[Problem]:
    """Reject addresses that are not on the cited sites. Subdomains and parent domains of a cited site are allowed."""
    for address, host in _addresses(statement):
        if not any(_is_on_site(host, quotation) for quotation in statement.evidence):
            yield from hard("D36", f"the address {address!r} is not on the site that is cited")


def _addresses(statement: Statement) -> Iterator[tuple[str, str]]:
    """Yield the addresses in the claim, with their hosts.

    A bare host such as "Cal.com" can be a product name, so it is skipped if the evidence or the context contains it.
    """
    if not _MAY_BE_ADDRESS.search(statement.text):
        return
    matches = [
        match
        for match in _ADDRESS.finditer(_CURLY.sub(" ", statement.text))
        if match["host"] or is_registrable(match["bare"])
    ]
    if not matches:
        return
    around = (text for q in statement.evidence for text in (q.text, q.title, q.heading, q.around))
    allowed = "\n".join((*around, *statement.free_names, statement.context)).lower()
    for match in matches:
        bare = match["bare"]
        if match["host"] or match["path"] or bare.lower() not in allowed:
            yield match[0].rstrip(_TRAILING_MARKS), (match["host"] or bare).rstrip(_TRAILING_MARKS)


def _is_on_site(host: str, quotation: Quoted) -> bool:
    host_name = host.lower().strip(".").removeprefix("www.")
    site = (urlsplit(quotation.url).hostname or "").removeprefix("www.")
    return bool(host_name and site) and (
        host_name == site or host_name.endswith(f".{site}") or site.endswith(f".{host_name}")
    )
