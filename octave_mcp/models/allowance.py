"""How much a run may ask of a connected client: questions and tokens, with room for corrections kept until the end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from octave_mcp.asks.rendering import estimated_tokens
from octave_mcp.domain.prospect import MAX_PERSONAS
from octave_mcp.domain.questions import Question, QuestionRecord

MAX_QUESTIONS = 14
# Read and written: a complete run reads at most 52,000 and writes at most 28,000.
MAX_TOKENS = 80_000
# Of the pages of a company, with these limits; a run that shows more may ask more.
SHOWN_CHARACTERS = 30_000
# Of the passages in one question of a run that shows more: each question is answered with a limited list.
ASK_CHARACTERS = 20_000
QUESTION_TOKENS = 20_000
CORRECTION_TOKENS = 5_500
# For what is written in the last questions: the answers before them were corrected by then.
LAST_CORRECTIONS_TOKENS = 4_000


class Size(NamedTuple):
    """The tokens of a question, and those of its answer."""

    read: int
    written: int

    @property
    def both(self) -> int:
        return self.read + self.written


NOTHING = Size(0, 0)
# One question at the end of a run, about some 90 claims: whether the quotations say what they say.
VERIFICATION = Size(5_500, 1_000)
SELF_CHECK = "checks/self_check"
DEAL, LAST = "playbook/summary", "playbook/email_sequence"
ANSWERING_A_PERSONA = 3_000
# What the questions of a run take that is allowed as much as usual, by their prompt, in the order in which they go
# out: the figures of runs on sites of ordinary companies. The one about addresses goes out once for each company.
FIRST = {
    "research/urls": Size(2_200, 100),
    "vendor/offerings": Size(11_500, 5_500),
    "prospect/company_profile": Size(9_600, 3_300),
    "prospect/pain_points": Size(5_200, 1_100),
    "playbook/summary": Size(8_800, 5_500),
    LAST: Size(8_800, MAX_PERSONAS * ANSWERING_A_PERSONA),
}
USUAL_QUESTIONS = len(FIRST) + 1
USUAL_CORRECTIONS = Size(2_000, 1_500)
READING = ("vendor/offerings", "prospect/company_profile")
# Of a question about the pages of a company, where there are enough of them.
PASSAGES_TOKENS = 7_500
ENOUGH_PAGES = 8
# Per extra part of the pages: a question about each company, and a correction.
QUESTIONS_OF_A_PART = 3


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most questions and tokens of a run.

    Copy for personas leaves room for the deal's question; corrections, and further pages of a company, leave room for
    all that come later.

    `more` and `more_questions` are for what is shown beyond the usual, and part of the limits.
    """

    questions: int = MAX_QUESTIONS
    tokens: int = MAX_TOKENS
    more: Size = NOTHING
    more_questions: int = 0

    @property
    def share(self) -> float:
        """Of what a run is usually allowed."""
        return min(1.0, self.tokens / (MAX_TOKENS + self.more.both))

    @property
    def verification(self) -> Size:
        """What the question at the end of the run may take."""
        return Size(*(int(self.share * tokens) for tokens in VERIFICATION))

    def usual(self, max_pages: int) -> tuple[int, Size]:
        """The number of questions of a run with `max_pages` pages of each company, and their tokens."""
        share = min(1.0, max_pages / ENOUGH_PAGES)
        read, written = (sum(sizes) for sizes in zip(*FIRST.values(), USUAL_CORRECTIONS, self.more, strict=True))
        size = (read - int(2 * PASSAGES_TOKENS * (1 - share)), int(written * (1 + share) / 2))
        return USUAL_QUESTIONS + self.more_questions, Size(*(int(self.share * tokens) for tokens in size))

    def refusal(
        self, question: Question, asked: Sequence[QuestionRecord], refused: Collection[str] = frozenset()
    ) -> str:
        """Why the question cannot be asked after those, and what would help; '' if it can be.

        `refused` are the prompts of questions that were refused: none that comes after them gets their room.
        """
        others = tuple(_others(question, asked, refused))
        count = sum(not other.reused for other in asked)
        spent = sum(map(_spent, asked)) + question.tokens + expected(question)
        reserved = self._reserved(question, asked) + sum(size.both for size in others)
        what = f"kept for {'other questions and ' if others else ''}corrections"
        if question.tokens > QUESTION_TOKENS:
            return (
                f"the question has {question.tokens} tokens, and a client gets at most {QUESTION_TOKENS} at once: "
                "lower OCTAVE_SHOWN_CHARACTERS or max_pages"
            )
        if count + len(others) >= self.questions:
            kept = f" and keeps {len(others)} for others" if others else ""
            told = f"the run may ask {self.questions} questions: it has asked {count}{kept}"
            return f"{told}; {_raised('OCTAVE_MAX_RUN_ASKS', self.questions, self._most_questions)}"
        if spent + reserved > self.tokens:
            told = f"this question and its answer would bring the run to {spent} tokens, {reserved} more are {what}"
            limit = _raised("OCTAVE_MAX_RUN_TOKENS", self.tokens, MAX_TOKENS + self.more.both)
            return f"{told}, and the limit is {self.tokens}; {limit}"
        return ""

    @property
    def _most_questions(self) -> int:
        return MAX_QUESTIONS + QUESTIONS_OF_A_PART * self.more_questions // len(READING)

    def _reserved(self, question: Question, asked: Sequence[QuestionRecord]) -> int:
        """Tokens kept for verification and, unless the question is itself a correction, for corrections."""
        if question.prompt == SELF_CHECK:
            return 0
        share, kept = self.share, self.verification.both
        if question.corrects:
            return kept
        used = sum(_spent(other) for other in asked if other.corrects)
        left = max(0, int(share * CORRECTION_TOKENS) - used)
        if question.prompt == LAST or _is_further(question, asked):
            left = min(left, int(share * LAST_CORRECTIONS_TOKENS))
        return kept + left


