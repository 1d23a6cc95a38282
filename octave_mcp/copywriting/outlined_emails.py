"""Creates outlines of e-mails, which are lists of labelled quotations.

A person or a model still has to turn an outline into a finished e-mail. The rules for finished texts do not apply to
outlines.
"""

from __future__ import annotations

from collections.abc import Iterator

from octave_mcp.copywriting.emails import DAYS, EmailMaterial, Judged, paragraphs_of, sentences_of, unproven
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.playbook import SequenceDraft, Touch, TouchDraft


def outlines(draft: SequenceDraft[EvidenceId], material: EmailMaterial) -> Iterator[Judged]:
    for number, (touch, day) in enumerate(zip(draft.touches, DAYS, strict=False), 1):
        used = [material.evidence[i] for sentence in sentences_of(touch) for i in sentence.evidence]
        yield Judged(number, _outline(touch, day), tuple(unproven(touch, used, material)))


def _outline(touch: TouchDraft[EvidenceId], day: int) -> Touch:
    """Return a touch that contains the draft's paragraphs unchanged, without a greeting or signature."""
    return Touch(
        kind="outline",
        day=day,
        subject=touch.subject,
        body="\n\n".join(paragraphs_of(touch)),
        call_to_action=touch.call_to_action,
        personalisation=touch.personalisation,
        sentences=tuple(sentences_of(touch)),
        second_opening=touch.second_opening,
        make_first=touch.make_first,
        score=None,
    )
