"""Limits on the questions that a run may ask a connected client and on their tokens, with a reserve for corrections."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from octave_mcp.asks.rendering import estimated_tokens
from octave_mcp.domain.prospect import MAX_PERSONAS
from octave_mcp.domain.questions import Question, QuestionRecord

MAX_QUESTIONS = 14
# The limit covers input and output: a complete run reads at most 52,000 tokens and writes at most 28,000.
MAX_TOKENS = 80_000
# These limits apply to a run that shows up to this many characters of a company's pages; a run that shows more has
# higher limits.
SHOWN_CHARACTERS = 30_000
# Characters per question in a run that shows more. The lists in an answer are limited in length, so more text needs
# more questions.
ASK_CHARACTERS = 20_000
QUESTION_TOKENS = 20_000
CORRECTION_TOKENS = 5_500
# Reserve for corrections during the last questions; earlier answers have been corrected by then.
LAST_CORRECTIONS_TOKENS = 4_000


class Size(NamedTuple):
    """Tokens of a question and of its answer."""

    read: int
    written: int

    @property
    def both(self) -> int:
        return self.read + self.written


NOTHING = Size(0, 0)
# One question at the end of a run, on whether the quotations support about 90 claims.
VERIFICATION = Size(5_500, 1_000)
SELF_CHECK = "checks/self_check"
DEAL, LAST = "playbook/summary", "playbook/email_sequence"
ANSWERING_A_PERSONA = 3_000
# Sizes by prompt, in the order in which the questions are asked, measured in runs on sites of ordinary companies. The
# question about URLs is asked once per company, so USUAL_QUESTIONS is one higher than the number of prompts.
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
READING_PROMPTS = ("vendor/offerings", "prospect/company_profile")
# Tokens of the passages in a question about a company with at least PAGES_FOR_USUAL_SIZE pages.
PASSAGES_TOKENS = 7_500
PAGES_FOR_USUAL_SIZE = 8
# For each extra part of the pages, a run may ask a question about each company, and a correction.
QUESTIONS_PER_EXTRA_PART = 3


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of one run.

    The question for persona copy reserves room for the question about the deal. Corrections, and questions about
    further pages of a company, reserve room for every question that comes later.

    `extra` and `extra_questions` are the parts of the limits for text shown beyond SHOWN_CHARACTERS.
    """

    questions: int = MAX_QUESTIONS
    tokens: int = MAX_TOKENS
    extra: Size = NOTHING
    extra_questions: int = 0

    @property
    def share(self) -> float:
        """Share of the usual limit that this run has, at most 1."""
        return min(1.0, self.tokens / (MAX_TOKENS + self.extra.both))

    @property
    def verification(self) -> Size:
        """Size of the verification question at the end of the run."""
        return Size(*(int(self.share * tokens) for tokens in VERIFICATION))

    def usual(self, max_pages: int) -> tuple[int, Size]:
        """Return the expected number and size of the questions in a run with `max_pages` pages of each company."""
        share = min(1.0, max_pages / PAGES_FOR_USUAL_SIZE)
        read, written = (sum(sizes) for sizes in zip(*FIRST.values(), USUAL_CORRECTIONS, self.extra, strict=True))
        size = (read - int(2 * PASSAGES_TOKENS * (1 - share)), int(written * (1 + share) / 2))
        return USUAL_QUESTIONS + self.extra_questions, Size(*(int(self.share * tokens) for tokens in size))

    def refusal(
        self, question: Question, asked: Sequence[QuestionRecord], refused: Collection[str] = frozenset()
    ) -> str:
        """Return why the run may not ask the question, and what to do about it; '' if the question may be asked.

        `refused` are the prompts of questions that were refused. Room for these questions stays reserved.
        """
        reserved_sizes = tuple(_reserved_sizes(question, asked, refused))
        count = sum(not other.reused for other in asked)
        spent = sum(map(_spent, asked)) + question.tokens + expected(question)
        reserved = self._reserved_tokens(question, asked) + sum(size.both for size in reserved_sizes)
        purpose = f"{'other questions and ' if reserved_sizes else ''}corrections"
        if question.tokens > QUESTION_TOKENS:
            return (
                f"the question has {question.tokens} tokens, but a client gets at most {QUESTION_TOKENS} per question: "
                "lower OCTAVE_SHOWN_CHARACTERS or max_pages"
            )
        if count + len(reserved_sizes) >= self.questions:
            reserve = f" and must keep room for {len(reserved_sizes)} more" if reserved_sizes else ""
            problem = f"the run may ask {self.questions} questions: it has asked {count}{reserve}"
            return f"{problem}; {_remedy('OCTAVE_MAX_RUN_ASKS', self.questions, self._complete_questions)}"
        if spent + reserved > self.tokens:
            total = f"this question and its answer would bring the run to {spent} tokens"
            remedy = _remedy("OCTAVE_MAX_RUN_TOKENS", self.tokens, MAX_TOKENS + self.extra.both)
            return f"{total}; with {reserved} reserved for {purpose}, that exceeds the limit of {self.tokens}: {remedy}"
        return ""

    @property
    def _complete_questions(self) -> int:
        return MAX_QUESTIONS + QUESTIONS_PER_EXTRA_PART * self.extra_questions // len(READING_PROMPTS)

    def _reserved_tokens(self, question: Question, asked: Sequence[QuestionRecord]) -> int:
        """Return the tokens reserved for verification and, unless the question is a correction, for corrections."""
        if question.prompt == SELF_CHECK:
            return 0
        share, verification = self.share, self.verification.both
        if question.corrects:
            return verification
        used = sum(_spent(other) for other in asked if other.corrects)
        left = max(0, int(share * CORRECTION_TOKENS) - used)
        if question.prompt == LAST or _is_further(question, asked):
            left = min(left, int(share * LAST_CORRECTIONS_TOKENS))
        return verification + left


