"""Limits the number and the size of the questions to a connected client, and keeps a reserve for corrections."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from octave_mcp.asks.rendering import estimated_tokens
from octave_mcp.domain.prospect import MAX_PERSONAS
from octave_mcp.domain.questions import Question, QuestionRecord

MAX_QUESTIONS = 14
# The limit is for input and output together. A complete run reads about 52,000 tokens and writes about 28,000.
MAX_TOKENS = 80_000
# The limits above are the defaults for a run that shows the connected client at most this many characters of each
# company's pages. If a run shows more characters, its default limits are higher.
SHOWN_CHARACTERS = 30_000
# Maximum number of characters of one company's pages per question, if a run shows more than SHOWN_CHARACTERS. One
# answer can list only a limited number of findings, so a longer text is divided among several questions.
ASK_CHARACTERS = 20_000
QUESTION_TOKENS = 20_000
CORRECTION_TOKENS = 5_500
# Maximum reserve for corrections when a run asks for the sales copy (LAST) or asks again about a company's pages.
# Before LAST, less is needed, because the run has already corrected the earlier answers.
LAST_CORRECTIONS_TOKENS = 4_000


class Size(NamedTuple):
    """The size of a question and of its answer, in tokens."""

    read: int
    written: int

    @property
    def both(self) -> int:
        return self.read + self.written


NOTHING = Size(0, 0)
# Size of the last question of a run, which asks whether the quotations support about 90 claims.
VERIFICATION = Size(5_500, 1_000)
SELF_CHECK = "checks/self_check"
DEAL, LAST = "playbook/summary", "playbook/email_sequence"
ANSWERING_A_PERSONA = 3_000
# Sizes by prompt, in the order of the questions, as measured in runs about ordinary companies. The question about URLs
# is asked for each of the two companies, so USUAL_QUESTIONS is one higher than the number of prompts.
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
# Tokens for the passages in one question about a company's pages, if a run reads at least PAGES_FOR_USUAL_SIZE pages.
PASSAGES_TOKENS = 7_500
PAGES_FOR_USUAL_SIZE = 8
# If a run shows each company's pages in several parts, each part after the first allows three more questions: one about
# the vendor, one about the prospect, and one correction.
QUESTIONS_PER_EXTRA_PART = 3


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of one run.

    When a run asks for the sales copy for personas, part of each limit stays reserved for the question about the deal.
    A correction must leave enough of each limit for all later questions. The same applies to the second and each
    further question about a company's pages.

    If a run shows more than SHOWN_CHARACTERS characters, it can ask additional questions. `extra_questions` is the
    number of these questions, and `extra` is their total size.
    """

    questions: int = MAX_QUESTIONS
    tokens: int = MAX_TOKENS
    extra: Size = NOTHING
    extra_questions: int = 0

    @property
    def share(self) -> float:
        """This run's token limit divided by the usual token limit, but at most 1."""
        return min(1.0, self.tokens / (MAX_TOKENS + self.extra.both))

    @property
    def verification(self) -> Size:
        """Size of the verification question at the end of the run."""
        return Size(*(int(self.share * tokens) for tokens in VERIFICATION))

    def usual(self, max_pages: int) -> tuple[int, Size]:
        """Return the expected number of questions and their total size if a run reads `max_pages` pages per company."""
        share = min(1.0, max_pages / PAGES_FOR_USUAL_SIZE)
        read, written = (sum(sizes) for sizes in zip(*FIRST.values(), USUAL_CORRECTIONS, self.extra, strict=True))
        size = (read - int(2 * PASSAGES_TOKENS * (1 - share)), int(written * (1 + share) / 2))
        return USUAL_QUESTIONS + self.extra_questions, Size(*(int(self.share * tokens) for tokens in size))

    def refusal(
        self, question: Question, asked: Sequence[QuestionRecord], refused: Collection[str] = frozenset()
    ) -> str:
        """Return why the question exceeds the limits and what the user can do, or '' if the question is allowed.

        `refused` contains the prompts of earlier questions that were refused. Tokens stay reserved for these questions.
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
            reserve = f" and must still ask {len(reserved_sizes)} more" if reserved_sizes else ""
            problem = f"the run is limited to {self.questions} questions: it has asked {count}{reserve}"
            return f"{problem}; {_remedy('OCTAVE_MAX_RUN_ASKS', self.questions, self._complete_questions)}"
        if spent + reserved > self.tokens:
            total = f"this question and its answer would bring the run to {spent} tokens"
            remedy = _remedy("OCTAVE_MAX_RUN_TOKENS", self.tokens, MAX_TOKENS + self.extra.both)
            return f"{total}, and {reserved} more are reserved for {purpose}, but the limit is {self.tokens}: {remedy}"
        return ""

    @property
    def _complete_questions(self) -> int:
        return MAX_QUESTIONS + QUESTIONS_PER_EXTRA_PART * self.extra_questions // len(READING_PROMPTS)

    def _reserved_tokens(self, question: Question, asked: Sequence[QuestionRecord]) -> int:
        """Return how many tokens to reserve for verification and for corrections.

        If the question is a correction, reserve only the tokens for verification.
        """
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
    """Return the maximum number of characters of a company's pages in one question."""
    return SHOWN_CHARACTERS if shown_characters <= SHOWN_CHARACTERS else ASK_CHARACTERS


