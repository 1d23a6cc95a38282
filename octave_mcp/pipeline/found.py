"""The findings in a pack of pages in words, for people who follow a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from octave_mcp.domain.findings import CompanyFindings
from octave_mcp.domain.value import Value

MAX_TRIGGERS = 3
MAX_PEOPLE = 2
MAX_CHARACTERS = 160


def found(company: str, findings: CompanyFindings[Any], more: Value | None) -> Iterator[str]:
    """Yield the most important findings, one line each, and a line that counts the other kinds.

    `more` are the company's elements or signals.
    """
    for trigger in findings.triggers[:MAX_TRIGGERS]:
        yield _short(f"{company}: {trigger.what}")
    for person in sorted(findings.people, key=lambda person: person.rank)[:MAX_PEOPLE]:
        yield _short(f"{company}: {', '.join(filter(None, (person.name, person.title)))}")
    lists = {name: cast("tuple[object, ...]", value) for name, value in more or () if isinstance(value, tuple)}
    counted = (_count(len(entries), name.replace("_", " ")) for name, entries in lists.items() if entries)
    if counts := ", ".join(counted):
        yield _short(f"{company}: {counts}")


def _count(number: int, kinds: str) -> str:
    """Return '1 case study' or '2 case studies'. The names of kinds are in the plural."""
    one = f"{kinds.removesuffix('ies')}y" if kinds.endswith("ies") else kinds.removesuffix("s")
    return f"{number} {one if number == 1 else kinds}"


def _short(line: str) -> str:
    return line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1].rstrip()}…"
