"""What a prompt says of its kind of copy, for an ask about a part of it: without the task, and what that part lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.asks.schema import schema_of
from octave_mcp.domain.value import Value

_HEADING = "## "
_UNNEEDED = frozenset({"Task"})
_NAMED = re.compile(r"`(\w+)`")
# The beginning of a line of a list: numbered, or with the names of the fields that it is about before a colon.
_ITEM = re.compile(r"(?P<number>\d+)\. |\s*- (?P<lead>[^:]*)")


def excerpt(body: str, form: type[Value], place: int | None, said: str) -> str:
    """The sections of the body, without the paragraphs that are `said` already.

    Of a numbered list, only the entry of the `place`, from 0, is kept, where there is one.
    """
    schema = schema_of(form)
    fields = frozenset(
        name for one in (schema, *schema.get("$defs", {}).values()) for name in one.get("properties", ())
    )
    known = frozenset(said.split("\n\n"))
    parts = (_section(text, fields, place, known) for text in f"\n\n{body}".split(f"\n\n{_HEADING}")[1:])
    return "\n\n".join(part for part in parts if part)


def _section(text: str, fields: frozenset[str], place: int | None, known: frozenset[str]) -> str:
    """'' if nothing of it is needed."""
    title, *paragraphs = text.split("\n\n")
    if title in _UNNEEDED:
        return ""
    kept = [*_kept([one for one in paragraphs if one not in known], fields, place)]
    return "\n\n".join((f"{_HEADING}{title}", *kept)) if kept else ""


def _kept(paragraphs: list[str], fields: frozenset[str], place: int | None) -> Iterator[str]:
    """What introduces a list goes with the list."""
    shown = [_shown(one, fields, place) for one in paragraphs]
    for at, one in enumerate(shown):
        is_lead = paragraphs[at].endswith((":", ", and")) and at + 1 < len(shown) and _is_list(paragraphs[at + 1])
        if one and not (is_lead and not shown[at + 1]):
            yield one


def _is_list(paragraph: str) -> bool:
    return bool(_ITEM.match(paragraph.partition("\n")[0])) and paragraph.startswith(("- ", "1. "))


def _shown(paragraph: str, fields: frozenset[str], place: int | None) -> str:
    if not _is_list(paragraph):
        named = _NAMED.findall(paragraph) if paragraph.startswith("`") else ()
        return paragraph if not named or fields.intersection(named) else ""
    return "\n".join(line for line in paragraph.split("\n") if _is_wanted(line, fields, place))


def _is_wanted(line: str, fields: frozenset[str], place: int | None) -> bool:
    item = _ITEM.match(line)
    if item is None or (item["number"] and place is None):
        return True
    if item["number"]:
        return int(item["number"]) - 1 == place
    named = _NAMED.findall(item["lead"]) if ":" in line else ()
    return not named or bool(fields.intersection(named))
