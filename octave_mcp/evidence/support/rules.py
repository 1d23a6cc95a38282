"""Lists all rules, and derives the verdict on a claim from the problems that the rules find.

Hard rules are rarely wrong. If a hard rule rejects a claim and no correction fixes it, the claim is dropped. Soft rules
are wrong more often. If a soft rule flags a claim, the claim is kept, with the verdict `partly`. Some soft rules cause
no correction, because they flag too many true claims.
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
    periods,
    polarity,
    scope,
    stories,
    subjects,
)
from octave_mcp.evidence.support.quantities import quantities
from octave_mcp.evidence.support.statement import Statement

JUDGE = "rules"
# A claim with more figures is rejected. Comparing so many figures with all figures in the quotations would take too
# long.
MAX_FIGURES = 40


class Rule(NamedTuple):
    """A rule, and the conditions under which it is applied.

    `check`: function that yields the problems of a statement. `english_only`: whether the rule compares words, and
    therefore works only for English texts. `asks`: whether a model is asked to correct the soft problems that the rule
    finds. `checks_source`: whether the rule checks which company owns the quoted page. If `checks_source` is true, the
    rule also applies to sentences that are copied from the page.

    Run `python bench/claims.py` to measure how often the rules are wrong.
    """

    check: Callable[[Statement], Iterator[Problem]]
    english_only: bool = True
    asks: bool = True
    checks_source: bool = False


# Most hard rules check exact values: figures, months, names, pages, quoted phrases and addresses. Rules that compare
# words are mostly soft, because a quotation can express the claim in other words. Rules with `asks=False` do not cause
# a correction, because they flag too many true claims.
RULES: tuple[Rule, ...] = (
    Rule(figures.unquoted_figures, english_only=False),
    Rule(figures.renumbered_sentence, english_only=False),
    Rule(figures.figures_in_title, english_only=False, asks=False),
    Rule(counts.miscounted),
    Rule(periods.wrong_period),
    Rule(periods.wrong_vague_time),
    Rule(figures.swapped_figures),
    Rule(months.unquoted_months, english_only=False),
    Rule(subjects.unquoted_names, english_only=False),
    Rule(subjects.wrong_page, english_only=False, checks_source=True),
    Rule(subjects.wrong_company),
    Rule(subjects.wrong_company_in_sentence),
    Rule(subjects.verb_of_another_name),
    Rule(stories.customer_story, checks_source=True),
    Rule(marks.misquoted_phrases, english_only=False),
    Rule(marks.foreign_addresses, english_only=False, checks_source=True),
    Rule(direction.opposite_direction),
    Rule(direction.opposite_words),
    Rule(polarity.opposite_kinds),
    Rule(polarity.opposite_mood),
    Rule(negation.one_sided_denial),
    Rule(modality.omitted_hedge, asks=False),
    Rule(modality.past_as_present),
    Rule(scope.added_absolute, asks=False),
    Rule(scope.widened_part, asks=False),
    Rule(scope.omitted_limit),
    Rule(scope.added_comparison),
    Rule(events.added_status),
    Rule(events.added_event),
    Rule(pains.unstated_problem, checks_source=True),
    Rule(overlap.too_little_overlap, asks=False),
)


def problems(statement: Statement) -> list[Problem]:
    """Return all problems of a claim, hard and soft."""
    return list(_problems(statement))


@lru_cache(maxsize=2048)
def _problems(statement: Statement) -> tuple[Problem, ...]:
    """Return the problems without duplicates.

    Every answer is judged twice, before corrections and on acceptance, so the result is cached.
    """
    known = _known(statement)
    if (count := len(quantities(known.text))) > MAX_FIGURES:
        return (Problem("D3", f"the claim has {count} figures; at most {MAX_FIGURES} can be checked"),)
    results = (
        replace(problem, asks=rule.asks) if problem.is_soft else problem
        for rule in _rules_for(known)
        for problem in rule.check(known)
    )
    return tuple({(problem.rule, problem.text): problem for problem in results}.values())


def _rules_for(statement: Statement) -> Iterator[Rule]:
    checks_words = statement.is_readable and not statement.is_verbatim
    checks_details = not statement.is_copied
    for rule in RULES:
        if rule.checks_source:
            is_used = statement.is_readable or not rule.english_only
        else:
            is_used = checks_words if rule.english_only else checks_details
        if is_used:
            yield rule


@lru_cache(maxsize=2048)
def _known(statement: Statement) -> Statement:
    """Return an earlier statement that equals this one, so that its cached properties are used again."""
    return statement


def support(statement: Statement, problems_found: Sequence[Problem]) -> Support:
    """Return the verdict on a statement, based on its problems.

    The rules compare words and do not understand meaning. Therefore, a claim without problems is `supported` only if
    the quotation uses nearly the same words. Otherwise, the verdict is `unjudged`.
    """
    if problems_found:
        is_hard = not all(problem.is_soft for problem in problems_found)
        reasons = "; ".join(problem.text for problem in problems_found if problem.is_soft != is_hard)
        return Support(verdict="not" if is_hard else "partly", judge=JUDGE, reason=reasons)
    known = _known(statement)
    is_said = known.is_verbatim or known.is_only_names or known.is_plainly_quoted
    return Support(verdict="supported" if is_said and statement.evidence else "unjudged", judge=JUDGE)
