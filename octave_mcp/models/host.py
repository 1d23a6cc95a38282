"""The connected client as a model. Each ask becomes a question that the client fetches and answers in its own time.

Everything that the client reads takes up tokens in its conversation. Therefore fixed rules answer some asks instead of
the client, and questions show only the most relevant passages. One question asks for the drafts for all personas.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from octave_mcp.asks import answer_cache
from octave_mcp.asks.compact_schema import compact_schema_of
from octave_mcp.asks.decoding import decoded
from octave_mcp.asks.rendering import Rendered, estimated_tokens, referring, rendered
from octave_mcp.asks.schema import Schema
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Judgement, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.errors import BadAnswer, BudgetExceeded, SetupError
from octave_mcp.models.allowance import Allowance, allowance, ask_characters
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.ports import Inbox, Model, RunContext
from octave_mcp.settings import Settings

CHOICE = choice(MODELS, "host", "model")
# The maximum number of characters of selected findings and their passages in a question: about the prospect's needs,
# about the deal, and about the sales copy for personas.
WRITING_CHARACTERS = {
    "prospect/pain_points": 15_000,
    "playbook/summary": 15_500,
    "playbook/email_sequence": 15_500,
}
# Fixed rules answer these asks instead of the client. The rules usually find the name and summary in the home page's
# metadata, so a client's answer would hardly be better.
BY_RULES = frozenset({"research/homepage"})

FORM = "Every field of the form is required: null or an empty list where there is nothing."


def make(settings: Settings, context: RunContext | None = None) -> Model:
    shown = settings.shown_characters
    return Host(context, allowance(shown, settings.max_run_asks, settings.max_run_tokens), shown)


class Host:
    """Asks the client each question once, and reuses answers from this run and from other runs of the last day."""

    name = "host"
    languages: frozenset[str] | None = None

    def __init__(self, context: RunContext | None, limits: Allowance, shown_characters: int) -> None:
        self._context, self._allowance = context, limits
        self._rules = Extractive()
        self.identity = f"host {shown_characters}"
        self.capacity = Capacity(
            max_pages=CHOICE.max_pages,
            pack_pages=200,
            ask_characters=ask_characters(shown_characters),
            shown_characters=shown_characters,
            writes_together=True,
            is_answered_by_client=True,
            is_paid=False,
            verification_tokens=limits.verification.read,
            by_rules=BY_RULES,
        )
        self._asking = asyncio.Lock()
        self._refused_prompts = set[str]()
        self._questions: dict[tuple[Ask[Any, Any], bool], QuestionRecord] = {}

    def estimate(self, max_pages: int) -> Estimate:
        """Estimate the usage. The figures were measured in runs about ordinary companies.

        There is no price, because the client's model is unknown.
        """
        asks, size = self._allowance.usual(max_pages)
        return Estimate(asks=asks, input_tokens=size.read, output_tokens=size.written, usd=None, tested=CHOICE.tested)

    def estimate_verification(self, max_pages: int) -> Estimate:  # noqa: ARG002 - one question, whatever was read
        size = self._allowance.verification
        return Estimate(asks=1, input_tokens=size.read, output_tokens=size.written, usd=None)

    def check(self) -> None:
        """Do nothing: the client brings its own model, so there is nothing to set up."""

    def prepare(self) -> None:
        """Do nothing: there is nothing to open."""

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Put the question in the inbox now.

        If the budget does not allow the question, `answer` raises the error later.
        """
        with suppress(BudgetExceeded):
            await self._put_once(ask)

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        question = await self._question(ask)
        return await self._reused(question.question_id) is not None

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        if ask.prompt in self.capacity.by_rules:
            return await self._rules.answer(ask)
        question = await self._put_once(ask)
        text = await self._inbox.answer(question)
        used = Usage(input_tokens=question.tokens, output_tokens=estimated_tokens(text), usd=None)
        return await computed(_answer, text, ask, question.question_id, None if question.reused else used)

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Cache a usable answer for a day.

        If the answer is a correction, cache it only together with the answer that it corrects.
        """
        await self._inbox.record_verdict(key, wrong=verdict.wrong, dropped=verdict.dropped)
        asked = {question.question_id: question for question in await self._inbox.questions()}
        if question := asked.get(key):
            if verdict.dropped == "" or (question.corrects and (verdict.only_entries or not verdict.wrong)):
                await self._cache_answers(question, asked.get(question.corrects))
            elif verdict.is_usable and not question.corrects and await self._reused(key) is None:
                await self._cache_answers(question)

    async def close(self) -> None:
        """Do nothing: no connection is open."""

    @property
    def _inbox(self) -> Inbox:
        if self._context is None:
            raise SetupError("the host model can answer only within a run")
        return self._context.inbox

    async def _put_once(self, ask: Ask[Any, Any]) -> QuestionRecord:
        """Return the question's record, and put the question in the inbox unless it is already there or answered.

        Raises:
            BudgetExceeded: If the question is too long, or the run has no questions or tokens left for it.
        """
        inbox = self._inbox
        # Without the lock, two steps that ask at the same time could both pass the budget check and together exceed the
        # budget.
        async with self._asking:
            asked = await inbox.questions()
            is_known = any(question.question_id == ask.corrects and not question.reused for question in asked)
            question = await self._question(ask, is_known=is_known)
            if known := next((other for other in asked if other.question_id == question.question_id), None):
                return known
            answer = await self._reused(question.question_id)
            if answer is not None:
                question = question.model_copy(update={"answer": answer, "reused": True})
            elif refusal := self._allowance.refusal(question, asked, self._refused_prompts):
                self._refused_prompts.add(question.prompt)
                raise BudgetExceeded(refusal)
            record = await inbox.put(question)
        if ask.corrects:
            await inbox.record_verdict(ask.corrects, dropped="")
        return record

    async def _question(self, ask: Ask[Any, Any], *, is_known: bool = False) -> QuestionRecord:
        """Render the question only once, even if several callers need it."""
        key = (ask, is_known)
        if key not in self._questions:
            self._questions[key] = await computed(_question, ask, is_known=is_known)
        return self._questions[key]

    async def _reused(self, question_id: str) -> str | None:
        """Return the answer that another run cached within the last day, or None."""
        context = self._context
        if context is None or context.fresh:
            return None
        return await answer_cache.get(context.key_values, _cache_key(question_id))

    async def _cache_answers(self, *questions: QuestionRecord | None) -> None:
        for question in questions:
            if self._context and question and question.answer is not None and not question.reused:
                key = _cache_key(question.question_id)
                await answer_cache.put(self._context.key_values, key, question.answer, self._context.run_id)


def _question(ask: Ask[Any, Any], *, is_known: bool) -> QuestionRecord:
    """Render an ask.

    `is_known` is true if the ask corrects a question that the client received earlier in this run. The correction then
    does not repeat the question's material.
    """
    whole, schema = rendered(ask, WRITING_CHARACTERS.get(ask.prompt)), compact_schema_of(ask.answer)
    text = referring(ask) if is_known else whole
    parts = (f"{text.system} {FORM}", text.prefix, text.suffix)
    return QuestionRecord(
        question_id=_id(whole, schema, ask),
        prompt=ask.prompt,
        version=ask.version,
        beside=ask.beside,
        instructions=parts[0],
        material=parts[1],
        answer_schema=schema,
        complaint=parts[2],
        corrects=ask.corrects,
        tokens=estimated_tokens("".join((*parts, json.dumps(schema, separators=(",", ":"))))),
        asked_at=datetime.now(UTC),
    )


def _id(text: Rendered, schema: Schema, ask: Ask[Any, Any]) -> str:
    """Return an ID that depends only on the question, so that equal questions have the same ID in all runs."""
    identity = f"{ask.language}{schema}{text.without_marks}"
    return f"q_{blake2b(identity.encode(), digest_size=8).hexdigest()}"


def _cache_key(question_id: str) -> str:
    return f"{answer_cache.ANSWER}{CHOICE.name} {question_id}"


def _answer(text: str, ask: Ask[A, Any], question_id: str, usage: Usage | None) -> Answer[A]:
    """Decode the answer. `usage` is None if the answer comes from the cache."""
    used = usage or Usage()
    try:
        decoded_answer = decoded(text, ask.answer)
    except BadAnswer as bad:
        bad.usage, bad.key = used, question_id
        raise
    return Answer[A](**decoded_answer._asdict(), usage=used, key=question_id, reused=usage is None)
