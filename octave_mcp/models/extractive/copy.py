"""Putting page text into copy: what can be quoted, and how."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import Sentence, SentenceKind
from octave_mcp.rubric import QUOTED_WORDS

CLAIM_WORDS = 24


def say(text: str, kind: SentenceKind = "courtesy", cites: Iterable[Cite] = ()) -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind=kind, evidence=tuple(dict.fromkeys(cites)))


def sentence(text: str) -> str:
    """With a full stop, if it ends without one."""
    return text if re.search(r"[.!?]$", text) else f"{text}."


def quoted(text: str) -> str:
    """In quotation marks; a stop inside stays, and one is added outside where there is none."""
    inner = text.strip('“”" ')
    return f"“{inner}”" if re.search(r"[.!?]$", inner) else f"“{inner}”."


def quotable(text: str) -> Iterator[str]:
    """The sentences of a text that an e-mail can quote: not too short, not too long, no quotation inside."""
    for part in re.split(r"(?<=[.!?])\s+", text.strip('“”" ')):
        if 5 <= len(part.split()) <= QUOTED_WORDS and not re.search(r"[“”\"]", part):
            yield part


def shortest(text: str) -> str:
    """The first sentence of a text that can be quoted; nothing if there is none."""
    return next(quotable(text), "")


def as_statement(headline: str, customer: str) -> str:
    """'How Acme cut costs by a third' as a statement, in its own words; nothing if it is not of that form.

    A headline in title case stays one, in quotation marks.
    """
    match = re.match(rf"(?:How|Why)\s+(?P<rest>{re.escape(customer)}\s+.+)$", headline)
    text = match["rest"] if match else headline if headline.startswith(customer + " ") else ""
    if not text or len(text.split()) > CLAIM_WORDS:
        return ""
    rest = [word for word in text.removeprefix(customer).split() if len(word) > 3 and word.isalpha()]
    return (
        f"From the story of {customer}: {quoted(headline)}"
        if rest and all(w[0].isupper() for w in rest)
        else sentence(text)
    )
