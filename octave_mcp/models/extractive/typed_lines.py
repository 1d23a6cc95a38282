"""The passages of an ask as lines: what each sentence is on its page, and how to cite it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from octave_mcp.domain.evidence import Cite, Passage
from octave_mcp.domain.page import PageRef, is_in_head

# Characters; what is longer is no sentence, and patterns take their time over it.
LONGEST_LINE = 1200

QUOTATION_WORDS = 5
# Characters between two passages with an empty line between them, and with one inside a block quotation.
EMPTY_LINE, EMPTY_QUOTED_LINE = 2, 3

# A fact is one of the page's head.
Form = Literal["heading", "item", "quote", "attribution", "row", "sentence", "logos", "fact"]

_LOWER_CASE = re.compile(r"\b[a-z][\w'’-]*")
_OPENING = ("“", '"')


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence as shown. `block` is the same for the sentences of one line of the page; `level` is a heading's.

    `narrated` is its text outside quotation marks; it is empty for a block quotation without marks. `label`
    says what a fact of the page's head is. `apart`: an empty line stands before its block.
    """

    text: str
    cite: Cite
    form: Form
    heading: str
    page: PageRef
    block: int
    level: int = 0
    narrated: str = ""
    label: str = ""
    apart: bool = False

    @property
    def spoken(self) -> bool:
        """Whether all of it is somebody's words."""
        return not re.search(r"\w", self.narrated)

    @property
    def quotes(self) -> bool:
        """Whether it gives somebody's words, and not just a word in quotation marks."""
        return len(self.text.split()) - len(self.narrated.split()) >= QUOTATION_WORDS

    @property
    def english(self) -> bool:
        return self.page.language in {"en", "und"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, up to the next heading."""

    heading: Line | None
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        return self.heading.text if self.heading else ""


@dataclass(frozen=True, slots=True)
class ReadPage:
    """`head` are the facts of the page's head, which are in no other part.

    `common` are the words that the page writes in lower case.
    """

    page: PageRef
    lines: tuple[Line, ...]
    head: tuple[Line, ...] = ()
    sections: tuple[Section, ...] = field(default=())
    common: frozenset[str] = frozenset()

    @property
    def is_post(self) -> bool:
        """Whether its address has a date, as those of news and posts have, whatever else is said of its kind.

        A date of publication in its head says less: many tools give one to each page.
        """
        return bool(re.search(r"/\d{4}[-/]\d{2}\b|/(?:pr|press|news)[-_]?\d{6,8}\b", self.page.url))

    @property
    def headline(self) -> Line | None:
        return next((line for line in self.lines if line.form == "heading" and line.level == 1), None)

    @property
    def prose(self) -> tuple[Line, ...]:
        """What the page says, without headings, tables and rows of logos."""
        return tuple(line for line in self.lines if line.form in {"sentence", "item", "quote"})


def read(passages: Sequence[Passage]) -> tuple[ReadPage, ...]:
    """The pages that the passages come from, in the order shown."""
    lines = list(_lines(passages))
    pages: list[ReadPage] = []
    for _, group in groupby(lines, key=lambda line: line.page.url):
        own = tuple(group)
        body = tuple(line for line in own if line.form != "fact")
        head = tuple(line for line in own if line.form == "fact")
        common = frozenset(word for line in body for word in _LOWER_CASE.findall(line.text))
        pages.append(ReadPage(own[0].page, body, head, tuple(_sections(body)), common))
    return tuple(pages)


def _lines(passages: Sequence[Passage]) -> Iterator[Line]:
    block, mark, level, ended = 0, "", 0, ("", -1)
    inside = whole = apart = False
    for number, passage in enumerate(passages, 1):
        if passage.where:
            block += 1
            yield from _labelled(passage, number, block)
            ended = ("", -1)
            continue
        seen_until = 0
        goes_on = ended[0] == passage.page.sha256 and passage.start - ended[1] == 1
        for index, (first, last) in enumerate(passage.sentences, 1):
            if last - first > LONGEST_LINE:
                continue
            before = passage.text[seen_until:first]
            if (index == 1 and not (goes_on and not before)) or "\n" in before:
                block += 1
                gap = passage.start - ended[1] if index == 1 and ended[0] == passage.page.sha256 else 0
                apart = "\n\n" in before or gap == EMPTY_LINE or gap > EMPTY_QUOTED_LINE
                mark = before.rsplit("\n", 1)[-1].strip()
                level = len(mark) if mark.startswith("#") else 0
                inside, whole = False, _form(mark, "") == "quote" and not passage.text.startswith(_OPENING, first)
            narrated, inside = ("", False) if whole else _outside(passage.text[first:last], inside=inside)
            form = _form(mark, passage.text[first:last])
            cite = Cite(passage=number, sentences=(index,) if len(passage.sentences) > 1 else ())
            heading = "" if form == "heading" and level == 1 else passage.heading
            yield Line(passage.text[first:last], cite, form, heading, passage.page, block, level, narrated, apart=apart)
            seen_until = last
        ended = (passage.page.sha256, passage.start + len(passage.text))


def _labelled(passage: Passage, number: int, block: int) -> Iterator[Line]:
    """What readers of the page do not see as a sentence."""
    if len(passage.text) <= LONGEST_LINE:
        form, cite = ("fact" if is_in_head(passage.where) else "logos"), Cite(passage=number)
        narrated, _ = _outside(passage.text, inside=False)
        yield Line(passage.text, cite, form, passage.heading, passage.page, block, 0, narrated, passage.label)


def _outside(text: str, *, inside: bool) -> tuple[str, bool]:
    """What of a text stands outside quotation marks, and whether its end stands inside."""
    outside: list[str] = []
    last = 0
    for mark in re.finditer(r"[“”\"]", text):
        if mark[0] == '"' and not inside and text[: mark.start()][-1:].isalnum():
            continue  # inches
        if not inside:
            outside.append(text[last : mark.start()])
        inside = mark[0] == "“" or (mark[0] == '"' and not inside)
        last = mark.end()
    return "".join(outside if inside else [*outside, text[last:]]), inside


def _form(mark: str, text: str) -> Form:
    if mark.startswith("#"):
        return "heading"
    if mark.startswith("|"):
        return "row"
    if mark.startswith(">"):
        return "attribution" if mark.endswith(("—", "–")) else "quote"
    return "item" if re.match(r"[-*+]|\d+[.)]", mark) and text else "sentence"


def _sections(lines: Sequence[Line]) -> Iterator[Section]:
    heading: Line | None = None
    body: list[Line] = []
    for line in lines:
        if line.form == "heading":
            if heading or body:
                yield Section(heading, tuple(body))
            heading, body = line, []
        else:
            body.append(line)
    if heading or body:
        yield Section(heading, tuple(body))


def cells(row: Line) -> list[str]:
    return [cell.strip() for cell in row.text.split("|")]
