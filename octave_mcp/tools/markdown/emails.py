"""E-mails and the brief, to be read aloud and copied."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.domain.deal import Brief
from octave_mcp.domain.playbook import EmailSequence, Touch
from octave_mcp.domain.value import part_at
from octave_mcp.tools.markdown.quotations import plain
from octave_mcp.tools.markdown.rendering import Renderer

OUTLINE = "*An outline: lines to word before they are sent, not finished copy.*"


def sequence(found: EmailSequence, renderer: Renderer, level: int) -> Iterator[str]:
    to = ", ".join(filter(None, (renderer.words.of(found.persona_id), found.first_name)))
    yield f"{'#' * level} To the {to}"
    for one in found.touches:
        yield from touch(one, renderer, level + 1)


def touch(found: Touch, renderer: Renderer, level: int) -> Iterator[str]:
    """An e-mail with what the rep needs beside it, and the quotations that it rests on."""
    yield f"{'#' * level} Day {found.day}{', outline' if found.kind == 'outline' else ''}"
    yield f"Subject: {plain(found.subject)}"
    if found.kind == "outline":
        yield OUTLINE
        yield from renderer.blocks(found.sentences)
    else:
        yield _copyable(found.body)
    if told := renderer.with_new("\n".join(f"- {line}" for line in _beside(found, renderer))).strip():
        yield told


def _beside(found: Touch, renderer: Renderer) -> Iterator[str]:
    """The ask, what to make first, the other opening, and what was quoted before; a line of an outline has its own."""
    ask, is_outline = found.call_to_action, found.kind == "outline"
    if ask.text and not (is_outline and any(ask.text in sentence.text for sentence in found.sentences)):
        yield f"Ask ({ask.label}): {plain(ask.text)}"
    if found.make_first:
        yield f"Make this first: {plain(found.make_first)}"
    if found.second_opening:
        yield f"Other opening, without a date: {renderer.inline(found.second_opening)}"
    yield from (f"Note for you: {plain(note)}" for note in found.personalisation)
    doubted = (one for one in found.sentences if one.support and one.support.verdict in {"partly", "not"})
    yield from (f"Check first: {renderer.inline(one)}" for one in doubted if not is_outline)
    cited = [] if is_outline else [id_ for sentence in found.sentences for id_ in sentence.evidence]
    if above := renderer.quotations.given(cited):
        yield f"Quoted above: {above}"
    renderer.quotations.mark(cited)


def brief(found: Brief, renderer: Renderer, level: int) -> Iterator[str]:
    """What to know before the call, and the first e-mail."""
    said = (
        (renderer.playbook.vendor.name, found.vendor_does),
        ("Call", ", ".join(map(plain, filter(None, (found.person, found.title))))),
        (f"Why now ({found.date})", found.why_now),
        ("What it means", found.means),
        ("Say first", found.first_line),
        ("Proof", found.proof),
        ("Ask", found.question),
    )
    for title, part in said:
        if part:
            yield renderer.with_new(f"**{title}:** {renderer.inline(part)}")
    if found.warnings:
        yield "\n".join(("**Beware**", *(f"- {plain(warning)}" for warning in found.warnings)))
    if first := _touch_at(found.email or "", renderer):
        yield f"{'#' * level} The first e-mail"
        yield from touch(first, renderer, level + 1)


def _touch_at(path: str, renderer: Renderer) -> Touch | None:
    """The e-mail at 'email_sequences.0.touches.0'."""
    steps = (int(step) if step.isdecimal() else step for step in path.split("."))
    found = part_at(renderer.playbook, tuple(steps))
    return found if isinstance(found, Touch) else None


def _copyable(text: str) -> str:
    """A fenced block, which keeps the text and its placeholders as they are."""
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"
