"""The part of a playbook that a caller names: a section, something in it, or what is about one persona."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

from octave_mcp.domain.names import normal
from octave_mcp.domain.playbook import SECTIONS, Playbook, PriorityPersona
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, UnknownName

Parts: TypeAlias = "dict[str, object]"
"""Parts of a playbook under the names by which they were asked for."""

PERSONA_IN = {"priority_personas": "id", "email_sequences": "persona_id", "talk_tracks": "persona_id"}
"""The sections that have an entry for each persona, and the field that says for which."""
PERSONA_OVERVIEW = ("priority_personas", "email_sequences")
"""What a persona is shown with if no section is named: who it is, and what to send. What to say is asked for apart."""
NAMING = ("id", "persona_id", "kind", "seat", "name", "customer")
"""The fields by whose value an entry of a list may be named."""
MOST_LISTED, LONGEST_PLACE = 30, 6


def check_names(section: str | None, persona: str | None) -> None:
    """Whether there can be such a part.

    Raises:
        UnknownName: there is no such section.
        InputError: the section is not about personas.
    """
    first = section.split(".")[0] if section else None
    if first is not None and first not in SECTIONS:
        raise UnknownName(f"there is no section {section!r}; choose one of {', '.join(SECTIONS)}")
    if persona and first is not None and first not in PERSONA_IN:
        about = ", ".join(PERSONA_IN)
        raise InputError(f"persona: {first!r} is about the whole deal; leave persona out, or choose one of {about}")


def parts_of(playbook: Playbook, section: str | None, persona: str | None) -> Parts:
    """What a caller asks for; without a section, an overview of the persona, or else the brief.

    Raises:
        UnknownName: there is no such persona, or the section has no such part; the text lists those there are.
    """
    if persona:
        chosen = _persona(playbook, persona).id
        playbook = playbook.model_copy(update={name: _about(playbook, name, chosen) for name in PERSONA_IN})
    if section:
        return {section: _part(playbook, section)}
    brief = "brief" if playbook.brief else "executive_summary"
    return {name: getattr(playbook, name) for name in (PERSONA_OVERVIEW if persona else (brief,))}


def _persona(playbook: Playbook, named: str) -> PriorityPersona:
    """The persona with this id, rank, title or name of a person."""
    wanted = normal(named)
    for one in playbook.priority_personas:
        if wanted in map(normal, (one.id, str(one.rank), one.title, one.contact or one.id)):
            return one
    there = ", ".join(f"{one.rank} ({one.id}, {one.title})" for one in playbook.priority_personas)
    raise UnknownName(f"there is no persona {named!r}; choose one of {there}")


def _about(playbook: Playbook, section: str, persona_id: str) -> tuple[Value, ...]:
    field = PERSONA_IN[section]
    return tuple(entry for entry in getattr(playbook, section) if getattr(entry, field) == persona_id)


def _part(playbook: Playbook, section: str) -> object:
    """The section, or the part of it that a path like 'battle_cards.why_we_win' names."""
    first, *names = section.split(".")
    value: object = getattr(playbook, first)
    for name in names:
        found = _named(value, name)
        if not found:
            raise UnknownName(f"{section!r} has no part {name!r}; it has {_there(value) or 'none'}")
        value = found[0] if len(found) == 1 else tuple(found)
    return value


def _named(value: object, name: str) -> list[object]:
    """The field of this name, or the entries of a list: the one at this place, or all that are called so."""
    if isinstance(value, Value):
        return [getattr(value, name)] if name in type(value).model_fields else []
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        return [entries[name]] if name in entries else []
    if not isinstance(value, tuple):
        return []
    listed = cast("tuple[object, ...]", value)
    if name.isdecimal() and len(name) <= LONGEST_PLACE:
        return [*listed[int(name) : int(name) + 1]]
    return [entry for entry in listed if normal(name) in map(normal, _names(entry))]


def _names(entry: object) -> Iterator[str]:
    found = (getattr(entry, field, None) for field in NAMING)
    return (name for name in found if isinstance(name, str))


def _there(value: object) -> str:
    """The names of the parts of a value, for an error."""
    if isinstance(value, Value):
        return _shortened([*type(value).model_fields])
    if isinstance(value, dict):
        return _shortened([*cast("dict[str, object]", value)])
    listed = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
    names = dict.fromkeys(name for entry in listed for name in _names(entry) if "." not in name)
    places = f"a number from 0 to {len(listed) - 1}"
    return ", or ".join(filter(None, (_shortened([*names]), places))) if listed else ""


def _shortened(names: list[str]) -> str:
    more = len(names) - MOST_LISTED
    return ", ".join([*names[:MOST_LISTED], *([f"and {more} more"] if more > 0 else [])])
