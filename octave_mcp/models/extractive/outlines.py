"""Outline templates from `prompts/outlines/`: a title, then lines of the form 'Label: text' with `{{ slots }}`."""

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
# Labels that every outline must have, because `dossier.py` looks these lines up.
QUESTION, ASK, IF_NOT_NOW = "The question", "The ask", "If not now"

_LINE = re.compile(r"(?P<label>[^:\n]+): (?P<text>.+)")
_SLOT = re.compile(r"\{\{ (\w+) \}\}")


class Filled(Value):
    """A filled line of an outline.

    `quotes` lists the slots that contain quotations. The quotations in these slots must be cited.
    """

    label: str
    text: str
    quotes: tuple[str, ...]


class Outline(Value):
    """A template. `lines` contains pairs of a label and a text with slots."""

    title: str
    lines: tuple[tuple[str, str], ...]

    def filled(self, words: Mapping[str, str], quotations: Mapping[str, str]) -> Iterator[Filled]:
        """Yield the filled lines in order.

        If the text for a slot is empty, leave out the line that contains the slot.
        """
        texts = {**words, **quotations}
        for label, text in self.lines:
            slots = _SLOT.findall(text)
            if all(texts[slot] for slot in slots):
                filled = _SLOT.sub(lambda slot: texts[slot[1]], text)
                yield Filled(label=label, text=filled, quotes=tuple(slot for slot in slots if slot in quotations))


@cache
def outline(relation: Relation) -> Outline:
    """Return the outline template for two companies with this relation.

    Raises:
        SetupError: If the file is missing or lacks a label.
    """
    template = _read(relation)
    if missing := {QUESTION, ASK, IF_NOT_NOW} - {label for label, _ in template.lines}:
        raise _missing_labels(relation, *missing)
    return template


def statement(file: Texts, label: str, **words: str) -> str:
    """Find the line with this label in a file of statements, fill its slots, and return it.

    Raises:
        SetupError: If the file has no line with this label.
    """
    lines = _texts(file)
    if label not in lines:
        raise _missing_labels(file, label)
    return _SLOT.sub(lambda slot: words[slot[1]], lines[label])


def title_of(need: Need) -> str:
    return statement("needs", need)


def question_about(need: Need) -> str:
    """Return an open-ended question that the seller can ask about a need.

    The question does not assume that the prospect has the need.
    """
    return statement("questions", need)


@cache
def _texts(file: Texts) -> Mapping[str, str]:
    return dict(_read(file).lines)


def _read(name: str) -> Outline:
    try:
        title, *rest = _path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SetupError(f"cannot read outline {_path(name)}: {error}; reinstall octave-playbook") from error
    lines = tuple((line["label"], line["text"]) for line in map(_LINE.fullmatch, rest) if line)
    return Outline(title=title.removeprefix("# "), lines=lines)


def _missing_labels(name: str, *labels: str) -> SetupError:
    return SetupError(f"outline {_path(name)} has no line for {', '.join(sorted(labels))}; add 'Label: text' for each")


def _path(name: str) -> Path:
    return ROOT / OUTLINES / f"{name}.md"
