"""The part of a playbook that a caller names: a section, something in it, or what is about one persona."""

from __future__ import annotations

from typing import TypeAlias

from octave_mcp.domain.names import normal
from octave_mcp.domain.parts import check_section, child, first_of, keys_of, no_part, steps_of
from octave_mcp.domain.playbook import Playbook, PriorityPersona
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, UnknownName

# Parts of a playbook under the names by which they were asked for.
Parts: TypeAlias = "dict[str, object]"

# The sections that have an entry for each persona, and the field that says for which.
PERSONA_IN = {"priority_personas": "id", "email_sequences": "persona_id", "talk_tracks": "persona_id"}
# What a persona is shown with if no section is named: who it is, and what to send. What to say is asked for apart.
PERSONA_OVERVIEW = ("priority_personas", "email_sequences")


def check_names(section: str | None, persona: str | None) -> None:
    """Whether there can be such a part.

    Raises:
        UnknownName: there is no such section.
        InputError: the section is not about personas.
    """
    first = first_of(section) if section else None
    if section:
        check_section(section)
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
    """The section, or the part of it that a path like 'battle_cards.why_we_win' names; all that are called so."""
    value: object = playbook
    for step in steps_of(section):
        found = [child(value, key) for key in keys_of(value, step)]
        if not found:
            raise no_part(section, step, value)
        value = found[0] if len(found) == 1 else tuple(found)
    return value
