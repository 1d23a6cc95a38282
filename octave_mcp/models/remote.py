"""A model behind an API: what all providers have in common."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from math import ceil
from typing import Any

import httpx2

from octave_mcp.asks import answer_cache
from octave_mcp.asks.decoding import decoded
from octave_mcp.asks.rendering import Rendered, estimated_tokens, rendered
from octave_mcp.asks.schema import schema_name, schema_of
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Tier, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.playbook import DealDraft, PersonaDraft
from octave_mcp.domain.prospect import MAX_PERSONAS
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import READ_KINDS
from octave_mcp.errors import (
    BadAnswer,
    BadKey,
    Busy,
    ModelRefuses,
    NoQuota,
    RateLimited,
    SetupError,
    TimedOut,
    Transient,
    Unresponsive,
    UpstreamError,
)
from octave_mcp.models.clients import Client
from octave_mcp.models.error_info import error_in
from octave_mcp.models.failures import Failure, in_answer, ours, raised, scrubbed
from octave_mcp.models.limiter import Turn, limiter
from octave_mcp.models.parameters import Refused, Request
from octave_mcp.models.prices import load_prices, priced
from octave_mcp.models.slowness import Slowness
from octave_mcp.models.wire import THOUGHT_TOKENS, Reply, Sent, Tokens, Wire
from octave_mcp.ports import RunContext

# What gateways answer if the server behind them did not answer in time.
_LATE = frozenset({408, 504, 524})
# What servers that do not queue calls answer if there are too many; 0 is a failed connection.
_BUSY = frozenset({0, 503})
# What the writers are asked for.
DRAFTS = len(DealDraft.model_fields) + MAX_PERSONAS * len(PersonaDraft.model_fields)
# Of a company, for as many findings as are verified.
ENOUGH_PAGES = 10
# Of an ask that fails with status 200 and gives no reason.
TRIES_WITHOUT_REASON = 3
# After this many such failures without a single answer, asks are not retried.
UNEXPLAINED = 6


class Remote:
    """Asks a provider, one model for each tier; its SDK is imported and opened in a thread, while pages are fetched.

    `elsewhere` is the address that is asked, '' for the provider's own: what one server answers is not another's.
    `is_own`: it is the user's own server, which may answer one call at a time for all of its models together.
    """

    languages: frozenset[str] | None = None
    capacity = Capacity()

    def __init__(
        self,
        name: str,
        models: Mapping[Tier, str],
        open_wire: Callable[[], Wire],
        *,
        client: Client,
        elsewhere: str = "",
        is_own: bool = False,
        most: int,
        call_seconds: float,
        specialists: int = len(READ_KINDS),
        context: RunContext | None = None,
    ) -> None:
        self.name = name
        self.identity = " ".join(filter(None, (name, *models.values(), elsewhere)))
        self._whom = f"{name} {elsewhere}".strip()
        self._context, self._specialists = context, specialists
        self._models, self._open_wire, self._most = models, open_wire, most
        self._client, self._key = client, client.key
        self._is_own, self._call_seconds = is_own, call_seconds
        self._slowness = Slowness(name, call_seconds, is_own=is_own, tell=context.slow if context else None)
        self._unjudged: dict[str, str] = {}
        self._wire: asyncio.Task[Wire] | None = None
        self._has_answered, self._unexplained_failures = False, 0

    def estimate(self, max_pages: int) -> Estimate:
        """By what runs on sites of ordinary companies took: prompts, passages and answers, in tokens."""
        packs = ceil(max_pages / self.capacity.pack_pages)
        groups = ceil(len(READ_KINDS) / self._specialists)
        reading = Tokens(input=packs * 6_300 + max_pages * (1_300 + 1_900 * groups) + 7_100, output=packs * 2_700 + 900)
        writing = Tokens(input=6_600 + DRAFTS * 7_400, output=1_000 + DRAFTS * 1_000)
        prices = [
            priced(reading, self.name, self._models["fast"]).usd,
            priced(writing, self.name, self._models["strong"]).usd,
        ]
        return Estimate(
            asks=4 + packs * (1 + groups) + 1 + DRAFTS,  # 1: the understanding
            input_tokens=reading.input + writing.input,
            output_tokens=reading.output + writing.output,
            usd=None if None in prices else round(sum(filter(None, prices)), 4),
            tested=choice(MODELS, self.name, "model").tested,
        )

    def estimate_verification(self, max_pages: int) -> Estimate:
        """Of the findings on both companies, and of each draft: at most what the limit for it allows."""
        share = min(1.0, max_pages / ENOUGH_PAGES)
        used = Tokens(input=int(share * 10_000) + DRAFTS * 1_500, output=int(share * 1_000) + DRAFTS * 150)
        usd = priced(used, self.name, self._models["fast"]).usd
        return Estimate(
            asks=2 + DRAFTS,
            input_tokens=used.input,
            output_tokens=used.output,
            usd=None if usd is None else round(usd, 4),
        )

    def check(self) -> None:
        self._client.check()

    def prepare(self) -> None:
        with suppress(SetupError):  # each answer raises it
            self._client.check()
            self._opening()

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        sent = await computed(self._sent, ask)
        key = _digest(sent, self._whom, ask.language)
        if known := await self._known(key):
            found = await computed(decoded, known, ask.answer)
            return Answer[A](**found._asdict(), usage=Usage(), reused=True)
        reply, usage = await self._replied(sent, ask)
        if reply.refusal:
            raise ModelRefuses(f"{sent.model} declines to answer: {reply.refusal[:200]}", usage=usage)
        self._unjudged[key] = reply.text
        return await computed(_answer, reply, ask.answer, usage, key)

    async def _known(self, key: str) -> str | None:
        """The answer that was given to the same within a day."""
        if self._context is None or self._context.fresh:
            return None
        return await answer_cache.get(self._context.key_values, key)

    async def verify(self) -> str:
        """Asks the fast model for a word, by which its key, its credit and its name are proven; returns that name.

        Raises:
            UpstreamError: it does not answer.
        """
        text = Rendered(system="Answer with the JSON object asked for.", prefix="Say yes.", suffix="", output_tokens=0)
        schema = schema_of(_Word)
        sent = Sent(self._models["fast"], text, schema_name(_Word), schema, output_tokens=THOUGHT_TOKENS)
        wire = await asyncio.shield(self._opening())
        try:
            async with asyncio.timeout(self._call_seconds):
                await self._verified(wire, sent)
        except TimeoutError:
            raise TimedOut(self._late) from None
        return sent.model

    async def _verified(self, wire: Wire, sent: Sent) -> None:
        while True:
            try:
                await self._called(wire, sent)
            except Refused:
                continue
            return

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Need not: it answers in any order."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:  # noqa: ARG002 - the port's
        return False

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Keeps an answer without a fault, for whoever asks the same within a day."""
        text = self._unjudged.pop(key, None)
        if self._context and text and not verdict.wrong:
            await answer_cache.put(self._context.key_values, key, text, self._context.run_id)

    async def close(self) -> None:
        if self._wire:
            with suppress(SetupError):  # the client was never opened
                await (await self._wire).close()

    def _sent(self, ask: Ask[Any, Any]) -> Sent:
        text = rendered(ask)
        room = text.output_tokens * (2 if ask.complaint and not ask.patched else 1)  # it may have been cut off
        return Sent(
            model=self._models[ask.tier],
            text=text,
            schema_name=schema_name(ask.answer),
            schema=schema_of(ask.answer),
            output_tokens=room + THOUGHT_TOKENS,
            whole=schema_of(ask.patched) if ask.patched else None,
        )

    async def _replied(self, sent: Sent, ask: Ask[Any, Any]) -> tuple[Reply, Usage]:
        server = (self.name, self._whom if self._is_own else sent.model)
        limit = limiter(server, self._most, careful=self._is_own)
        wire = await asyncio.shield(self._opening())
        async with limit.turn(self._call_seconds, self._waited) as turn:
            if self._slowness.is_unresponsive:  # other asks may have found out while it waited
                raise self._unresponsive()
            if self._context:
                self._context.check(ask)  # other asks may have used up the budget, too
            reply = await self._in_turn(turn, wire, sent)
            return reply, self._spent(reply, sent)  # at once: a run that ends while it waits here would not count it

    async def _in_turn(self, turn: Turn, wire: Wire, sent: Sent) -> Reply:
        """The reply; the limiter learns of it, and of each failure."""
        try:
            async with turn.timeout():
                reply = await self._called(wire, sent)
        except TimeoutError:
            turn.timed_out()
            self._slowness.timed_out()
            raise (self._unresponsive() if self._slowness.is_unresponsive else TimedOut(self._late)) from None
        except RateLimited as refused:
            turn.refused(refused.retry_after_seconds)
            raise
        except Transient as failed:
            if failed.upstream_status in _LATE:
                turn.timed_out()
            elif failed.upstream_status in _BUSY and turn.has_company:
                turn.busy()
                raise Busy(str(failed), retry_after_seconds=failed.retry_after_seconds) from None
            raise
        turn.answered()
        self._slowness.answered(turn.seconds)
        return reply

    def _waited(self, since: float, until: float) -> None:
        if self._context:
            self._context.clock.waited(since, until)
        self._slowness.waited(since, until)

    @property
    def _late(self) -> str:
        return f"{self.name} did not answer within {self._call_seconds:g} s (OCTAVE_CALL_TIMEOUT_SECONDS)"

    def _unresponsive(self) -> Unresponsive:
        return Unresponsive(
            f"{self._late}, and no other call of this run was answered: check that the server is running and has "
            "loaded its model; if it only needs longer, raise OCTAVE_CALL_TIMEOUT_SECONDS"
        )

    def _spent(self, reply: Reply, sent: Sent) -> Usage:
        """What the reply used. Where that is not told it is estimated, and priced for the run's budget alone."""
        usage = priced(reply.tokens or _estimated(reply, sent), self.name, sent.model)
        if self._context:
            self._context.spend(usage)
        return usage if reply.tokens else usage.model_copy(update={"usd": None})

    async def _called(self, wire: Wire, sent: Sent) -> Reply:
        request = wire.refusals.fitted(sent.model, wire.request(sent))
        try:
            answer = await wire.call(request)
        except json.JSONDecodeError as failed:
            words = scrubbed(str(failed), self._key)
            raise self._unexplained(f"{self.name} answered with something that is not JSON: {words}") from None
        except (*wire.errors, httpx2.HTTPError, ValueError) as failed:
            if isinstance(failed.__cause__, SetupError):  # the SDK takes it for a broken connection
                raise failed.__cause__ from None
            raise self._failed(raised(failed, self.name, self._key), wire, sent, request) from None
        if error := error_in(answer):
            raise self._failed(in_answer(error, self.name, self._key), wire, sent, request)
        try:
            reply = _whole(wire.read(answer))
        except (AttributeError, LookupError, TypeError):
            text = f"{self.name} answered 200 with something that is not an answer of its API"
            raise self._unexplained(text) from None
        self._has_answered = True
        return reply

    def _failed(self, failure: Failure, wire: Wire, sent: Sent, request: Request) -> UpstreamError:
        text = f"{failure.answered}: {failure.words}"
        is_explained = failure.is_explained
        failed = ours(failure, self.name, sent.model, self._key) if is_explained else self._unexplained(text)
        if isinstance(failed, BadKey | NoQuota | RateLimited):
            return failed
        remedy = wire.refusals.learn(sent.model, request, failure.error)
        return Refused(f"{text}; {remedy.words}") if remedy else failed

    def _unexplained(self, text: str) -> UpstreamError:
        """A failure that may or may not pass: worth few tries, and only one if all other calls failed like this."""
        self._unexplained_failures += 1
        is_hopeless = not self._has_answered and self._unexplained_failures > UNEXPLAINED
        failed = Transient(text)
        failed.most_tries = 1 if is_hopeless else TRIES_WITHOUT_REASON
        return failed

    def _opening(self) -> asyncio.Task[Wire]:
        if self._wire is None:
            self._wire = asyncio.create_task(asyncio.to_thread(self._open))
        return self._wire

    def _open(self) -> Wire:
        load_prices()
        return self._open_wire()


class _Word(Value):
    word: str


def _whole(reply: Reply) -> Reply:
    """Without halves of characters, which JSON may have, and nothing else can take."""
    text, refusal = (said.encode(errors="ignore").decode() for said in (reply.text, reply.refusal))
    return reply._replace(text=text, refusal=refusal)


def _estimated(reply: Reply, sent: Sent) -> Tokens:
    read = "".join((*sent.text[:3], json.dumps(sent.schema)))
    return Tokens(input=estimated_tokens(read), output=estimated_tokens(reply.text))


def _digest(sent: Sent, whom: str, language: str) -> str:
    """The key of the note that keeps an answer: of all that it depends on, without the marks around passages."""
    said = json.dumps([whom, sent.model, language, sent.text.without_marks, sent.schema])
    return f"{answer_cache.ANSWER}{sha256(said.encode()).hexdigest()}"


def _answer(reply: Reply, form: type[A], usage: Usage, key: str) -> Answer[A]:
    try:
        found = decoded(reply.text, form, cut_off=reply.cut_off, has_thoughts=reply.has_thoughts)
    except BadAnswer as bad:
        bad.usage = usage
        raise
    return Answer[A](**found._asdict(), usage=usage, key=key)
