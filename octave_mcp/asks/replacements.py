"""Corrections of lists: the entries that passed are kept, and the second answer gives replacements for the others."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast, get_origin

from octave_mcp.domain.evidence import Collected, Finding
from octave_mcp.domain.value import Value, walk
from octave_mcp.evidence.checks import Problem
from octave_mcp.evidence.judge import Judge

LONGEST_QUOTED = 60


def lists_of(form: type[Value], names: Sequence[str]) -> tuple[str, ...]:
    """The fields of these names that are lists."""
    return tuple(name for name in names if get_origin(form.model_fields[name].annotation) is tuple)


def named_problems(judge: Judge, name: str, part: object) -> list[Problem]:
    """What is wrong with a part of an answer; each problem names the part, and the entry if the part is a list."""
    if isinstance(part, Value):
        return [Problem(problem.rule, f"{name}: {problem.text}") for problem in judge.problems(part)]
    entries = cast("Sequence[Value]", part or ())
    return [
        Problem(problem.rule, f"{name}[{at}]{_gist(entry)}: {problem.text}")
        for at, entry in enumerate(entries)
        for problem in judge.problems(entry)
    ]


def replaced(first: Sequence[Any], second: Sequence[Any]) -> tuple[Any, ...]:
    """The entries of both; of two about the same thing, the second's."""
    return tuple({_key(entry): entry for entry in (*first, *second)}.values())


def unreadable(wrong: str) -> int:
    """How many entries of a list could not be read, according to the complaints about the form of the answer."""
    places = [complaint.partition(":")[0].split(".") for complaint in wrong.split("; ")]
    return len({place[1] for place in places if [at for at, step in enumerate(place) if step.isdigit()] == [1]})


def unreplaced(first: Sequence[Value], passed: Sequence[Value], second: Sequence[Value]) -> int:
    """How many rejected entries the second answer does not replace. An entry about what passed replaces none."""
    known = {_key(entry) for entry in passed}
    return len(first) - len(passed) - sum(_key(entry) not in known for entry in second)


def findings(answer: Value | None) -> int:
    return sum(isinstance(part, Finding) for part in walk(answer))


def _gist(entry: Value) -> str:
    text = next((own for own in _texts(entry) if own), "")
    shown = text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}..."
    return f" ({shown!r})" if shown else ""


def _key(entry: Value) -> Hashable:
    return entry.merge_key() if isinstance(entry, Collected) else next(iter(_texts(entry)), repr(entry))


def _texts(entry: Value) -> list[str]:
    """What it is called, then what it says."""
    names = ("name", "customer", "title", "text", "what")
    return [text for name in names if isinstance(text := getattr(entry, name, None), str)]
