"""Corrections as patches: which entries of an answer are asked for again, in what form, and what is told of each.

An entry is a finding, a text of a value that is none, or a part that is missing or could not be read.
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
# Parts of a form that may be null: what Anthropic compiles.
MAX_NULLABLE = 16
LONGEST_QUOTED = 160
# Of a sentence that takes another one's place.
MIN_WORDS = 3
# Passages that a complaint shows.
MAX_CITED = 12


@dataclass(frozen=True, slots=True)
class Fix:
    """An entry that is asked for again, the form of its replacement, and what is wrong with it and its parts."""

    at: Path
    form: Any
    problems: tuple[Problem, ...]

    @property
    def is_soft(self) -> bool:
        return all(problem.is_soft for problem in self.problems)


def fixes(
    draft: Value, form: type[Value], problems: Sequence[Problem], known: Sequence[str], language: str
) -> tuple[Fix, ...]:
    """The entries to ask for again, as many as one form may have; those that must be dropped otherwise come first.

    An entry includes those within it. What depends on an entry that may be dropped is asked for, too.
    """
    by_entry: dict[Path, list[Problem]] = {}
    for problem in problems:
        by_entry.setdefault(entry_at(draft, problem), []).append(problem)
    failed = [at for at, found in by_entry.items() if not all(problem.is_soft for problem in found)]
    for at, on in dependents(draft, failed, known=known, language=language).items():
        changed = f"depends on {path_text(on)}, which may be reworded or dropped"
        told = f"{changed}: reword this entry so that it reads well either way"
        by_entry.setdefault(at, []).append(Problem(DEPENDS, told, at, is_soft=True))
    found = [fix for at in sorted(by_entry, key=_order) if (fix := _fix(at, by_entry, form))]
    return _fitting(found)


def entry_at(draft: Value, problem: Problem) -> Path:
    """The entry that a problem is about: the smallest thing that can be replaced."""
    at = problem.at
    ways = [at[:length] for length in range(len(at), -1, -1)]
    findings = [way for way in ways if isinstance(part_at(draft, way), Finding)]
    is_missing = part_at(draft, at) is None
    if is_missing and isinstance(at[-1], int):
        return at
    if findings or not (is_missing or problem.rule == UNREAD):
        return next(way for way in findings or ways if isinstance(part_at(draft, way), Value | str))
    return at


def _order(at: Path) -> list[str]:
    return [f"{step:06}" if isinstance(step, int) else step for step in at]


def _fix(at: Path, by_entry: Mapping[Path, Sequence[Problem]], form: type[Value]) -> Fix | None:
    """None for an entry within another one, and for one that the form does not have."""
    if any(other != at and is_within(at, other) for other in by_entry):
        return None
    try:
        wanted = form_at(form, at)
    except (IndexError, KeyError, AttributeError):
        return None
    return Fix(at, wanted, tuple(p for other, found in by_entry.items() if is_within(other, at) for p in found))


def _fitting(found: Sequence[Fix]) -> tuple[Fix, ...]:
    """As many as one form may have, in their order."""
    chosen = sorted(found, key=lambda fix: fix.is_soft)[:MAX_FIXES]
    while len(chosen) > 1 and json.dumps(schema_of(patch_form(chosen))).count('"null"') > MAX_NULLABLE:
        chosen.pop()
    return tuple(fix for fix in found if fix in chosen)


def patch_form(found: Sequence[Fix]) -> type[Value]:
    """The form of a patch: `fix_1`, `fix_2`, ... each of its entry's type, or null."""
    return _form(tuple(fix.form for fix in found))


@lru_cache(maxsize=FORMS)
def _form(forms: tuple[Any, ...]) -> type[Value]:
    fields: dict[str, Any] = {name_of(at): (form | None, ...) for at, form in enumerate(forms)}
    return create_model("Patch", __base__=Value, **fields)


def name_of(at: int) -> str:
    return f"fix_{at + 1}"


def complaint(draft: Value, found: Sequence[Fix], unread: Mapping[Path, str]) -> str:
    """What is told of each entry: its name and path, what it says, and what is wrong with it.

    `unread` is what entries that could not be read say.
    """
    return "\n".join(line for at, fix in enumerate(found) for line in _told(name_of(at), draft, fix, unread))


def _told(name: str, draft: Value, fix: Fix, unread: Mapping[Path, str]) -> Iterator[str]:
    part = part_at(draft, fix.at)
    texts = [((), part)] if isinstance(part, str) else list(texts_of(part)) if isinstance(part, Value) else []
    path = path_text((*fix.at, *texts[0][0]) if isinstance(part, Finding) and len(texts) == 1 else fix.at)
    said = "; ".join(_quoted(text) for _, text in texts) or (f"could not be read: {unread.get(fix.at, '')}")
    numbers = passages_cited(draft, [fix])
    cites = f" (cites {', '.join(f'[{number}]' for number in numbers)})" if numbers else ""
    yield f"{name} replaces {path}{cites}: {said}" if part is not None else f"{name}: {path} {_lacks(said)}"
    for problem in fix.problems:
        where = path_text(problem.at[len(fix.at) :])
        yield f"- {where}{': ' if where else ''}{problem}"


def _lacks(said: str) -> str:
    return "is missing" if said.endswith((": ", "null")) else said


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}...", ensure_ascii=False)


def passages_cited(draft: Value, found: Sequence[Fix]) -> tuple[int, ...]:
    """The numbers of the passages that these entries cite, each once."""
    parts = (part_at(draft, fix.at) for fix in found)
    findings = (cast("Finding[Cite]", part) for part in parts if isinstance(part, Finding))
    cites = (cite for finding in findings for cite in finding.evidence)
    return tuple(dict.fromkeys(cite.passage for cite in cites))[:MAX_CITED]


def reworded(draft: Value, found: Sequence[Fix], unread: Sequence[Unread]) -> dict[int, Value]:
    """The sentences for which a patch has a text alone, with that text and all else as it was; by number, from 0."""
    said = {one.at[0]: one.said for one in unread if len(one.at) == 1}
    texts = ((at, fix, _text(said.get(name_of(at), ""))) for at, fix in enumerate(found))
    parts = ((at, text, part_at(draft, fix.at)) for at, fix, text in texts if text)
    return {at: part.model_copy(update={"text": text}) for at, text, part in parts if isinstance(part, Sentence)}


def _text(said: str) -> str:
    """'' for what is no sentence, such as 'none' or 'drop it', or was shortened."""
    try:
        found: object = json.loads(said)
    except ValueError:
        return ""
    is_text = isinstance(found, str) and len(found.split()) >= MIN_WORDS
    return cast("str", found) if is_text else ""


def accepted(
    draft: Value, found: Collection[Fix], given: Mapping[Path, object], problems: Sequence[Problem]
) -> dict[Path, object]:
    """Those of the replacements that pass; `draft` has all of them, and these problems.

    One for an entry that must be dropped otherwise passes if the entry itself does; what fails within it is dropped
    alone. Any other must leave no more to complain about than there was.
    """
    kept: dict[Path, object] = {}
    for fix in found:
        own = [problem for problem in problems if is_within(problem.at, fix.at)]
        failed = [problem for problem in own if not problem.is_soft]
        if not fix.is_soft:
            failed = [problem for problem in failed if entry_at(draft, problem) == fix.at]
        elif len(own) > len(fix.problems):
            failed = own
        if fix.at in given and not failed:
            kept[fix.at] = given[fix.at]
    return kept
