"""The e-mails of a sequence as they would be sent, and what the rules say against each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
from octave_mcp.evidence.support import Statement, problems, quoted

DAYS = (1, 3, 7, 14)
# Of the 100 points of a score: below it, copy is asked for again.
WORTH_ANOTHER = 50
# With merge fields: what is judged does not depend on names.
UNADDRESSED = Letterhead()
_DAY = re.compile(rf"\bday (?:{'|'.join(map(str, DAYS))})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A touch, whose place counts from 1, with what it must not be sent with, and what it lost points for."""

    number: int
    touch: Touch
    errors: tuple[Problem, ...]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What the text of an e-mail may rest on, beside what it cites.

    `evidence` is all that was shown, whose names it may use, as those of what the user said; `known` are free to use:
    the vendor's name, the prospect's, and job titles.
    """

    evidence: Mapping[EvidenceId, Evidence]
    known: Sequence[str]
    given: str = ""

    @property
    def deal(self) -> Deal:
        vendor, prospect = (*self.known, "", "")[:2]
        return Deal(vendor, prospect, self.given)

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(f"{one.page_title}\n{one.label}\n{one.quote}" for one in self.evidence.values())


def emails(
    draft: SequenceDraft[EvidenceId], material: Material, language: str, head: Letterhead = UNADDRESSED
) -> Iterator[Judged]:
    """The touches in order; one that breaks a rule counts for nothing in judging those behind it."""
    earlier: list[Email] = []
    touches = draft.touches[: len(DAYS)]
    for position, touch in enumerate(touches):
        email = _email(touch, position, earlier, material, language)
        email = replace(email, last=position == len(touches) - 1)
        errors, faults = tuple(_errors(touch, email, material, language)), tuple(email_faults(email))
        scored_touch = _touch(touch, DAYS[position], body(touch, head), email_score(email, faults))
        yield Judged(position + 1, scored_touch, errors, faults)
        if not errors:
            earlier.append(email)


def complaints(email: Judged, draft: TouchDraft[EvidenceId]) -> Iterator[Problem]:
    """What is worth asking for again, and where in the touch: what would be dropped, and what is far from good."""
    yield from email.errors
    if email.touch.score and email.touch.score.points < WORTH_ANOTHER:
        yield from (_problem(fault, draft, is_soft=True) for fault in email.faults)


def _problem(fault: Fault, draft: TouchDraft[EvidenceId], *, is_soft: bool = False) -> Problem:
    return Problem(fault.rule, fault.text, _place(fault, draft), is_soft=is_soft)


def _place(fault: Fault, draft: TouchDraft[EvidenceId]) -> Path:
    """The one text of the touch that a fault is about; () if that is the whole e-mail."""
    if fault.rule == "D21" and draft.opt_out is not None:
        return ("opt_out",)
    texts = [*_texts(draft)] if fault.about else []
    whole = [at for at, text in texts if text == fault.about]
    named = whole or [at for at, text in texts if fault.about in text]
    return named[0] if len(named) == 1 else ()


def _texts(draft: TouchDraft[EvidenceId]) -> Iterator[tuple[Path, str]]:
    yield ("subject",), draft.subject
    for at, paragraph in enumerate(draft.paragraphs):
        yield from ((("paragraphs", at, place), sentence.text) for place, sentence in enumerate(paragraph))
    yield ("call_to_action", "text"), draft.call_to_action.text
    yield ("opt_out",), draft.opt_out or ""


def _errors(touch: TouchDraft[EvidenceId], email: Email, material: Material, language: str) -> Iterator[Problem]:
    if is_empty(touch):
        yield Problem(INCOMPLETE, "it has no subject or no call to action")
        return
    yield from (_problem(error, touch) for error in email_errors(email))
    yield from unproven(touch, email.evidence, material)
    yield from foreign(email.text, language)


def _email(
    touch: TouchDraft[EvidenceId], position: int, earlier: Sequence[Email], material: Material, language: str
) -> Email:
    ask = touch.call_to_action
    return Email(
        subject=touch.subject,
        paragraphs=tuple(_written(touch)),
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


def unproven(touch: TouchDraft[EvidenceId], cited: Sequence[Evidence], material: Material) -> Iterator[Problem]:
    """D1, and D3, D4 and D10 for text without evidence of its own, which may use all evidence that the touch cites.

    What is offered may be made of any page that was shown.
    """
    texts: list[tuple[Value, Path, str]] = [
        (touch, ("subject",), touch.subject),
        (touch.call_to_action, ("call_to_action", "text"), _DAY.sub("", touch.call_to_action.text)),
        (touch, ("opt_out",), touch.opt_out or ""),
        (touch, ("make_first",), touch.make_first or ""),
        *((touch, ("personalisation", at), _DAY.sub("", note)) for at, note in enumerate(touch.personalisation)),
    ]
    beside = sites((one, one.role) for one in material.evidence.values())
    evidence, known, shown = (*map(quoted, cited), *beside), tuple(material.known), material.shown
    for value, at, text in texts:
        field = str(at[-1] if value is touch.call_to_action else at[0])
        own = dated(Statement(text, "copy", "", "", evidence, material.given, known, shown))
        if field == "make_first":
            own = replace(own, evidence=tuple(map(quoted, material.evidence.values())))
        found = problems(in_field(value, field, own))
        yield from (replace(problem, at=at) for problem in found if not problem.is_soft)
    if not cited and touch.call_to_action.label not in {"offer", "goodbye"}:
        yield Problem("D1", "nothing in it has evidence: state a fact, with its citation")


def body(touch: TouchDraft[EvidenceId], head: Letterhead) -> str:
    """The e-mail as it would be sent: greeting, paragraphs, the ask, a way out on the last, and who signs."""
    return "\n\n".join((head.greeting, *_written(touch), head.signature))


def paragraphs_of(touch: TouchDraft[EvidenceId]) -> list[str]:
    return [" ".join(sentence.text for sentence in paragraph) for paragraph in touch.paragraphs]


def _written(touch: TouchDraft[EvidenceId]) -> Iterator[str]:
    """The paragraphs, the ask and the way out, without those that are empty."""
    return filter(None, (*paragraphs_of(touch), touch.call_to_action.text, touch.opt_out))


def _touch(touch: TouchDraft[EvidenceId], day: int, text: str, score: Score) -> Touch:
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
