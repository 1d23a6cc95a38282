"""All rules on whether quotations support a claim, and the verdict that follows from what they find.

Hard rules are rarely wrong: what they find is dropped if a correction does not help. Soft rules are wrong more often:
the claim stays, marked `partly`. A soft rule asks for a correction only if it is precise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from octave_mcp.domain.evidence import Support
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.support import (
    counts,
    direction,
    events,
    figures,
    marks,
    modality,
    months,
    negation,
    overlap,
    pains,
    polarity,
    scope,
    subjects,
)
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement

JUDGE = "rules"
# In one text: each is compared with all that are quoted.
MAX_FIGURES = 40


class Rule(NamedTuple):
    """How a rule is used.

    `reads_words`: it knows English only. It skips claims that copy the quotation, unless it `is_of_source`: then it
    checks whose words they are. `asks`: what it finds softly is worth asking for a correction.

    `python bench/claims.py` shows how often rules are wrong.
    """

    check: Callable[[Statement], Iterator[Problem]]
    reads_words: bool = True
    asks: bool = True
    is_of_source: bool = False


RULES: tuple[Rule, ...] = (
    Rule(figures.figures, reads_words=False),
    Rule(figures.renumbered, reads_words=False),
    Rule(figures.in_title, reads_words=False, asks=False),
    Rule(counts.counted),
    Rule(figures.period),
    Rule(figures.vague_time),
    Rule(figures.swapped),
    Rule(months.months, reads_words=False),
    Rule(subjects.named, reads_words=False),
    Rule(subjects.page, reads_words=False, is_of_source=True),
    Rule(subjects.subject),
    Rule(subjects.sentence),
    Rule(subjects.order),
    Rule(subjects.of_a_customer, is_of_source=True),
    Rule(marks.quotation_marks, reads_words=False),
    Rule(marks.addresses, reads_words=False, is_of_source=True),
    Rule(direction.direction),
    Rule(direction.opposites),
    Rule(polarity.kinds),
    Rule(polarity.polarity),
    Rule(negation.negation),
    Rule(modality.modality, asks=False),
    Rule(modality.past),
    Rule(scope.absolutes, asks=False),
    Rule(scope.widened, asks=False),
    Rule(scope.scope),
    Rule(scope.comparison),
    Rule(events.status),
    Rule(events.event),
    Rule(pains.pain, is_of_source=True),
    Rule(overlap.overlap, asks=False),
)


def problems(statement: Statement) -> list[Problem]:
    """All that is wrong with a claim, hard and soft."""
    return list(_problems(statement))


@lru_cache(maxsize=2048)
def _problems(statement: Statement) -> tuple[Problem, ...]:
    """An answer is judged twice: for the complaint, and when it is kept. What two rules say alike is said once."""
    known = _known(statement)
    if (count := len(quantities(known.text))) > MAX_FIGURES:
        return (Problem("D3", f"the claim has {count} figures; at most {MAX_FIGURES} can be checked"),)
    found = (
        replace(problem, asks=rule.asks) if problem.is_soft else problem
        for rule in _rules_for(known)
        for problem in rule.check(known)
    )
    return tuple({(problem.rule, problem.text): problem for problem in found}.values())


def _rules_for(one: Statement) -> Iterator[Rule]:
    for rule in RULES:
        is_used = one.is_read or not rule.reads_words
        if is_used and (rule.is_of_source or not (one.is_verbatim if rule.reads_words else one.is_copied)):
            yield rule


@lru_cache(maxsize=2048)
def _known(statement: Statement) -> Statement:
    """The first equal statement, which has been read already."""
    return statement


def support(statement: Statement, found: Sequence[Problem]) -> Support:
    """The rules' verdict, from the problems that were found.

    Without a problem it is `supported` only if one clause has nearly all words of the claim: the rules read words.
    """
    if found:
        is_hard = not all(problem.is_soft for problem in found)
        reasons = "; ".join(problem.text for problem in found if problem.is_soft != is_hard)
        return Support(verdict="not" if is_hard else "partly", judge=JUDGE, reason=reasons)
    known = _known(statement)
    is_said = known.is_verbatim or known.is_named or known.is_plainly_said
    return Support(verdict="supported" if is_said and statement.evidence else "unjudged", judge=JUDGE)