def allowance(shown_characters: int, questions: int | None, tokens: int | None) -> Allowance:
    """Return the limits for a run that shows the client `shown_characters` of each company's pages.

    If the user set a limit, that limit takes precedence.
    """
    extra_parts = ceil(shown_characters / ask_characters(shown_characters)) - 1
    # A run reads the pages of two companies, and a token has about four characters.
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


# Tokens for one replacement in a patch. If a whole draft is replaced, the full answer for one persona is added.
REPLACEMENT_TOKENS = 150
# Fields that occur only in the schema of a persona's draft.
DRAFTS = frozenset({"sequence", "talk_track"})


def expected(question: Question) -> int:
    """Return the expected number of tokens in the answer.

    If the answer is a patch, the number of tokens depends on how many replacements the patch has.
    """
    if question.prompt == SELF_CHECK:
        return VERIFICATION.written
    fields = question.answer_schema.get("properties", {})
    if "fix_1" in fields:
        return REPLACEMENT_TOKENS * len(fields) + ANSWERING_A_PERSONA * _drafts(question)
    if question.prompt == LAST:
        return len(fields) * ANSWERING_A_PERSONA
    return FIRST[question.prompt].written if question.prompt in FIRST else 0


def _drafts(question: Question) -> int:
    """Count the personas whose whole sales copy the patch replaces."""
    if question.prompt != LAST:
        return 0
    definitions = question.answer_schema.get("$defs", {})
    persona_names = (name for name, schema in definitions.items() if schema.get("properties", {}).keys() >= DRAFTS)
    wanted = {f"#/$defs/{name}" for name in persona_names}
    replacements = question.answer_schema["properties"].values()
    return sum(any(part.get("$ref") in wanted for part in fix.get("anyOf", ())) for fix in replacements)


def _reserved_sizes(question: Question, asked: Sequence[QuestionRecord], refused: Collection[str]) -> Iterator[Size]:
    """Return the sizes of the questions that the run must still be able to ask after `question`.

    Include earlier questions that were refused. If `question` asks for the sales copy for personas, also include the
    question about the deal. If `question` is a correction or a further question about a company's pages, also include
    all later questions.
    """
    asked_prompts, prompts = {other.prompt for other in asked}, list(FIRST)
    if question.prompt not in FIRST:  # no other question follows a verification or a revision
        return iter(())
    rank = prompts.index(question.prompt)
    is_extra = question.corrects or _is_further(question, asked)
    needed = {*refused, DEAL} if question.prompt == LAST else {*refused}
    earlier = [prompt for prompt in prompts[:rank] if prompt in needed]
    later = prompts[rank + 1 :] if is_extra else []
    return (FIRST[prompt] for prompt in (*earlier, *later) if prompt not in asked_prompts)


def _is_further(question: Question, asked: Sequence[QuestionRecord]) -> bool:
    """Whether an earlier question was already about pages of the same company."""
    return question.prompt in READING_PROMPTS and any(other.prompt == question.prompt for other in asked)


def _spent(question: QuestionRecord) -> int:
    if question.reused:
        return 0
    written = expected(question) if question.answer is None else estimated_tokens(question.answer)
    return question.tokens + written


def _remedy(setting: str, limit: int, complete: int) -> str:
    """Return advice for a run that reached a limit. `complete` is a limit that is high enough for a complete run."""
    figure = f" (a complete run takes up to {complete})" if limit < complete else ""
    return f"raise {setting}{figure}, or lower max_pages"
