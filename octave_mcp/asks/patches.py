"""Builds patches, which let a model replace only the rejected entries of its answer.

An entry is the smallest part of an answer that a patch can replace: a finding, a text outside of findings, or a part
that is missing or unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from pydantic import create_model

from octave_mcp.asks.schema import FORMS, schema_of
from octave_mcp.domain.asks import Unread
from octave_mcp.domain.evidence import Cite, Finding
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Path, Value, form_at, is_within, part_at, path_text
from octave_mcp.evidence.checks import DEPENDS, UNREAD, Problem
from octave_mcp.evidence.coherence import dependents
from octave_mcp.evidence.judge import texts_of

MAX_FIXES = 16
# If a schema has more nullable parts than this, Anthropic's API rejects the schema.
MAX_NULLABLE = 16
MAX_QUOTED_LENGTH = 160
# A new text with fewer words than this, such as 'none' or 'drop it', is treated as an instruction, not as a sentence.
MIN_WORDS = 3
MAX_CITED = 12


@dataclass(frozen=True, slots=True)
class Fix:
    """An entry that the model must replace.

    `at`: the entry's path. `form`: the type of the replacement. `problems`: all problems within the entry.
    """

    at: Path
    form: Any
    problems: tuple[Problem, ...]

    @property
    def is_soft(self) -> bool:
        return all(problem.is_soft for problem in self.problems)


def fixes(
    draft: Value, form: type[Value], problems: Sequence[Problem], known: Sequence[str], language: str
) -> tuple[Fix, ...]:
    """Return a `Fix` for each entry that the model must replace, in the order of the draft.

    If one ask cannot hold all entries, first leave out entries with only soft problems. The answer keeps these entries
    as they are.
    """
    by_entry: dict[Path, list[Problem]] = {}
    for problem in problems:
        by_entry.setdefault(entry_at(draft, problem), []).append(problem)
    failed = [at for at, own in by_entry.items() if not all(problem.is_soft for problem in own)]
    # Also replace entries that depend on a failed entry, such as 'Both are free' after a failed sentence. They may make
    # no sense if the failed entry is changed or dropped.
    for at, on in dependents(draft, failed, known=known, language=language).items():
        changed = f"depends on {path_text(on)}, which may be reworded or dropped"
        text = f"{changed}: reword this entry so that it reads well either way"
        by_entry.setdefault(at, []).append(Problem(DEPENDS, text, at, is_soft=True))
    return _fitting([fix for at in sorted(by_entry, key=_order) if (fix := _fix(at, by_entry, form))])


def entry_at(draft: Value, problem: Problem) -> Path:
    """Return the path of the entry that has the problem."""
    at = problem.at
    paths = [at[:length] for length in range(len(at), -1, -1)]
    findings = [path for path in paths if isinstance(part_at(draft, path), Finding)]
    is_missing = part_at(draft, at) is None
    # None in a list stands for an item that could not be decoded. An item that could not be decoded is an entry itself.
    if is_missing and isinstance(at[-1], int):
        return at
    if findings or not (is_missing or problem.rule == UNREAD):
        return next(path for path in findings or paths if isinstance(part_at(draft, path), Value | str))
    return at


def _order(at: Path) -> list[str]:
    return [f"{step:06}" if isinstance(step, int) else step for step in at]


def _fix(at: Path, by_entry: Mapping[Path, Sequence[Problem]], form: type[Value]) -> Fix | None:
    """Return None if another fix already contains the entry, or if the answer type has no such entry."""
    if any(other != at and is_within(at, other) for other in by_entry):
        return None
    try:
        part = form_at(form, at)
    except (IndexError, KeyError, AttributeError):
        return None
    return Fix(at, part, tuple(p for other, own in by_entry.items() if is_within(other, at) for p in own))


def _fitting(every: Sequence[Fix]) -> tuple[Fix, ...]:
    """Return as many fixes as one answer type can hold, in their original order."""
    chosen = sorted(every, key=lambda fix: fix.is_soft)[:MAX_FIXES]
    while len(chosen) > 1 and json.dumps(schema_of(patch_form(chosen))).count('"null"') > MAX_NULLABLE:
        chosen.pop()
    return tuple(fix for fix in every if fix in chosen)


def patch_form(to_fix: Sequence[Fix]) -> type[Value]:
    """Return a model class for patches. It has a nullable field (`fix_1`, `fix_2`, ...) for each entry to replace."""
    return _form(tuple(fix.form for fix in to_fix))


# Patches with the same fields share one class, so that `schema_of` computes their schema only once.


@lru_cache(maxsize=FORMS)
def _form(forms: tuple[Any, ...]) -> type[Value]:
    fields: dict[str, Any] = {name_of(at): (form | None, ...) for at, form in enumerate(forms)}
    return create_model("Patch", __base__=Value, **fields)


def name_of(at: int) -> str:
    return f"fix_{at + 1}"


def complaint(draft: Value, to_fix: Sequence[Fix], unread: Mapping[Path, str]) -> str:
    """Return the text of a complaint, which tells the model the name, path, text and problems of each entry.

    `unread` maps the path of each unreadable entry to the text of the entry.
    """
    return "\n".join(line for at, fix in enumerate(to_fix) for line in _lines(name_of(at), draft, fix, unread))


def _lines(name: str, draft: Value, fix: Fix, unread: Mapping[Path, str]) -> Iterator[str]:
    part = part_at(draft, fix.at)
    texts = [((), part)] if isinstance(part, str) else list(texts_of(part)) if isinstance(part, Value) else []
    path = path_text((*fix.at, *texts[0][0]) if isinstance(part, Finding) and len(texts) == 1 else fix.at)
    content = "; ".join(_quoted(text) for _, text in texts) or (f"could not be read: {unread.get(fix.at, '')}")
    numbers = passages_cited(draft, [fix])
    cites = f" (cites {', '.join(f'[{number}]' for number in numbers)})" if numbers else ""
    yield f"{name} replaces {path}{cites}: {content}" if part is not None else f"{name}: {path} {_state(content)}"
    for problem in fix.problems:
        where = path_text(problem.at[len(fix.at) :])
        yield f"- {where}{': ' if where else ''}{problem}"


def _state(content: str) -> str:
    return "is missing" if content.endswith((": ", "null")) else content


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= MAX_QUOTED_LENGTH else f"{text[:MAX_QUOTED_LENGTH]}...", ensure_ascii=False)


def passages_cited(draft: Value, to_fix: Sequence[Fix]) -> tuple[int, ...]:
    """Return the numbers of the passages that the entries cite, without duplicates."""
    parts = (part_at(draft, fix.at) for fix in to_fix)
    findings = (cast("Finding[Cite]", part) for part in parts if isinstance(part, Finding))
    cites = (cite for finding in findings for cite in finding.evidence)
    return tuple(dict.fromkeys(cite.passage for cite in cites))[:MAX_CITED]


def reworded(draft: Value, to_fix: Sequence[Fix], unread: Sequence[Unread]) -> dict[int, Value]:
    """Return a sentence object for each sentence that a patch gives as a plain string.

    The keys are the indexes of the fixes. Each sentence has the new text, and keeps the evidence and the other fields
    of the old sentence.
    """
    contents = {entry.at[0]: entry.said for entry in unread if len(entry.at) == 1}
    texts = ((at, fix, _text(contents.get(name_of(at), ""))) for at, fix in enumerate(to_fix))
    parts = ((at, text, part_at(draft, fix.at)) for at, fix, text in texts if text)
    return {at: part.model_copy(update={"text": text}) for at, text, part in parts if isinstance(part, Sentence)}


def _text(content: str) -> str:
    """Return the JSON string in `content` if it is a sentence. Otherwise, return ''."""
    try:
        text: object = json.loads(content)
    except ValueError:  # not JSON, or a string that `decoding` has truncated
        return ""
    is_sentence = isinstance(text, str) and len(text.split()) >= MIN_WORDS
    return cast("str", text) if is_sentence else ""


def accepted(
    draft: Value, to_fix: Collection[Fix], given: Mapping[Path, object], problems: Sequence[Problem]
) -> dict[Path, object]:
    """Return the replacements that pass the checks.

    `draft` is the answer with all replacements, and `problems` are the problems of this draft.

    Accept a replacement for an entry with a hard problem even if a smaller entry inside the replacement is invalid. The
    smaller entry can be dropped alone. If an entry has only soft problems, its replacement must not have more problems
    than the entry.
    """
    passed: dict[Path, object] = {}
    for fix in to_fix:
        own = [problem for problem in problems if is_within(problem.at, fix.at)]
        failed = [problem for problem in own if not problem.is_soft]
        if not fix.is_soft:
            failed = [problem for problem in failed if entry_at(draft, problem) == fix.at]
        elif len(own) > len(fix.problems):
            failed = own
        if fix.at in given and not failed:
            passed[fix.at] = given[fix.at]
    return passed