def ask_characters(shown_characters: int) -> int:
    """Return how many characters of a company's pages one question contains."""
    return SHOWN_CHARACTERS if shown_characters <= SHOWN_CHARACTERS else ASK_CHARACTERS


def allowance(shown_characters: int, questions: int | None, tokens: int | None) -> Allowance:
    """Return the limits of a run that shows this many characters per company; the user's own limits take precedence."""
    extra_parts = ceil(shown_characters / ask_characters(shown_characters)) - 1
    # A run reads two companies, and a token has about four characters.
    extra_passages = 2 * (shown_characters - SHOWN_CHARACTERS) // 4
    instructions = sum(FIRST[prompt].read - PASSAGES_TOKENS for prompt in READING_PROMPTS)
    answers = sum(FIRST[prompt].written for prompt in READING_PROMPTS)
    extra = Size(max(0, extra_passages) + extra_parts * instructions, extra_parts * answers)
    return Allowance(
        questions or MAX_QUESTIONS + QUESTIONS_PER_EXTRA_PART * extra_parts,
        tokens or MAX_TOKENS + extra.both,
        extra,
        len(READING_PROMPTS) * extra_parts,
    )


# Tokens for one replaced entry of a patch. A draft that is missing as a whole counts as the full answer for one
# persona.
REPLACEMENT_TOKENS = 150
# The fields of a persona's draft, by which its schema is recognized.
DRAFTS = frozenset({"sequence", "talk_track"})


def expected(question: Question) -> int:
    """Return the expected tokens of the answer, which for a patch depend on the number of replacements."""
    if question.prompt == SELF_CHECK:
        return VERIFICATION.written
    fields = question.answer_schema.get("properties", {})
    if "fix_1" in fields:
        return REPLACEMENT_TOKENS * len(fields) + ANSWERING_A_PERSONA * _drafts(question)
    if question.prompt == LAST:
        return len(fields) * ANSWERING_A_PERSONA
    return FIRST[question.prompt].written if question.prompt in FIRST else 0


def _drafts(question: Question) -> int:
    """Return for how many personas a patch asks for the complete copy again."""
    if question.prompt != LAST:
        return 0
    definitions = question.answer_schema.get("$defs", {})
    persona_names = (name for name, schema in definitions.items() if schema.get("properties", {}).keys() >= DRAFTS)
    wanted = {f"#/$defs/{name}" for name in persona_names}
    replacements = question.answer_schema["properties"].values()
    return sum(any(part.get("$ref") in wanted for part in fix.get("anyOf", ())) for fix in replacements)


def _reserved_sizes(question: Question, asked: Sequence[QuestionRecord], refused: Collection[str]) -> Iterator[Size]:
    """Return the sizes of questions that must still fit after this one.

    The sizes are those of earlier questions that were refused and, for persona copy, of the question about the deal.
    For a correction, or for further pages of a company, the sizes of all later questions are included.
    """
    asked_prompts, prompts = {other.prompt for other in asked}, list(FIRST)
    if question.prompt not in FIRST:  # after verification or a revision, a run asks nothing else
        return iter(())
    rank = prompts.index(question.prompt)
    is_extra = question.corrects or _is_further(question, asked)
    needed = {*refused, DEAL} if question.prompt == LAST else {*refused}
    earlier = [prompt for prompt in prompts[:rank] if prompt in needed]
    later = prompts[rank + 1 :] if is_extra else []
    return (FIRST[prompt] for prompt in (*earlier, *later) if prompt not in asked_prompts)


def _is_further(question: Question, asked: Sequence[QuestionRecord]) -> bool:
    """Whether the question is about further pages of a company, beyond those of its first question."""
    return question.prompt in READING_PROMPTS and any(other.prompt == question.prompt for other in asked)


def _spent(question: QuestionRecord) -> int:
    if question.reused:
        return 0
    written = expected(question) if question.answer is None else estimated_tokens(question.answer)
    return question.tokens + written


def _remedy(setting: str, limit: int, complete: int) -> str:
    """Return advice about a limit that was reached; `complete` is the maximum that a complete run needs."""
    figure = f" (a complete run takes up to {complete})" if limit < complete else ""
    return f"raise {setting}{figure}, or lower max_pages"
