"""Render parts of a playbook as Markdown, which a client's model shows to its user."""

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

# Maximum lengths of a quotation in characters. If the whole text is too long with one of these limits, it is rendered
# again with the next one.
MAX_QUOTATION, *SHORTER_LIMITS = 320, 220, 160, 110, 80
# Maximum length of the text as a JSON string. A report with a text of this length usually has fewer than 2,500 tokens.
MAX_SHORT_CHARACTERS = 9_300


def markdown(parts: Parts, playbook: Playbook) -> str:
    """Render the parts as one text.

    If the text is too long, shorten its quotations. If the text is too long even with the shortest quotations, return
    the text with the longest quotations.
    """
    texts = (_text(parts, Renderer(playbook, limit)) for limit in (MAX_QUOTATION, *SHORTER_LIMITS))
    usual = next(texts)
    return usual if _is_short(usual) else next(filter(_is_short, texts), usual)


def _is_short(text: str) -> bool:
    return len(json.dumps(text, ensure_ascii=False)) <= MAX_SHORT_CHARACTERS


def _text(parts: Parts, renderer: Renderer) -> str:
    return "\n\n".join(block for name, part in parts.items() for block in _part(name, part, renderer))


def _part(name: str, part: object, renderer: Renderer) -> Iterator[str]:
    yield f"## {' · '.join(map(renderer.words.label, name.split('.')))}"
    yield from _own_text_notices(name, renderer.playbook)
    blocks = [*_blocks(part, renderer)]
    yield from blocks or ["This section is empty."]
    if not blocks:
        yield from renderer.blocks(tuple(gap for gap in renderer.playbook.gaps if gap.is_in(name)))


def _own_text_notices(name: str, playbook: Playbook) -> Iterator[str]:
    """Yield a notice for each part that a person wrote, so that the client's model repeats these parts unchanged."""
    at = tuple(steps_of(name))
    for own in playbook.own_text:
        if overlap(tuple(steps_of(own.path)), at):
            warnings = f" {' '.join(own.warnings)}" if own.warnings else ""
            yield f"*Written by {plain(own.by or 'a person')}: {own.path}.*{plain(warnings)}"


def _blocks(part: object, renderer: Renderer, level: int = 3) -> Iterator[str]:
    match part:
        case tuple():
            entries = cast("tuple[object, ...]", part)
            if entries and all(isinstance(entry, EmailSequence | Touch) for entry in entries):
                for entry in entries:
                    yield from _blocks(entry, renderer, level)
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
