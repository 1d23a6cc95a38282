"""Find the part of a playbook that a caller names: a section, a part of a section, or everything for one persona."""

from __future__ import annotations

from typing import TypeAlias

from octave_mcp.domain.names import normal
from octave_mcp.domain.parts import check_section, child, first_of, keys_of, no_part, steps_of
from octave_mcp.domain.playbook import Playbook, PriorityPersona
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, UnknownName

# Parts of a playbook, by section name or by the path that the caller requested.
Parts: TypeAlias = "dict[str, object]"

# Sections that have one entry per persona, each with the name of the field that contains the persona's id.
PERSONA_IN = {"priority_personas": "id", "email_sequences": "persona_id", "talk_tracks": "persona_id"}
# If a request names a persona but no section, return the persona's entries in these sections. Talk tracks are returned
# only if the request names that section.
PERSONA_OVERVIEW = ("priority_personas", "email_sequences")


def check_names(section: str | None, persona: str | None) -> None:
    """Check the names in a request for part of a playbook, before the playbook is loaded.

    Raises:
        UnknownName: If there is no such section.
        InputError: If a persona is given, but the section has no entries for personas.
    """
    first = first_of(section) if section else None
    if section:
        check_section(section)
    if persona and first is not None and first not in PERSONA_IN:
        about = ", ".join(PERSONA_IN)
        raise InputError(
            f"persona: {first!r} is for the whole deal; leave persona out, or choose one of the sections {about}"
        )


def parts_of(playbook: Playbook, section: str | None, persona: str | None) -> Parts:
    """Return the requested parts of a playbook.

    If only a persona is given, return the sections about this persona. If neither a section nor a persona is given,
    return the brief.

    Raises:
        UnknownName: If there is no such persona, or no such part of the section.
    """
    if persona:
        chosen = _persona(playbook, persona).id
        playbook = playbook.model_copy(update={name: _about(playbook, name, chosen) for name in PERSONA_IN})
    if section:
        return {section: _part(playbook, section)}
    brief = "brief" if playbook.brief else "executive_summary"
    return {name: getattr(playbook, name) for name in (PERSONA_OVERVIEW if persona else (brief,))}


def _persona(playbook: Playbook, named: str) -> PriorityPersona:
    """Find a persona by its id, its rank, its title or the name of its contact."""
    wanted = normal(named)
    for persona in playbook.priority_personas:
        contact = persona.contact or ""
        names = (persona.id, str(persona.rank), persona.title, contact, contact.partition(",")[0])
        if wanted in map(normal, filter(None, names)):
            return persona
    choices = ", ".join(f"{persona.rank} ({persona.id}, {persona.title})" for persona in playbook.priority_personas)
    raise UnknownName(f"unknown persona {named!r}; choose one of {choices}")


def _about(playbook: Playbook, section: str, persona_id: str) -> tuple[Value, ...]:
    field = PERSONA_IN[section]
    return tuple(entry for entry in getattr(playbook, section) if getattr(entry, field) == persona_id)


def _part(playbook: Playbook, section: str) -> object:
    """Return a section, or the part at a path such as 'battle_cards.why_we_win'.

    If several parts match, return a tuple.
    """
    value: object = playbook
    for step in steps_of(section):
        matches = [child(value, key) for key in keys_of(value, step)]
        if not matches:
            raise no_part(section, step, value)
        value = matches[0] if len(matches) == 1 else tuple(matches)
    return value
