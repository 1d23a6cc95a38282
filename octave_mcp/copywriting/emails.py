"""Turns a drafted sequence into e-mails that are ready to send, and lists the errors and faults of each e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from octave_mcp.copywriting.email_text import Deal, Email
from octave_mcp.copywriting.faults import Fault
from octave_mcp.copywriting.letterhead import Letterhead
from octave_mcp.copywriting.rubric import email_errors, email_faults, email_score
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.playbook import SequenceDraft, Touch, TouchDraft
from octave_mcp.domain.sentence import Score, Sentence
from octave_mcp.domain.value import Path, Value
from octave_mcp.evidence.checks import INCOMPLETE, Problem
from octave_mcp.evidence.languages import foreign
from octave_mcp.evidence.plans import dated, in_field, sites
from octave_mcp.evidence.pruning import is_empty
from octave_mcp.evidence.support import Quoted, Statement, problems, quoted

DAYS = (1, 3, 7, 14)
# If an e-mail scores fewer points than this (out of 100), the model that wrote it is asked for a correction. The
# threshold is low, because most e-mails have some faults, and a correction costs another ask.
MIN_UNCORRECTED_POINTS = 50
# Merge fields are enough for a check, because the rules see neither the greeting nor the signature.
UNADDRESSED = Letterhead()
# Matches 'Day 7', which is a day of the sequence and not a figure that needs evidence.
_DAY = re.compile(rf"\bday (?:{'|'.join(map(str, DAYS))})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A touch, and the errors and faults that the rules have found in it. `number` counts from 1.

    `errors`: problems that make the touch unfit to be sent. `faults`: problems that lower the score of the touch.
    """

    number: int
    touch: Touch
    errors: tuple[Problem, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class EmailMaterial:
    """The sources that an e-mail is allowed to use in addition to the evidence that it cites.

    `evidence`: all evidence that the writer has seen; the e-mail is allowed to use names from it. `known`: the vendor's
    name, the prospect's name, and then job titles; these names need no evidence. `given`: the user's description of the
    deal; the e-mail is allowed to use names from it.
    """

    evidence: Mapping[EvidenceId, Evidence]
    known: Sequence[str]
    given: str = ""

    @property
    def deal(self) -> Deal:
        vendor, prospect = (*self.known, "", "")[:2]
        return Deal(vendor, prospect, self.given)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        return tuple(
            f"{evidence.page_title}\n{evidence.label}\n{evidence.quote}" for evidence in self.evidence.values()
        )

    @cached_property
    def sites(self) -> tuple[Quoted, ...]:
        return sites((evidence, evidence.role) for evidence in self.evidence.values())

    @cached_property
    def quoted(self) -> tuple[Quoted, ...]:
        return tuple(map(quoted, self.evidence.values()))


def emails(
    draft: SequenceDraft[EvidenceId], material: EmailMaterial, language: str, head: Letterhead = UNADDRESSED
) -> Iterator[Judged]:
    """Yield the e-mail for each touch in the draft, in the order of the sequence.

    E-mails with errors are dropped later, so later e-mails are allowed to repeat the content of a dropped e-mail.
    """
    earlier: list[Email] = []
    touches = draft.touches[: len(DAYS)]
    for position, touch in enumerate(touches):
        email = _as_email(touch, position, earlier, material, language)
        email = replace(email, last=position == len(touches) - 1)
        errors, faults = tuple(_send_errors(touch, email, material, language)), tuple(email_faults(email))
        scored_touch = _scored_touch(touch, DAYS[position], body(touch, head), email_score(email, faults))
        yield Judged(position + 1, scored_touch, errors, faults)
        if not errors:
            earlier.append(email)


def complaints(email: Judged, draft: TouchDraft[EvidenceId]) -> Iterator[Problem]:
    """Yield the problems that the writer should correct: all errors, and the faults if the score is low."""
    yield from email.errors
    if email.touch.score and email.touch.score.points < MIN_UNCORRECTED_POINTS:
        yield from (_as_problem(fault, draft, is_soft=True) for fault in email.faults)


def _as_problem(fault: Fault, draft: TouchDraft[EvidenceId], *, is_soft: bool = False) -> Problem:
    return Problem(fault.rule, fault.text, _path_of(fault, draft), is_soft=is_soft)


def _path_of(fault: Fault, draft: TouchDraft[EvidenceId]) -> Path:
    """Return the path of the only text in the draft that contains the faulty words.

    Return (), the path of the whole e-mail, if the fault names no words or if several texts contain the words.
    """
    if fault.rule == "D21" and draft.opt_out is not None:
        return ("opt_out",)
    texts = [*_texts_with_paths(draft)] if fault.about else []
    exact = [path for path, text in texts if text == fault.about]
    matches = exact or [path for path, text in texts if fault.about in text]
    return matches[0] if len(matches) == 1 else ()


def _texts_with_paths(draft: TouchDraft[EvidenceId]) -> Iterator[tuple[Path, str]]:
    yield ("subject",), draft.subject
    for at, paragraph in enumerate(draft.paragraphs):
        yield from ((("paragraphs", at, place), sentence.text) for place, sentence in enumerate(paragraph))
    yield ("call_to_action", "text"), draft.call_to_action.text
    yield ("opt_out",), draft.opt_out or ""


def _send_errors(
    touch: TouchDraft[EvidenceId], email: Email, material: EmailMaterial, language: str
) -> Iterator[Problem]:
    if is_empty(touch):
        yield Problem(INCOMPLETE, "it has no subject or no call to action")
        return
    yield from (_as_problem(error, touch) for error in email_errors(email))
    yield from unproven(touch, email.evidence, material)
    yield from foreign(email.text, language)


def _as_email(
    touch: TouchDraft[EvidenceId], position: int, earlier: Sequence[Email], material: EmailMaterial, language: str
) -> Email:
    ask = touch.call_to_action
    return Email(
        subject=touch.subject,
        paragraphs=tuple(_paragraphs_as_sent(touch)),
        ask=ask.text,
        ask_label=ask.label,
        make_first=touch.make_first or "",
        has_second_opening=bool(touch.second_opening),
        position=position,
        facts=tuple(sentence.text for sentence in sentences_of(touch) if sentence.kind == "fact"),
        earlier=tuple(earlier),
        evidence=tuple(material.evidence[i] for sentence in sentences_of(touch) for i in sentence.evidence),
        deal=material.deal,
        language=language or "en",
    )


def unproven(touch: TouchDraft[EvidenceId], cited: Sequence[Evidence], material: EmailMaterial) -> Iterator[Problem]:
    """Check the texts that have no citations of their own, and yield the violations of rules D1, D3, D4 and D10.

    Rule D1 requires that at least one fact of the e-mail cites evidence. The subject, the ask, the opt-out and the
    notes on personalisation are allowed to use all evidence that the touch cites. The document in `make_first` is
    allowed to use all evidence in `material`.
    """
    texts: list[tuple[Value, Path, str]] = [
        (touch, ("subject",), touch.subject),
        (touch.call_to_action, ("call_to_action", "text"), _DAY.sub("", touch.call_to_action.text)),
        (touch, ("opt_out",), touch.opt_out or ""),
        (touch, ("make_first",), touch.make_first or ""),
        *((touch, ("personalisation", at), _DAY.sub("", note)) for at, note in enumerate(touch.personalisation)),
    ]
    evidence, known, shown = (*map(quoted, cited), *material.sites), tuple(material.known), material.shown
    for value, path, text in texts:
        field = str(path[-1] if value is touch.call_to_action else path[0])
        statement = dated(Statement(text, "copy", "", "", evidence, material.given, known, shown))
        if field == "make_first":
            statement = replace(statement, evidence=material.quoted)
        issues = problems(in_field(value, field, statement))
        yield from (replace(problem, at=path) for problem in issues if not problem.is_soft)
    if not cited and touch.call_to_action.label not in {"offer", "goodbye"}:
        yield Problem("D1", "nothing in it has evidence: state a fact, with its citation")


def body(touch: TouchDraft[EvidenceId], head: Letterhead) -> str:
    """Return the complete e-mail: greeting, paragraphs, ask, opt-out (if there is one) and signature."""
    return "\n\n".join((head.greeting, *_paragraphs_as_sent(touch), head.signature))


def paragraphs_of(touch: TouchDraft[EvidenceId]) -> list[str]:
    return [" ".join(sentence.text for sentence in paragraph) for paragraph in touch.paragraphs]


def _paragraphs_as_sent(touch: TouchDraft[EvidenceId]) -> Iterator[str]:
    """Return the paragraphs, the ask and the opt-out. Empty texts are left out."""
    return filter(None, (*paragraphs_of(touch), touch.call_to_action.text, touch.opt_out))


def _scored_touch(touch: TouchDraft[EvidenceId], day: int, text: str, score: Score) -> Touch:
    return Touch(
        day=day,
        subject=touch.subject,
        body=text,
        call_to_action=touch.call_to_action,
        personalisation=touch.personalisation,
        sentences=tuple(sentences_of(touch)),
        second_opening=touch.second_opening,
        make_first=touch.make_first,
        score=score,
    )


def sentences_of(touch: TouchDraft[EvidenceId]) -> Iterator[Sentence[EvidenceId]]:
    return (sentence for paragraph in touch.paragraphs for sentence in paragraph)