def ask_characters(shown_characters: int) -> int:
    """How much of a company's pages is in one question."""
    return SHOWN_CHARACTERS if shown_characters <= SHOWN_CHARACTERS else ASK_CHARACTERS


def allowance(shown_characters: int, questions: int | None, tokens: int | None) -> Allowance:
    """The limits of a run that shows so much of each company, unless the user set others."""
    parts = ceil(shown_characters / ask_characters(shown_characters)) - 1
    shown = 2 * (shown_characters - SHOWN_CHARACTERS) // 4
    asked = sum(FIRST[prompt].read - PASSAGES_TOKENS for prompt in READING)
    answered = sum(FIRST[prompt].written for prompt in READING)
    more = Size(max(0, shown) + parts * asked, parts * answered)
    return Allowance(
        questions or MAX_QUESTIONS + QUESTIONS_OF_A_PART * parts,
        tokens or MAX_TOKENS + more.both,
        more,
        len(READING) * parts,
    )


# Tokens of the replacement of an entry; a draft that was left out takes what its question does for one persona.
FIXING = 150
# The parts of what is written for a persona.
DRAFTS = frozenset({"sequence", "talk_track"})


def expected(question: Question) -> int:
    """The tokens of an answer to it: for a patch by the number of its replacements."""
    if question.prompt == SELF_CHECK:
        return VERIFICATION.written
    fields = question.answer_schema.get("properties", {})
    if "fix_1" in fields:
        return FIXING * len(fields) + ANSWERING_A_PERSONA * _drafts(question)
    if question.prompt == LAST:
        return len(fields) * ANSWERING_A_PERSONA
    return FIRST[question.prompt].written if question.prompt in FIRST else 0


def _drafts(question: Question) -> int:
    """For how many personas the whole copy is asked for again."""
    if question.prompt != LAST:
        return 0
    defined = question.answer_schema.get("$defs", {})
    persona = (name for name, form in defined.items() if form.get("properties", {}).keys() >= DRAFTS)
    wanted = {f"#/$defs/{name}" for name in persona}
    fixes = question.answer_schema["properties"].values()
    return sum(any(part.get("$ref") in wanted for part in fix.get("anyOf", ())) for fix in fixes)


def _others(question: Question, asked: Sequence[QuestionRecord], refused: Collection[str]) -> Iterator[Size]:
    """The questions that must still fit: earlier ones that were refused and, before copy for personas, the deal's.

    For a correction, and for further pages of a company, also those that come later.
    """
    known, every = {other.prompt for other in asked}, list(FIRST)
    if question.prompt not in FIRST:  # it is the last of a run, or all that a revision asks
        return iter(())
    at = every.index(question.prompt)
    is_extra = question.corrects or _is_further(question, asked)
    needed = {*refused, DEAL} if question.prompt == LAST else {*refused}
    earlier = [prompt for prompt in every[:at] if prompt in needed]
    later = every[at + 1 :] if is_extra else []
    return (FIRST[prompt] for prompt in (*earlier, *later) if prompt not in known)


def _is_further(question: Question, asked: Sequence[QuestionRecord]) -> bool:
    """Whether it is about further pages of a company."""
    return question.prompt in READING and any(other.prompt == question.prompt for other in asked)


def _spent(question: QuestionRecord) -> int:
    if question.reused:
        return 0
    written = expected(question) if question.answer is None else estimated_tokens(question.answer)
    return question.tokens + written


def _raised(setting: str, limit: int, most: int) -> str:
    """What to do about a limit; `most` is what a complete run may take."""
    enough = f" (a complete run takes up to {most})" if limit < most else ""
    return f"raise {setting}{enough}, or lower max_pages"
