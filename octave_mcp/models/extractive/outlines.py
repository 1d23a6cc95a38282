"""All wording of the dossier, from `prompts/outlines/`: a title, then one labelled line for each thing to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from octave_mcp.asks.prompts import OUTLINES, ROOT
from octave_mcp.domain.prospect import Need
from octave_mcp.domain.value import Value
from octave_mcp.errors import SetupError

Texts = Literal["statements", "objections", "pages", "needs", "questions"]
Relation = Literal["cold", "existing_customer", "vendor_is_customer"]
QUESTION, ASK, IF_NOT_NOW = "The question", "The ask", "If not now"

_LINE = re.compile(r"(?P<label>[^:\n]+): (?P<text>.+)")
_SLOT = re.compile(r"\{\{ (\w+) \}\}")


class Filled(Value):
    """A line of an outline; `quotes` are the slots whose quotations it has."""

    label: str
    text: str
    quotes: tuple[str, ...]


class Outline(Value):
    title: str
    lines: tuple[tuple[str, str], ...]

    def filled(self, words: Mapping[str, str], quotations: Mapping[str, str]) -> Iterator[Filled]:
        """Its lines in order, without those that need a quotation that is missing."""
        given = {**words, **quotations}
        for label, text in self.lines:
            slots = _SLOT.findall(text)
            if all(given[slot] for slot in slots):
                said = _SLOT.sub(lambda slot: given[slot[1]], text)
                yield Filled(label=label, text=said, quotes=tuple(slot for slot in slots if slot in quotations))


@cache
def outline(relation: Relation) -> Outline:
    """Raises: SetupError: its file is missing or malformed."""
    found = _read(relation)
    if missing := {QUESTION, ASK, IF_NOT_NOW} - {label for label, _ in found.lines}:
        raise _lacks(relation, *missing)
    return found


def statement(of: Texts, label: str, **words: str) -> str:
    """The line with that label in one of the other files, filled. Raises: SetupError: the file lacks it."""
    lines = _texts(of)
    if label not in lines:
        raise _lacks(of, label)
    return _SLOT.sub(lambda slot: words[slot[1]], lines[label])


def title_of(need: Need) -> str:
    return statement("needs", need)


def question_about(need: Need) -> str:
    """What to ask about it, which supposes nothing."""
    return statement("questions", need)


@cache
def _texts(of: Texts) -> Mapping[str, str]:
    return dict(_read(of).lines)


def _read(name: str) -> Outline:
    try:
        title, *rest = _path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SetupError(f"cannot read outline {_path(name)}: {error}; reinstall octave-playbook") from error
    lines = tuple((line["label"], line["text"]) for line in map(_LINE.fullmatch, rest) if line)
    return Outline(title=title.removeprefix("# "), lines=lines)


def _lacks(name: str, *labels: str) -> SetupError:
    return SetupError(f"correct outline {_path(name)}: it has no line for {', '.join(sorted(labels))}")


def _path(name: str) -> Path:
    return ROOT / OUTLINES / f"{name}.md"
