"""Render any part of a playbook as Markdown, with its quotations.

The layout of an entry depends on the names of its fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard, cast

from octave_mcp.domain.cards import Dated
from octave_mcp.domain.evidence import Claim, Evidence, EvidenceId
from octave_mcp.domain.playbook import Playbook, PriorityPersona, TalkTrack
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value
from octave_mcp.tools.markdown.quotations import Quotations, plain
from octave_mcp.tools.markdown.words import Words, capitalised

# The title of an entry, such as a persona or a trigger, is in one of these fields. If an entry has several of these
# fields, use the one that comes first in this list. The name becomes the entry's heading, or is printed in bold at the
# start of the entry's line.
HEADS = (
    *("name", "seat", "person", "customer", "competitor", "title", "question", "objection", "they_say", "action"),
    *("show", "avoid", "plan", "topic", "step", "persona_id", "kind"),
)
# These fields can contain the main text of an entry, which is printed after the name. If an entry has several of these
# fields, use the one that comes first in this list.
BODIES = ("text", "what", "terms", "headline", "description", "reply", "how_to_measure", "because", "reason", "person")
# Print the values of these fields in parentheses after the main text. Omit the labels, because readers understand the
# values without labels.
TAGS = (
    *("title", "employer", "role", "company", "kind", "category", "industry", "function", "where", "date", "dated_on"),
    *("how_known", "relation", "need", "confidence", "uncovers", "audience", "shown_as", "contact", "section", "code"),
    *("form", "language", "url"),
)
HIDDEN = frozenset(("id", "persona_id", "rank", "evidence", "support", "score", "sha256"))
# Print each of these fields of an entry as one paragraph. Print other lists as bullet points, or with headings if an
# entry in the list needs its own heading.
PROSE = frozenset(
    ("whom_to_approach", "why_now", "how_to_engage", "pitch", "opener", "value", "voicemail", "answer", "trial_plan")
)
# In a list, entries of these types get their own headings, even if their parts are not nested.
HEADED = (PriorityPersona, TalkTrack, Dated)

# Matches the end of a sentence and any citation or verdict after it, as in "They hire. [1][2]" or "They hire. (not
# supported)".
_ENDED = re.compile(r"[.?!…”](?: [(\[].{0,200})?$")


class Renderer:
    """Renders a text as Markdown blocks.

    Each quotation is printed once, below the first block or list entry that cites it.
    """

    def __init__(self, playbook: Playbook, max_quotation: int) -> None:
        self.words = Words(playbook)
        self.quotations = Quotations(playbook, max_quotation)
        self.playbook = playbook

    def blocks(self, value: object, level: int = 3) -> Iterator[str]:
        """Render a value as Markdown blocks. `level` is the level of the highest headings."""
        if isinstance(value, tuple):
            yield from self._list(cast("tuple[object, ...]", value), level)
        elif isinstance(value, dict):
            yield from self._list(tuple(cast("dict[str, object]", value).values()), level)
        elif _is_entry(value):
            yield from self._entry(value, level)
        elif value not in {None, ""}:
            yield self.with_new(self.inline(value))

    def with_new(self, text: str, indent: str = "") -> str:
        """Append to the text each quotation that has not been printed before."""
        return "\n".join((text, *(f"{indent}- {line}" for line in self.quotations.take_new())))

    def inline(self, value: object) -> str:
        """Render a value on one line: a text, a claim, an entry without parts, or a tuple of these."""
        if isinstance(value, tuple):
            texts = [*map(self.inline, cast("tuple[object, ...]", value))]
            return (" " if all(map(_ENDED.search, texts)) else "; ").join(texts)
        if isinstance(value, Evidence):
            self.quotations.mark((value.id,))
            return " ".join(self.quotations.take_new())
        if isinstance(value, Sentence | Claim):
            return self.claim(cast("Sentence[EvidenceId] | Claim[EvidenceId]", value))
        return self._line(value) if isinstance(value, Value) else self.words.of(value)

    def claim(self, claim: Sentence[EvidenceId] | Claim[EvidenceId]) -> str:
        prefix = "*Inference:* " if isinstance(claim, Sentence) and claim.kind == "inference" else ""
        return f"{prefix}{plain(claim.text)}{self.quotations.mark(claim.evidence, claim.support, claim.text)}"

    def _list(self, entries: Sequence[object], level: int) -> Iterator[str]:
        for entry in entries:
            if _is_entry(entry) and _is_rich(entry):
                yield f"{'#' * level} {plain(self._name(entry))}"
                yield from self._entry(entry, level + 1, is_named=True)
        simple = [entry for entry in entries if not (_is_entry(entry) and _is_rich(entry))]
        if simple:
            yield "\n".join(filter(None, map(self._bullet, simple)))

    def _bullet(self, entry: object) -> str:
        """Render an entry as a bullet point, with its parts and new quotations indented below it."""
        parts = [*_parts(entry)] if _is_entry(entry) else []
        if _is_entry(entry) and parts and not _has_line(entry):
            return self.with_new(f"- {' '.join(f'{self.words.label(n)}: {self.inline(p)}.' for n, p in parts)}", "  ")
        # If the entry is a quotation that has been printed before, there is nothing to print.
        if not (line := self.inline(entry)):
            return ""
        lines = [f"- {line}"]
        lines += [f"  - {self.words.label(name)}: {self.inline(part)}" for name, part in parts]
        return self.with_new("\n".join(lines), "  ")

    def _entry(self, entry: Value, level: int, *, is_named: bool = False) -> Iterator[str]:
        if line := self._line(entry, is_named=is_named):
            yield self.with_new(line)
        for name, part in _parts(entry):
            title = self.words.label(name)
            if _is_entry(part) or any(map(_is_rich, _entries(part))):
                yield f"{'#' * level} {title}"
                yield from self.blocks(part, level + 1)
            elif name not in PROSE and isinstance(part, tuple):
                yield "\n".join((f"**{title}**", *map(self._bullet, cast("tuple[object, ...]", part))))
            else:
                yield self.with_new(f"**{title}:** {self.inline(part)}")

    def _name(self, entry: Value) -> str:
        head = _first(entry, HEADS)
        return capitalised(self.words.of(getattr(entry, head))) if head else ""

    def _line(self, entry: Value, *, is_named: bool = False) -> str:
        """Render an entry as '**Name**: text (tags) [1]'.

        `is_named`: whether a heading above the entry already shows its name.
        """
        head, body = _first(entry, HEADS), _first(entry, BODIES)
        name = "" if is_named or not head else f"**{self._name(entry)}**"
        text = self.inline(getattr(entry, body)) if body else ""
        tags = ", ".join(self._tags(entry, head))
        marks = self.quotations.mark(getattr(entry, "evidence", ()), getattr(entry, "support", None))
        return f"{': '.join(filter(None, (name, text)))}{f' ({tags})' if tags else ''}{marks}".strip()

    def _tags(self, entry: Value, head: str) -> Iterator[str]:
        yield from (self.words.of(getattr(entry, name)) for name in TAGS if name != head and _has(entry, name))
        yield from (self.words.label(name).lower() for name, value in entry if value is True)


def _is_entry(value: object) -> TypeGuard[Value]:
    return isinstance(value, Value) and not isinstance(value, Sentence | Claim | Evidence)


def _has(entry: Value, name: str) -> bool:
    """Whether the entry has a field with this name whose value is neither empty nor the default."""
    field = type(entry).model_fields.get(name)
    if field is None:
        return False
    value = getattr(entry, name)
    return value is not None and value is not False and value not in ("", (), field.default)


def _first(entry: Value, names: Iterable[str]) -> str:
    return next((name for name in names if _has(entry, name)), "")


def _has_line(entry: Value) -> bool:
    return bool(_first(entry, HEADS) or _first(entry, BODIES) or _first(entry, TAGS))


def _parts(entry: Value) -> Iterator[tuple[str, object]]:
    """Yield the fields of an entry that are neither hidden nor printed on the entry's first line."""
    in_line = {_first(entry, HEADS), _first(entry, BODIES), *TAGS, *HIDDEN}
    return ((name, part) for name, part in entry if name not in in_line and part is not True and _has(entry, name))


def _entries(value: object) -> Iterator[Value]:
    return filter(_is_entry, cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,))


def _is_rich(entry: Value) -> bool:
    """Whether the entry needs its own heading, because its type is in `HEADED` or its parts are nested."""
    return isinstance(entry, HEADED) or any([*_parts(inner)] for _, part in _parts(entry) for inner in _entries(part))
