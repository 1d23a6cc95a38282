"""The model of the connected client: each ask is a question that it fetches, and answers when it likes.

What it reads counts as its conversation's tokens, so there is little of it: what rules can find they find, passages are
chosen by what the extractive model finds in them, and drafts are asked for together.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from octave_mcp.asks.decoding import decoded
from octave_mcp.asks.rendering import Rendered, estimated_tokens, rendered
from octave_mcp.asks.schema import Schema, schema_of
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, ReadingBrief, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.questions import Question, QuestionRecord
from octave_mcp.domain.value import walk
from octave_mcp.errors import BadAnswer, BudgetExceeded, SetupError
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.ports import Inbox, Model, RunContext
from octave_mcp.settings import Settings

CHOICE = choice(MODELS, "host", "model")
MOST_QUESTIONS = 12
MOST_TOKENS = 60_000
QUESTION_TOKENS = 20_000
READING_CHARACTERS = 17_000
"""Of the passages of a company that are shown."""
READING_SHARE = 0.43
"""Of the tokens: pages are asked about again only where that leaves enough for the writing."""
BY_RULES = frozenset({"research/homepage"})
"""What the home page's head says is read by rules."""


def make(settings: Settings, context: RunContext | None = None) -> Model:
    return Host(context, settings.max_run_asks or MOST_QUESTIONS, settings.max_run_tokens or MOST_TOKENS)


class Host:
    """`most_questions` and `most_tokens` are those of a run, questions that had to be asked again among them."""

    name = identity = "host"
    languages: frozenset[str] | None = None
    capacity = Capacity(
        max_pages=CHOICE.max_pages,
        pack_pages=200,
        ask_characters=10_000_000,
        writes_together=True,
        is_patient=True,
        is_paid=False,
    )

    def __init__(self, context: RunContext | None, most_questions: int, most_tokens: int) -> None:
        self._context, self._most_questions, self._most_tokens = context, most_questions, most_tokens
        self._rules = Extractive()
        self._putting = asyncio.Lock()

    def estimate(self, max_pages: int) -> Estimate:
        """By what runs on sites of ordinary companies took; what the client's model costs is not known here."""
        tokens = 33_000 + min(max_pages, self.capacity.max_pages) * 1_500
        read = min(tokens, self._most_tokens)
        return Estimate(asks=9, input_tokens=read, output_tokens=14_000, usd=None, tested=CHOICE.tested)

    def check(self) -> None:
        """Do nothing: it needs no setup."""

    def prepare(self) -> None:
        """Is ready."""

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        if ask.prompt in BY_RULES:
            return await self._rules.answer(ask)
        if self._context is None:
            raise SetupError("the host model answers within a run")
        question = await computed(_question, ask, await self._passages(ask))
        async with self._putting:
            share = READING_SHARE if ask.complaint and isinstance(ask.brief, ReadingBrief) else 1.0
            kept = await self._put(self._context.inbox, question, int(self._most_tokens * share))
        text = await self._context.inbox.answer(kept)
        usage = Usage(input_tokens=question.tokens, output_tokens=estimated_tokens(text), usd=None)
        return await computed(_answer, text, ask, question.question_id, usage)

    async def record_verdict(self, key: str, wrong: str) -> None:
        if self._context:
            await self._context.inbox.record_verdict(key, wrong)

    async def close(self) -> None:
        """Holds nothing open."""

    async def _passages(self, ask: Ask[Any, Any]) -> frozenset[int] | None:
        """The numbers of the passages to show a reader: those from which the rules take something, then the others."""
        if not isinstance(ask.brief, ReadingBrief):
            return None
        found = await self._rules.answer(ask)
        cited = [value.passage for value in walk(found.value) if isinstance(value, Cite)]
        return _fitting(ask, list(dict.fromkeys((*cited, *range(1, len(ask.passages) + 1)))))

    async def _put(self, inbox: Inbox, question: Question, most: int) -> QuestionRecord:
        """Raises: BudgetExceeded: it would be one too many, or too long."""
        asked = {other.question_id: other.tokens for other in await inbox.questions()}
        tokens = sum(asked.values()) + question.tokens
        is_one_too_many = len(asked) >= self._most_questions or tokens > most or question.tokens > QUESTION_TOKENS
        if question.question_id not in asked and is_one_too_many:
            raise BudgetExceeded(
                f"question {len(asked) + 1} of {question.tokens} tokens would make it {tokens}; the connected client "
                f"is asked at most {self._most_questions} of {most} tokens up to here, {QUESTION_TOKENS} each; "
                "raise OCTAVE_MAX_RUN_ASKS and OCTAVE_MAX_RUN_TOKENS, or lower max_pages"
            )
        return await inbox.put(question)


def _fitting(ask: Ask[Any, Any], numbers: list[int]) -> frozenset[int]:
    """As many of them, in this order, as a question has room for."""
    chosen, left = set[int](), READING_CHARACTERS
    for number in numbers:
        size = len(ask.passages[number - 1].text) if number <= len(ask.passages) else left + 1
        if size <= left:
            chosen.add(number)
            left -= size
    return frozenset(chosen)


def _question(ask: Ask[Any, Any], shown: frozenset[int] | None) -> Question:
    text, schema = rendered(ask, shown), schema_of(ask.answer)
    return Question(
        question_id=_id(text, schema, ask),
        prompt=ask.prompt,
        version=ask.version,
        beside=ask.beside,
        instructions=text.system,
        material=text.prefix,
        answer_schema=schema,
        complaint=text.suffix,
        tokens=estimated_tokens("".join((text.system, text.prefix, text.suffix, str(schema)))),
        asked_at=datetime.now(UTC),
    )


def _id(text: Rendered, schema: Schema, ask: Ask[Any, Any]) -> str:
    """The same for whoever is asked the same, in whatever process the run is carried on, or begun anew."""
    said = f"{ask.language}{schema}{text.without_marks}"
    return f"q_{blake2b(said.encode(), digest_size=8).hexdigest()}"


def _answer(text: str, ask: Ask[A, Any], question_id: str, usage: Usage) -> Answer[A]:
    try:
        value, wrong, fault = decoded(text, ask.answer)
    except BadAnswer as bad:
        bad.usage, bad.key = usage, question_id
        raise
    return Answer[A](value=value, usage=usage, wrong=wrong, fault=fault, key=question_id)
