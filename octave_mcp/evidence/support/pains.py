"""A rule on pains: product copy, which speaks to its reader, is no problem of the company itself (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.lexicon import (
    DENIALS,
    DENIALS_TO,
    EXCUSES,
    FIRST_PERSON,
    NEGATIONS,
    PROBLEM,
    PROBLEM_PHRASES,
    READER,
)
from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Quoted, Statement, soft
from octave_mcp.evidence.support.subjects import story_of
from octave_mcp.evidence.support.terms import MONTHS
from octave_mcp.evidence.support.wording import Word, Wording

_TELLING = PROBLEM | EXCUSES | NEGATIONS | DENIALS | DENIALS_TO


def pain(one: Statement) -> Iterator[Problem]:
    """A problem of the prospect's is told by itself in the first person, or of it by name, and is told as one."""
    if not one.is_claim or not one.mentions(one.prospect) or not is_problem(one.claim):
        return
    if any(_tells(one, quoted, quote) for quoted, quote in zip(one.evidence, one.quotes, strict=True)):
        return
    yield from soft("D40", f"the quotation does not say that {one.prospect} itself has this problem")


def is_problem(text: Wording) -> bool:
    if any(text.has(phrase) for phrase in PROBLEM_PHRASES):
        return True
    return any(word.lower in PROBLEM and not _is_date(text, word) for word in text.words)


def _is_date(text: Wording, word: Word) -> bool:
    """'By late 2027'."""
    after = text.after(word)
    return word.lower == "late" and (after[:1].isdigit() or after in MONTHS)


def _tells_story_of(name: str, quoted: Quoted) -> bool:
    """Whether the title is that of its story, in which it speaks: 'How Supabase ...'."""
    return has_name(name, story_of(quoted, "-"))


_PREPOSITIONS = frozenset("to with from at by for on into onto of through via in than over before without".split())


def _is_spoken_of(name: str, quote: Wording) -> bool:
    """Whether it is more than what something was done with, or before: 'Prior to Supabase, we ...'."""
    first = name.split(maxsplit=1)[0].lower()
    return any(word.lower == first and quote.before(word) not in _PREPOSITIONS for word in quote.words)


def _tells(one: Statement, quoted: Quoted, quote: Wording) -> bool:
    if story_of(quoted, one.prospect) and not _is_spoken_of(one.prospect, quote):
        return False
    speaks = quoted.role == "prospect" or _tells_story_of(one.prospect, quoted)
    if not (speaks and quote.lowers & FIRST_PERSON) and not has_name(one.prospect, quoted.text):
        return False
    sentences = [frozenset(word.lower for word in words) for words in quote.sentences]
    is_speech = quote.text.lstrip().startswith('"')  # of another, who speaks to the company
    own = [lowers for lowers in sentences if is_speech or not lowers & READER or lowers & FIRST_PERSON]
    if one.kind == "inference":
        return bool(own)
    return any("if" not in lowers and lowers & _TELLING for lowers in own) or any(map(quote.has, PROBLEM_PHRASES))
