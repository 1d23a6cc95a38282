"""Render e-mails and the brief as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from octave_mcp.domain.deal import Brief
from octave_mcp.domain.playbook import EmailSequence, Touch
from octave_mcp.domain.value import part_at
from octave_mcp.tools.markdown.quotations import plain
from octave_mcp.tools.markdown.rendering import Renderer

OUTLINE = "*An outline, not finished copy: rewrite these lines before you send them.*"


def sequence(emails: EmailSequence, renderer: Renderer, level: int) -> Iterator[str]:
    to = ", ".join(filter(None, (renderer.words.of(emails.persona_id), emails.first_name)))
    yield f"{'#' * level} To the {to}"
    for email in emails.touches:
        yield from touch(email, renderer, level + 1)


def touch(email: Touch, renderer: Renderer, level: int) -> Iterator[str]:
    """Render an e-mail with hints for the rep and the quotations that support it."""
    yield f"{'#' * level} Day {email.day}{', outline' if email.kind == 'outline' else ''}"
    yield f"Subject: {plain(email.subject)}"
    if email.kind == "outline":
        yield OUTLINE
        yield from renderer.blocks(email.sentences)
    else:
        yield _copyable(email.body)
    if hints := renderer.with_new("\n".join(f"- {line}" for line in _rep_hints(email, renderer))).strip():
        yield hints


def _rep_hints(email: Touch, renderer: Renderer) -> Iterator[str]:
    """Yield hints for the rep about an e-mail, such as its call to action, an alternative opening and the sources.

    The hints on an outline omit the sources and verdicts of sentences, because the lines of an outline show both.
    """
    ask, is_outline = email.call_to_action, email.kind == "outline"
    if ask.text and not (is_outline and any(ask.text in sentence.text for sentence in email.sentences)):
        yield f"Ask ({ask.label}): {plain(ask.text)}"
    if email.make_first:
        yield f"Make this first: {plain(email.make_first)}"
    if email.second_opening:
        yield f"Alternative opening, without a date: {renderer.inline(email.second_opening)}"
    yield from (f"Note for you: {plain(note)}" for note in email.personalisation)
    doubted = (line for line in email.sentences if line.support and line.support.verdict in {"partly", "not"})
    yield from (f"Check first: {renderer.inline(line)}" for line in doubted if not is_outline)
    cited = [] if is_outline else [id_ for sentence in email.sentences for id_ in sentence.evidence]
    if above := renderer.quotations.given(cited):
        yield f"Quoted above: {above}"
    renderer.quotations.mark(cited)


def brief(content: Brief, renderer: Renderer, level: int) -> Iterator[str]:
    """Render the brief: what to know before the call, and the first e-mail."""
    lines = (
        (renderer.playbook.vendor.name, content.vendor_does),
        ("Call", ", ".join(map(plain, filter(None, (content.person, content.title))))),
        (f"Why now ({content.date})", content.why_now),
        ("What it means", content.means),
        ("Say first", content.first_line),
        ("Proof", content.proof),
        ("Ask", content.question),
    )
    for title, part in lines:
        if part:
            yield renderer.with_new(f"**{title}:** {renderer.inline(part)}")
    if content.warnings:
        yield "\n".join(("**Beware**", *(f"- {plain(warning)}" for warning in content.warnings)))
    if first := _touch_at(content.email or "", renderer):
        yield f"{'#' * level} The first e-mail"
        yield from touch(first, renderer, level + 1)


def _touch_at(path: str, renderer: Renderer) -> Touch | None:
    """Return the e-mail at a path such as 'email_sequences.0.touches.0'."""
    steps = (int(step) if step.isdecimal() else step for step in path.split("."))
    part = part_at(renderer.playbook, tuple(steps))
    return part if isinstance(part, Touch) else None


def _copyable(text: str) -> str:
    """Put the text into a fenced block, so that it is shown unchanged and clients offer to copy it."""
    # In CommonMark, backticks in the text cannot end the block if the fence is longer than any sequence of them.
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{ticks}text\n{text}\n{ticks}"
