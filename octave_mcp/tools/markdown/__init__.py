"""Parts of a playbook as Markdown, for a model to read to its user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from octave_mcp.domain.deal import Brief
from octave_mcp.domain.parts import steps_of
from octave_mcp.domain.playbook import EmailSequence, Playbook, Touch
from octave_mcp.domain.value import overlap
from octave_mcp.tools.markdown import emails
from octave_mcp.tools.markdown.quotations import plain
from octave_mcp.tools.markdown.rendering import Renderer
from octave_mcp.tools.parts import Parts

# How many characters of a quotation are given.
USUAL, *SHORTER = 320, 220, 160, 110, 80
# Of a text in JSON: with the other fields of its report it stays below 2,500 tokens.
SHORT_CHARACTERS = 9_300


def markdown(parts: Parts, playbook: Playbook) -> str:
    """The parts as one text. Quotations are cut further than usual if the text becomes short by that."""
    texts = (_text(parts, Renderer(playbook, longest)) for longest in (USUAL, *SHORTER))
    usual = next(texts)
    return usual if _is_short(usual) else next(filter(_is_short, texts), usual)


def _is_short(text: str) -> bool:
    return len(json.dumps(text, ensure_ascii=False)) <= SHORT_CHARACTERS


def _text(parts: Parts, renderer: Renderer) -> str:
    return "\n\n".join(block for name, part in parts.items() for block in _part(name, part, renderer))


def _part(name: str, part: object, renderer: Renderer) -> Iterator[str]:
    yield f"## {' · '.join(map(renderer.words.label, name.split('.')))}"
    yield from _own(name, renderer.playbook)
    found = [*_read(part, renderer)]
    yield from found or ["Nothing was found."]
    if not found:
        yield from renderer.blocks(tuple(gap for gap in renderer.playbook.gaps if gap.is_in(name)))


def _own(name: str, playbook: Playbook) -> Iterator[str]:
    """Which parts of it a person wrote: they are to be repeated as they are."""
    at = tuple(steps_of(name))
    for own in playbook.own_text:
        if overlap(tuple(steps_of(own.path)), at):
            told = f" {' '.join(own.warnings)}" if own.warnings else ""
            yield f"*Written by {plain(own.by or 'a person')}: {own.path}.*{plain(told)}"


def _read(part: object, renderer: Renderer, level: int = 3) -> Iterator[str]:
    match part:
        case tuple():
            entries = cast("tuple[object, ...]", part)
            if entries and all(isinstance(entry, EmailSequence | Touch) for entry in entries):
                for entry in entries:
                    yield from _read(entry, renderer, level)
            else:
                yield from renderer.blocks(entries, level)
        case EmailSequence():
            yield from emails.sequence(part, renderer, level)
        case Touch():
            yield from emails.touch(part, renderer, level)
        case Brief():
            yield from emails.brief(part, renderer, level)
        case _:
            yield from renderer.blocks(part, level)
