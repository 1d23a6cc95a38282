"""The model of the connected client: each ask is a question that it fetches, and answers when it likes.

What it reads counts as its conversation's tokens, so there is little of it: what rules can find they find, the passages
that tell most are shown, and drafts are asked for together.
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
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.errors import BadAnswer, BudgetExceeded, SetupError
from octave_mcp.models.allowance import Allowance, allowance, ask_characters
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.ports import Inbox, Model, RunContext
from octave_mcp.settings import Settings

CHOICE = choice(MODELS, "host", "model")
# Of findings and passages that a writer is shown, by its prompt.
WRITING_CHARACTERS = {
    "prospect/pain_points": 15_000,
    "playbook/summary": 15_500,
    "playbook/email_sequence": 15_500,
}
# What the home page's head says is read by rules.
BY_RULES = frozenset({"research/homepage"})

FORM = "Every field of the form is required: null or an empty list where there is nothing."


def make(settings: Settings, context: RunContext | None = None) -> Model:
    shown = settings.shown_characters
    return Host(context, allowance(shown, settings.max_run_asks, settings.max_run_tokens), shown)


class Host:
    """A question that was asked before, in this run or within a day in another, is not asked again."""

    name = "host"
    languages: frozenset[str] | None = None

    def __init__(self, context: RunContext | None, most: Allowance, shown_characters: int) -> None:
        self._context, self._most = context, most
        self._rules = Extractive()
        self.identity = f"host {shown_characters}"
        self.capacity = Capacity(
            max_pages=CHOICE.max_pages,
            pack_pages=200,
            ask_characters=ask_characters(shown_characters),
            shown_characters=shown_characters,
            writes_together=True,
            is_patient=True,
            is_paid=False,
            verification_tokens=most.verification.read,
            by_rules=BY_RULES,
        )
        self._asking = asyncio.Lock()
        self._refused = set[str]()
        self._questions: dict[tuple[Ask[Any, Any], bool], QuestionRecord] = {}

    def estimate(self, max_pages: int) -> Estimate:
        """By what runs on sites of ordinary companies took; what the client's model costs is not known here."""
        asks, size = self._most.usual(max_pages)
        return Estimate(asks=asks, input_tokens=size.read, output_tokens=size.written, usd=None, tested=CHOICE.tested)

    def estimate_verification(self, max_pages: int) -> Estimate:  # noqa: ARG002 - one question, whatever was read
        size = self._most.verification
        return Estimate(asks=1, input_tokens=size.read, output_tokens=size.written, usd=None)

    def check(self) -> None:
        """Do nothing: it needs no setup."""

    def prepare(self) -> None:
        """Is ready."""

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Asks it now; a refusal is for `answer` to raise."""
        with suppress(BudgetExceeded):
            await self._asked(ask)

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        question = await self._question(ask)
        return await self._reused(question.question_id) is not None

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        if ask.prompt in self.capacity.by_rules:
            return await self._rules.answer(ask)
        asked = await self._asked(ask)
        text = await self._inbox.answer(asked)
        used = Usage(input_tokens=asked.tokens, output_tokens=estimated_tokens(text), usd=None)
        return await computed(_answer, text, ask, asked.question_id, None if asked.reused else used)

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Keeps a usable answer for a day; a correction only with what it corrects, and if both are complete."""
        await self._inbox.record_verdict(key, wrong=verdict.wrong, dropped=verdict.dropped)
        found = {question.question_id: question for question in await self._inbox.questions()}
        if question := found.get(key):
            if verdict.dropped == "" or (question.corrects and (verdict.only_entries or not verdict.wrong)):
                await self._keep(question, found.get(question.corrects))
            elif verdict.is_usable and not question.corrects and await self._reused(key) is None:
                await self._keep(question)

    async def close(self) -> None:
        """Holds nothing open."""

    @property
    def _inbox(self) -> Inbox:
        if self._context is None:
            raise SetupError("the host model answers within a run")
        return self._context.inbox

    async def _asked(self, ask: Ask[Any, Any]) -> QuestionRecord:
        """The question: asked now, asked before, or already answered in another run.

        Raises:
            BudgetExceeded: it would be one too many, or too long.
        """
        inbox = self._inbox
        async with self._asking:
            asked = await inbox.questions()
            is_known = any(question.question_id == ask.corrects and not question.reused for question in asked)
            question = await self._question(ask, is_known=is_known)
            if known := next((other for other in asked if other.question_id == question.question_id), None):
                return known
            answer = await self._reused(question.question_id)
            if answer is not None:
                question = question.model_copy(update={"answer": answer, "reused": True})
            elif refusal := self._most.refusal(question, asked, self._refused):
                self._refused.add(question.prompt)
                raise BudgetExceeded(refusal)
            record = await inbox.put(question)
        if ask.corrects:
            await inbox.record_verdict(ask.corrects, dropped="")
        return record

    async def _question(self, ask: Ask[Any, Any], *, is_known: bool = False) -> QuestionRecord:
        """Rendered once, although several steps need it."""
        key = (ask, is_known)
        if key not in self._questions:
            self._questions[key] = await computed(_question, ask, is_known=is_known)
        return self._questions[key]

    async def _reused(self, question_id: str) -> str | None:
        """The answer that another run got to it within a day."""
        context = self._context
        if context is None or context.fresh:
            return None
        return await answer_cache.get(context.key_values, _cache_key(question_id))

    async def _keep(self, *questions: QuestionRecord | None) -> None:
        for question in questions:
            if self._context and question and question.answer is not None and not question.reused:
                key = _cache_key(question.question_id)
                await answer_cache.put(self._context.key_values, key, question.answer, self._context.run_id)


def _question(ask: Ask[Any, Any], *, is_known: bool) -> QuestionRecord:
    """`is_known`: the question that this one corrects was asked in this run, so its material need not be sent again."""
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
    """The same whenever the same is asked, in whatever process or run."""
    said = f"{ask.language}{schema}{text.without_marks}"
    return f"q_{blake2b(said.encode(), digest_size=8).hexdigest()}"


def _cache_key(question_id: str) -> str:
    return f"{answer_cache.ANSWER}{CHOICE.name} {question_id}"


def _answer(text: str, ask: Ask[A, Any], question_id: str, usage: Usage | None) -> Answer[A]:
    """`usage` is None for an answer that another run got."""
    used = usage or Usage()
    try:
        found = decoded(text, ask.answer)
    except BadAnswer as bad:
        bad.usage, bad.key = used, question_id
        raise
    return Answer[A](**found._asdict(), usage=used, key=question_id, reused=usage is None)
