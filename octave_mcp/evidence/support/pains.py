"""A rule on pain points: product copy describes problems of customers, not of the company itself (D40)."""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support.lexicon import (
    DENIALS,
    DENIALS_TO,
    FIRST_PERSON,
    IMPLICIT_DENIALS,
    NEGATIONS,
    PROBLEM_PHRASES,
    PROBLEM_WORDS,
    READER_PRONOUNS,
)
from octave_mcp.evidence.support.naming import has_name
from octave_mcp.evidence.support.statement import Quoted, Statement, soft
from octave_mcp.evidence.support.stories import story_of
from octave_mcp.evidence.support.terms import MONTHS
from octave_mcp.evidence.support.wording import Word, Wording

_PROBLEM_SIGNS = PROBLEM_WORDS | IMPLICIT_DENIALS | NEGATIONS | DENIALS | DENIALS_TO


def unstated_problem(statement: Statement) -> Iterator[Problem]:
    """Flag a claim about a problem of the prospect if no quotation says that the prospect has a problem.

    The quotation must name the prospect, or the prospect must speak in the first person ("We struggle with scattered
    data ourselves"). If the claim is a fact, the quotation must also contain a word for a problem.
    """
    if not statement.is_claim or not statement.mentions(statement.prospect) or not is_problem(statement.claim):
        return
    if any(
        _states_problem(statement, quotation, quote)
        for quotation, quote in zip(statement.evidence, statement.quotes, strict=True)
    ):
        return
    yield from soft("D40", f"the quotation does not say that {statement.prospect} itself has this problem")


def is_problem(text: Wording) -> bool:
    if any(text.has(phrase) for phrase in PROBLEM_PHRASES):
        return True
    return any(word.lower in PROBLEM_WORDS and not _is_date(text, word) for word in text.words)


def _is_date(text: Wording, word: Word) -> bool:
    """Whether "late" is part of a date, as in "by late 2027", and does not state a problem."""
    after = text.after(word)
    return word.lower == "late" and (after[:1].isdigit() or after in MONTHS)


def _is_own_story(name: str, quotation: Quoted) -> bool:
    """Whether the page is a story about this company, in which "we" is the company."""
    return has_name(name, story_of(quotation, "-"))


_PREPOSITIONS = frozenset("to with from at by for on into onto of through via in than over before without".split())


def _is_subject(name: str, quote: Wording) -> bool:
    """Whether the quotation is about the company, and does not just mention it, as in "Prior to Quillport, we ..."."""
    first = name.split(maxsplit=1)[0].lower()
    return any(word.lower == first and quote.before(word) not in _PREPOSITIONS for word in quote.words)


def _states_problem(statement: Statement, quotation: Quoted, quote: Wording) -> bool:
    if story_of(quotation, statement.prospect) and not _is_subject(statement.prospect, quote):
        return False
    speaks = quotation.role == "prospect" or _is_own_story(statement.prospect, quotation)
    if not (speaks and quote.lowers & FIRST_PERSON) and not has_name(statement.prospect, quotation.text):
        return False
    sentences = [frozenset(word.lower for word in words) for words in quote.sentences]
    # "You" usually means the reader of the page, except in direct speech.
    is_speech = quote.text.lstrip().startswith('"')
    about_itself = [
        lowers for lowers in sentences if is_speech or not lowers & READER_PRONOUNS or lowers & FIRST_PERSON
    ]
    if statement.kind == "inference":
        return bool(about_itself)
    return any("if" not in lowers and lowers & _PROBLEM_SIGNS for lowers in about_itself) or any(
        map(quote.has, PROBLEM_PHRASES)
    )
