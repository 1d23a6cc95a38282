"""The e-mails of a sequence as they would be sent, and what the rules say against each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from octave_mcp.copywriting.rubric import SENTENCE_WORDS, Email, email_errors, email_score
from octave_mcp.domain.evidence import Evidence, EvidenceId
from octave_mcp.domain.playbook import Sentence, SequenceDraft, Touch, TouchDraft
from octave_mcp.domain.value import Path, Value
from octave_mcp.evidence.checks import INCOMPLETE, Problem
from octave_mcp.evidence.languages import foreign
from octave_mcp.evidence.plans import dated, in_field, sites
from octave_mcp.evidence.pruning import is_empty
from octave_mcp.evidence.support import Statement, problems, quoted

DAYS = (1, 3, 7, 14)
WORTH_ANOTHER = 70
"""Of the 100 points of a score: below it, copy is asked for again."""
_IN_QUOTES = re.compile(r"['\"]([^'\"]+)['\"]")
_DAY = re.compile(rf"\bday (?:{'|'.join(map(str, DAYS))})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A touch, the place of which counts from 1, and the rules it breaks that it may not break."""

    number: int
    touch: Touch
    errors: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What the text of an e-mail may rest on, beside what it cites.

    `evidence` is all that was shown, whose names it may use, as those of what the user said; `known` are free to use.
    """

    evidence: Mapping[EvidenceId, Evidence]
    known: Sequence[str]
    given: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(f"{one.page_title}\n{one.label}\n{one.quote}" for one in self.evidence.values())


def emails(draft: SequenceDraft[EvidenceId], material: Material, language: str) -> Iterator[Judged]:
    """The touches in order; one that breaks a rule counts for nothing in judging those behind it."""
    earlier: list[Touch] = []
    touches = draft.touches[: len(DAYS)]
    for position, touch in enumerate(touches):
        is_last = position == len(touches) - 1
        email = replace(_email(touch, position, earlier, material.evidence, language), last=is_last)
        errors = tuple(_errors(touch, email, material, language))
        made = _touch(touch, email)
        yield Judged(position + 1, made, errors)
        if not errors:
            earlier.append(made)


def complaints(email: Judged, draft: TouchDraft[EvidenceId]) -> Iterator[Problem]:
    """What is worth asking for again, and where in the touch: what would be dropped, and what is far from good."""
    yield from email.errors
    score = email.touch.score
    if score and score.points < WORTH_ANOTHER:
        for warning in score.warnings:
            problem = Problem.of(warning)
            yield replace(problem, at=_place(problem, draft), is_soft=True)


def _place(problem: Problem, draft: TouchDraft[EvidenceId]) -> Path:
    """The text that a problem is about, by its rule or by what it quotes; () if that is the whole e-mail."""
    if problem.rule == "D12":
        return ("subject",)
    if problem.rule == "D21" and draft.opt_out is not None:
        return ("opt_out",)
    if quoted := _IN_QUOTES.search(problem.text):
        named = [at for at, text in _texts(draft) if quoted[1] in text]
        return named[0] if len(named) == 1 else ()
    if problem.rule == "D14":
        long = [at for at, text in _texts(draft) if len(text.split()) > SENTENCE_WORDS]
        return long[0] if len(long) == 1 and "sentence" in problem.text else ()
    return ()


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
    for error in map(Problem.of, email_errors(email)):
        yield replace(error, at=_place(error, touch))
    yield from unproven(touch, email.evidence, material)
    yield from foreign(email.body, language)


def _email(
    touch: TouchDraft[EvidenceId],
    position: int,
    earlier: Sequence[Touch],
    evidence: Mapping[EvidenceId, Evidence],
    language: str,
) -> Email:
    used = [evidence[i] for sentence in _sentences(touch) for i in sentence.evidence]
    before = frozenset(i for t in earlier for sentence in t.sentences for i in sentence.evidence)
    return Email(
        subject=touch.subject,
        body=body(touch),
        ask=touch.call_to_action.text,
        ask_label=touch.call_to_action.label,
        position=position,
        last=False,
        day=DAYS[position],
        earlier_days=[t.day for t in earlier],
        earlier=[t.body for t in earlier],
        evidence=used,
        earlier_evidence=before,
        language=language or "en",
    )


def unproven(touch: TouchDraft[EvidenceId], cited: Sequence[Evidence], material: Material) -> Iterator[Problem]:
    """D1, and D3, D4 and D10 for text without evidence of its own, which may use all evidence that the touch cites."""
    texts: list[tuple[Value, Path, str]] = [
        (touch, ("subject",), touch.subject),
        (touch.call_to_action, ("call_to_action", "text"), _DAY.sub("", touch.call_to_action.text)),
        (touch, ("opt_out",), touch.opt_out or ""),
        *((touch, ("personalisation", at), _DAY.sub("", note)) for at, note in enumerate(touch.personalisation)),
    ]
    beside = sites((one, one.role) for one in material.evidence.values())
    evidence, known, shown = (*map(quoted, cited), *beside), tuple(material.known), material.shown
    for value, at, text in texts:
        field = str(at[-1] if value is touch.call_to_action else at[0])
        own = dated(Statement(text, "copy", "", "", evidence, material.given, known, shown))
        found = problems(in_field(value, field, own))
        yield from (replace(problem, at=at) for problem in found if not problem.is_soft)
    if not cited:  # only greeting and ask are left
        yield Problem("D1", "nothing in it has evidence")


def body(touch: TouchDraft[EvidenceId]) -> str:
    """The e-mail as it would be sent: greeting, paragraphs, the ask, a way out on the last, and who signs."""
    paragraphs = [" ".join(sentence.text for sentence in paragraph) for paragraph in touch.paragraphs]
    parts = [
        "Hi {{first_name}},",
        *filter(None, paragraphs),
        touch.call_to_action.text,
        touch.opt_out,
        "{{sender_first_name}}, {{sender_company}}",
    ]
    return "\n\n".join(part for part in parts if part)


def _touch(touch: TouchDraft[EvidenceId], email: Email) -> Touch:
    return Touch(
        day=email.day,
        subject=touch.subject,
        body=email.body,
        call_to_action=touch.call_to_action,
        personalisation=touch.personalisation,
        sentences=tuple(_sentences(touch)),
        score=email_score(email),
    )


def _sentences(touch: TouchDraft[EvidenceId]) -> Iterator[Sentence[EvidenceId]]:
    return (sentence for paragraph in touch.paragraphs for sentence in paragraph)
