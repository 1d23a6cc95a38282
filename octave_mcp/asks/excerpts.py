"""Extracts from a prompt the rules that are needed for a part of its answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from octave_mcp.asks.schema import schema_of
from octave_mcp.domain.value import Value

_HEADING = "## "
_UNNEEDED = frozenset({"Task"})
_ANSWER = "Answer\n\n"
_FIELD_NAME = re.compile(r"`(\w+)`")
# Matches the start of an item in a numbered list or a bulleted list. In '- `subject`, `body`: ', the part before the
# colon names the fields that the item is about.
_ITEM = re.compile(r"(?P<number>\d+)\. |\s*- (?P<lead>[^:]*)")


def excerpt(body: str, form: type[Value], place: int | None, elsewhere: str) -> str:
    """Return those sections of a prompt that are about the fields of the answer type `form`.

    Leave out paragraphs that are also in the text `elsewhere`. If `place` is given, keep only the item with this index
    (counted from 0) in each numbered list.
    """
    schema = schema_of(form)
    fields = frozenset(
        name for one in (schema, *schema.get("$defs", {}).values()) for name in one.get("properties", ())
    )
    known = frozenset(elsewhere.split("\n\n"))
    parts = (_section(text, fields, place, known) for text in f"\n\n{body}".split(f"\n\n{_HEADING}")[1:])
    return "\n\n".join(part for part in parts if part)


def narrowed(body: str, asked: Collection[str], left_out: Collection[str]) -> str:
    """Return the prompt without the descriptions of the fields in `left_out`, so that it asks only for `asked`."""
    first, *sections = f"\n\n{body}".split(f"\n\n{_HEADING}")
    names = [f"`{name}`" for name in asked]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    only = f"This task asks only for {listed}. The rest is asked for separately."
    described = [
        f"{_without_fields(text, left_out)}\n\n{only}" if text.startswith(_ANSWER) else text for text in sections
    ]
    return f"\n\n{_HEADING}".join((first, *described)).strip()


def _without_fields(section: str, left_out: Collection[str]) -> str:
    """Remove the paragraphs that start with the name of such a field, and the lists that follow them."""
    kept, is_left_out = list[str](), False
    for paragraph in section.split("\n\n"):
        if not _is_list(paragraph):
            is_left_out = paragraph.startswith(tuple(f"`{name}`" for name in left_out))
        if not is_left_out:
            kept.append(paragraph)
    return "\n\n".join(kept)


def _section(text: str, fields: frozenset[str], place: int | None, known: frozenset[str]) -> str:
    """Return a section's heading and the paragraphs that are needed, or '' if none are needed."""
    title, *paragraphs = text.split("\n\n")
    if title in _UNNEEDED:
        return ""
    needed = [*_needed([paragraph for paragraph in paragraphs if paragraph not in known], fields, place)]
    return "\n\n".join((f"{_HEADING}{title}", *needed)) if needed else ""


def _needed(paragraphs: list[str], fields: frozenset[str], place: int | None) -> Iterator[str]:
    # If a list is left out, also leave out the paragraph that introduces the list, such as 'Fields:'.
    shortened = [_shortened(paragraph, fields, place) for paragraph in paragraphs]
    for at, text in enumerate(shortened):
        is_lead = paragraphs[at].endswith((":", ", and")) and at + 1 < len(shortened) and _is_list(paragraphs[at + 1])
        if text and not (is_lead and not shortened[at + 1]):
            yield text


def _is_list(paragraph: str) -> bool:
    return bool(_ITEM.match(paragraph.partition("\n")[0])) and paragraph.startswith(("- ", "1. "))


def _shortened(paragraph: str, fields: frozenset[str], place: int | None) -> str:
    if not _is_list(paragraph):
        # A paragraph that starts with a field name, such as '`touches`: four, or one', is about the fields that it
        # names. Leave out the paragraph if the answer has none of these fields.
        named = _FIELD_NAME.findall(paragraph) if paragraph.startswith("`") else ()
        return paragraph if not named or fields.intersection(named) else ""
    return "\n".join(line for line in paragraph.split("\n") if _is_wanted(line, fields, place))


def _is_wanted(line: str, fields: frozenset[str], place: int | None) -> bool:
    item = _ITEM.match(line)
    if item is None or (item["number"] and place is None):
        return True
    if item["number"]:
        return int(item["number"]) - 1 == place
    named = _FIELD_NAME.findall(item["lead"]) if ":" in line else ()
    return not named or bool(fields.intersection(named))
