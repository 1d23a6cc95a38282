"""Parses passages into lines. A line is one sentence with a citation and a form, such as heading, item or quotation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Literal

from octave_mcp.domain.evidence import Cite, Passage
from octave_mcp.domain.page import PageRef, is_in_head

# Several rules ask the same question about a text or a page, so the answers are cached. The caches have room for the
# texts and pages of one ask, and for little more, because they stay in memory after the run.
CACHED_TEXTS = 1024
CACHED_PAGES = 8
# The number of companies to remember the patterns of.
CACHED_COMPANIES = 64
# If a "sentence" is longer than this, it is probably a dump of data, on which some patterns would take quadratic time.
MAX_LINE_CHARACTERS = 1200

# If quotation marks enclose fewer words than this, they mark a term or a title, not speech.
MIN_SPEECH_WORDS = 5
# Two passages that are two characters ("\n\n") apart are separate blocks. If two passages are three characters
# ("\n>\n") apart, there is an empty line of a block quotation between them. If only a space separates a passage from
# the one before it, and the passage starts without a mark such as '-', it continues the same long paragraph and block.
EMPTY_LINE, EMPTY_QUOTED_LINE = 2, 3

# A "fact" comes from the HTML head: its title, its description or structured data.
Form = Literal["heading", "item", "quote", "attribution", "row", "sentence", "logos", "fact"]

# Matches the end of a sentence, with its quotation marks.
_SENTENCE_END = re.compile(r"[.!?。！？][\"”’)]*$")
_LOWER_CASE = re.compile(r"\b[a-z][\w'’-]*")
_WORD = re.compile(r"\w")
_QUOTATION_MARK = re.compile(r"[“”\"]")
_ITEM = re.compile(r"[-*+]|\d+[.)]")
_POST = re.compile(r"/\d{4}[-/]\d{2}\b|/(?:pr|press|news)[-_]?\d{6,8}\b")
_OPENING = ("“", '"')


# Each line exists only once, so lines are compared by identity, which is faster than comparing all of their fields.
# Slots would prevent cached properties.
@dataclass(frozen=True, eq=False)
class Line:
    """One sentence of a page.

    `block` is the number of the paragraph or list item, so sentences in one paragraph have the same number. `level` is
    the level of a heading. `narrated` is the text outside quotation marks, or '' if the sentence is in a block
    quotation and has no quotation marks. `label` is the kind of a fact from the HTML head ('Title'). `detached` is true
    if an empty line separates the block from the previous block.
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
    detached: bool = False

    @cached_property
    def is_whole(self) -> bool:
        """Whether the line is a complete sentence of 5 to 45 words, not a label or a truncated excerpt."""
        return bool(_SENTENCE_END.search(self.text)) and 5 <= len(self.text.split()) <= 45

    @property
    def spoken(self) -> bool:
        """Whether the whole line is direct speech."""
        return not _WORD.search(self.narrated)

    @cached_property
    def quotes(self) -> bool:
        """Whether the line contains direct speech and not just a term in quotation marks."""
        return len(self.text.split()) - len(self.narrated.split()) >= MIN_SPEECH_WORDS

    @property
    def english(self) -> bool:
        return self.page.language in {"en", "und"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the lines below it, up to the next heading."""

    heading: Line | None
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        return self.heading.text if self.heading else ""


@dataclass(frozen=True, eq=False)
class ReadPage:
    """A page parsed into lines and sections.

    Facts from the HTML head are in `head` and not in `lines`. `common` contains the words that the page also writes in
    lower case. If a word in `common` is capitalized, it is probably not a name.
    """

    page: PageRef
    lines: tuple[Line, ...]
    head: tuple[Line, ...] = ()
    sections: tuple[Section, ...] = field(default=())
    common: frozenset[str] = frozenset()

    @property
    def is_post(self) -> bool:
        """Whether the page is a post, because its URL contains a date.

        The publication date in the HTML head does not count, because many site builders set such a date on every page.
        """
        return bool(_POST.search(self.page.url))

    @cached_property
    def headline(self) -> Line | None:
        return next((line for line in self.lines if line.form == "heading" and line.level == 1), None)

    @cached_property
    def prose(self) -> tuple[Line, ...]:
        """The text of the page, without headings, tables and logos."""
        return tuple(line for line in self.lines if line.form in {"sentence", "item", "quote"})


def read(passages: Sequence[Passage]) -> tuple[ReadPage, ...]:
    """Parse passages into pages, in the order of the passages."""
    lines = list(_lines(passages))
    pages: list[ReadPage] = []
    for _, group in groupby(lines, key=lambda line: line.page.url):
        all_lines = tuple(group)
        body = tuple(line for line in all_lines if line.form != "fact")
        head = tuple(line for line in all_lines if line.form == "fact")
        common = frozenset(word for line in body for word in _LOWER_CASE.findall(line.text))
        pages.append(ReadPage(all_lines[0].page, body, head, tuple(_sections(body)), common))
    return tuple(pages)


def _lines(passages: Sequence[Passage]) -> Iterator[Line]:
    block, mark, level, ended = 0, "", 0, ("", -1)
    is_open = is_speech = detached = False
    for number, passage in enumerate(passages, 1):
        if passage.where:
            block += 1
            yield from _line_outside_body(passage, number, block)
            ended = ("", -1)
            continue
        seen_until = 0
        continues = ended[0] == passage.page.sha256 and passage.start - ended[1] == 1
        for index, (first, last) in enumerate(passage.sentences, 1):
            if last - first > MAX_LINE_CHARACTERS:
                continue
            before = passage.text[seen_until:first]
            if (index == 1 and not (continues and not before)) or "\n" in before:
                block += 1
                gap = passage.start - ended[1] if index == 1 and ended[0] == passage.page.sha256 else 0
                detached = "\n\n" in before or gap == EMPTY_LINE or gap > EMPTY_QUOTED_LINE
                mark = before.rsplit("\n", 1)[-1].strip()
                level = len(mark) if mark.startswith("#") else 0
                is_open, is_speech = False, _form(mark, "") == "quote" and not passage.text.startswith(_OPENING, first)
            text = passage.text[first:last]
            narrated, is_open = ("", False) if is_speech else _outside(text, inside=is_open)
            form = _form(mark, text)
            cite = Cite(passage=number, sentences=(index,) if len(passage.sentences) > 1 else ())
            heading = "" if form == "heading" and level == 1 else passage.heading
            yield Line(text, cite, form, heading, passage.page, block, level, narrated, detached=detached)
            seen_until = last
        ended = (passage.page.sha256, passage.start + len(passage.text))


def _line_outside_body(passage: Passage, number: int, block: int) -> Iterator[Line]:
    """Yield a line that is not a visible sentence: a fact from the HTML head or a row of logos."""
    if len(passage.text) <= MAX_LINE_CHARACTERS:
        form, cite = ("fact" if is_in_head(passage.where) else "logos"), Cite(passage=number)
        narrated, _ = _outside(passage.text, inside=False)
        yield Line(passage.text, cite, form, passage.heading, passage.page, block, 0, narrated, passage.label)


def _outside(text: str, *, inside: bool) -> tuple[str, bool]:
    """Return the text outside quotation marks, and whether a quotation is still open at its end."""
    outside: list[str] = []
    last = 0
    for mark in _QUOTATION_MARK.finditer(text):
        if mark[0] == '"' and not inside and text[: mark.start()][-1:].isalnum():
            continue  # In `a 15" screen`, the mark means inches.
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
    return "item" if _ITEM.match(mark) and text else "sentence"


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
