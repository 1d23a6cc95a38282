"""A model behind a provider's API: the cache, concurrency, error handling and usage that all providers share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, NamedTuple

import httpx2

from octave_mcp.asks import answer_cache
from octave_mcp.asks.decoding import decoded
from octave_mcp.asks.rendering import Rendered, estimated_tokens, rendered
from octave_mcp.asks.schema import schema_name, schema_of
from octave_mcp.asks.shortlist import Shortlists
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Judgement, Tier, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.estimate import Estimate
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
from octave_mcp.models.estimates import estimate_of, expected, expected_verification
from octave_mcp.models.failures import Failure, failure_from_answer, failure_from_exception, scrubbed, translated
from octave_mcp.models.limiter import Turn, limiter
from octave_mcp.models.parameters import Refused, Request
from octave_mcp.models.prices import load_prices, priced
from octave_mcp.models.slowness import Slowness
from octave_mcp.models.wire import THOUGHT_TOKENS, Reply, Sent, Tokens, Wire
from octave_mcp.ports import RunContext

# Gateways send these statuses if the server behind them did not answer in time.
_TIMEOUT_STATUSES = frozenset({408, 504, 524})
# If a server without a queue gets too many calls, it may answer 503 or refuse the connection (status 0).
_BUSY_STATUSES = frozenset({0, 503})
# If status 200 brings neither an answer nor a known error, the failure can be permanent. Try at most this many times.
MAX_UNEXPLAINED_TRIES = 3
# After this many unexplained failures without a single answer, the server counts as broken, and calls are not retried.
MAX_UNEXPLAINED_FAILURES = 6


class Remote:
    """A provider with one model for each tier. A thread imports and opens the SDK while the run fetches pages.

    `other_address` is the server's address, or '' if the server is at the provider's default address. Cached answers
    from one address are never used for another address. `is_own` is true for a server that the user runs. Such a server
    may be limited to one call at a time across all of its models.
    """

    languages: frozenset[str] | None = None
    capacity = Capacity(divides_questions=True)

    def __init__(
        self,
        name: str,
        models: Mapping[Tier, str],
        open_wire: Callable[[], Wire],
        *,
        client: Client,
        other_address: str = "",
        is_own: bool = False,
        max_calls: int,
        call_seconds: float,
        specialists: int = len(READ_KINDS),
        context: RunContext | None = None,
    ) -> None:
        self.name = name
        self.identity = " ".join(filter(None, (name, *models.values(), other_address)))
        self._server_identity = f"{name} {other_address}".strip()
        self._context, self._specialists = context, specialists
        self._models, self._open_wire, self._max_calls = models, open_wire, max_calls
        self._client, self._key = client, client.key
        self._is_own, self._call_seconds = is_own, call_seconds
        self._slowness = Slowness(name, call_seconds, is_own=is_own, report=context.slow if context else None)
        self._unverified, self._shortlists = dict[str, _Unverified](), Shortlists()
        self._wire: asyncio.Task[Wire] | None = None
        self._has_answered, self._unexplained_failures = False, 0

    def estimate(self, max_pages: int) -> Estimate:
        used = expected(max_pages, self.capacity.pack_pages, self._specialists)
        return estimate_of(used, self.name, self._models, choice(MODELS, self.name, "model").tested)

    def estimate_verification(self, max_pages: int) -> Estimate:
        return estimate_of(expected_verification(max_pages), self.name, self._models)

    def check(self) -> None:
        self._client.check()

    def prepare(self) -> None:
        with suppress(SetupError):  # `answer` raises it
            self._client.check()
            self._open_once()

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        sent = await computed(self._sent, ask)
        key = _digest(sent, self._server_identity, ask.language)
        if cached := await self._cached(key):
            decoded_answer = await computed(decoded, cached, ask.answer)
            return Answer[A](**decoded_answer._asdict(), usage=Usage(), reused=True)
        reply, usage = await self._ask_in_turn(sent, ask)
        if reply.refusal:
            raise ModelRefuses(f"{sent.model} declines to answer: {reply.refusal[:200]}", usage=usage)
        answer = await computed(_answer, reply, ask.answer, usage, key)
        self._unverified[key] = _Unverified(reply.text, ask.corrects)
        return answer

    async def _cached(self, key: str) -> str | None:
        """Return the answer to an equal call if it was cached within the last day, or else None."""
        if self._context is None or self._context.fresh:
            return None
        return await answer_cache.get(self._context.key_values, key)

    async def verify(self) -> str:
        """Ask the fast model for one word, and return the model's name.

        An answer proves that the key and the name are valid and that the account has credit.

        Raises:
            UpstreamError: If the model does not answer.
        """
        text = Rendered(system="Answer with the JSON object asked for.", prefix="Say yes.", suffix="", output_tokens=0)
        schema = schema_of(_Word)
        sent = Sent(self._models["fast"], text, schema_name(_Word), schema, output_tokens=THOUGHT_TOKENS)
        # The task is shielded, because a cancelled caller must not cancel it for the other callers.
        wire = await asyncio.shield(self._open_once())
        try:
            async with asyncio.timeout(self._call_seconds):
                await self._call_until_accepted(wire, sent)
        except TimeoutError:
            raise TimedOut(self._timeout_text) from None
        return sent.model

    async def _call_until_accepted(self, wire: Wire, sent: Sent) -> None:
        while True:
            try:
                await self._call(wire, sent)
            except Refused:
                continue
            return

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Do nothing: this model does not have to know about asks in advance."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:  # noqa: ARG002 - part of the Model port
        return False

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Cache an answer that passed the checks, together with the answer that it corrects.

        Equal calls reuse the answers for a day. An answer with faults is useful only with its correction: then an equal
        run needs neither of the two calls.
        """
        if verdict.wrong:
            if verdict.dropped is not None:  # no correction follows
                self._unverified.pop(key, None)
            return
        if passed := self._unverified.pop(key, None):
            await self._cache(key, passed)
            if corrected := self._unverified.pop(passed.corrects, None):
                await self._cache(passed.corrects, corrected)

    async def _cache(self, key: str, answer: _Unverified) -> None:
        if self._context:
            await answer_cache.put(self._context.key_values, key, answer.text, self._context.run_id)

    async def close(self) -> None:
        if self._wire:
            with suppress(SetupError):  # opening the SDK failed, so there is nothing to close
                await (await self._wire).close()

    def _sent(self, ask: Ask[Any, Any]) -> Sent:
        text = rendered(ask, shortlists=self._shortlists)
        # A full correction gets twice as many output tokens, because the first answer may have been cut off.
        answer_tokens = text.output_tokens * (2 if ask.complaint and not ask.patched else 1)
        return Sent(
            model=self._models[ask.tier],
            text=text,
            schema_name=schema_name(ask.answer),
            schema=schema_of(ask.answer),
            output_tokens=answer_tokens + THOUGHT_TOKENS,
            whole=schema_of(ask.patched) if ask.patched else None,
        )

    async def _ask_in_turn(self, sent: Sent, ask: Ask[Any, Any]) -> tuple[Reply, Usage]:
        server = (self.name, self._server_identity if self._is_own else sent.model)
        server_limiter = limiter(server, self._max_calls, careful=self._is_own)
        wire = await asyncio.shield(self._open_once())
        async with server_limiter.turn(self._call_seconds, self._report_wait) as turn:
            if self._slowness.is_unresponsive:  # check now, because other asks may have timed out during the wait
                raise self._unresponsive()
            if self._context:
                self._context.check(ask)  # check again, because other asks may have spent the budget during the wait
            reply = await self._in_turn(turn, wire, sent)
            # Count the usage now, because the run may end before the caller gets the reply.
            return reply, self._usage_of(reply, sent)

    async def _in_turn(self, turn: Turn, wire: Wire, sent: Sent) -> Reply:
        """Return the model's reply. Report the reply or the failure to the limiter."""
        try:
            async with turn.timeout():
                reply = await self._call(wire, sent)
        except TimeoutError:
            turn.timed_out()
            self._slowness.timed_out()
            raise (self._unresponsive() if self._slowness.is_unresponsive else TimedOut(self._timeout_text)) from None
        except RateLimited as refused:
            turn.refused(refused.retry_after_seconds)
            raise
        except Transient as failed:
            if failed.upstream_status in _TIMEOUT_STATUSES:
                turn.timed_out()
            elif failed.upstream_status in _BUSY_STATUSES and turn.has_others:
                turn.busy()
                raise Busy(str(failed), retry_after_seconds=failed.retry_after_seconds) from None
            raise
        turn.answered()
        self._slowness.answered(turn.seconds)
        return reply

    def _report_wait(self, since: float, until: float) -> None:
        if self._context:
            self._context.clock.waited(since, until)
        self._slowness.waited(since, until)

    @property
    def _timeout_text(self) -> str:
        return f"{self.name} did not answer within {self._call_seconds:g} s (OCTAVE_CALL_TIMEOUT_SECONDS)"

    def _unresponsive(self) -> Unresponsive:
        return Unresponsive(
            f"{self._timeout_text}, and no other call of this run was answered: check that the server is running and "
            "has loaded its model; if it only needs more time, raise OCTAVE_CALL_TIMEOUT_SECONDS"
        )

    def _usage_of(self, reply: Reply, sent: Sent) -> Usage:
        """Return the usage, and charge its price to the budget. An estimated price is charged but not returned."""
        usage = priced(reply.tokens or _estimated(reply, sent), self.name, sent.model)
        if self._context:
            self._context.spend(usage)
        return usage if reply.tokens else usage.model_copy(update={"usd": None})

    async def _call(self, wire: Wire, sent: Sent) -> Reply:
        request = wire.refusals.adapted(sent.model, wire.request(sent))
        try:
            answer = await wire.call(request)
        except json.JSONDecodeError as failed:
            words = scrubbed(str(failed), self._key)
            raise self._unexplained(f"{self.name} answered with a body that is not JSON: {words}") from None
        except (*wire.errors, httpx2.HTTPError, ValueError) as failed:
            if isinstance(failed.__cause__, SetupError):  # the SDK wraps the error about a refused redirect
                raise failed.__cause__ from None
            raise self._failed(failure_from_exception(failed, self.name, self._key), wire, sent, request) from None
        if error := error_in(answer):
            raise self._failed(failure_from_answer(error, self.name, self._key), wire, sent, request)
        try:
            reply = _without_surrogates(wire.read(answer))
        except (AttributeError, LookupError, TypeError):
            text = f"{self.name} answered 200 with a body that is not a valid answer"
            raise self._unexplained(text) from None
        self._has_answered = True
        return reply

    def _failed(self, failure: Failure, wire: Wire, sent: Sent, request: Request) -> UpstreamError:
        text = f"{failure.answered}: {failure.words}"
        is_explained = failure.is_explained
        error = translated(failure, self.name, sent.model, self._key) if is_explained else self._unexplained(text)
        if isinstance(error, BadKey | NoQuota | RateLimited):
            return error  # other parameters cannot fix a bad key, an empty account or a rate limit
        remedy = wire.refusals.learn(sent.model, request, failure.error)
        return Refused(f"{text}; {remedy.words}") if remedy else error

    def _unexplained(self, text: str) -> UpstreamError:
        """Count the failure. Return an error that is retried a few times, or never if the server seems broken."""
        self._unexplained_failures += 1
        is_hopeless = not self._has_answered and self._unexplained_failures > MAX_UNEXPLAINED_FAILURES
        error = Transient(text)
        error.max_tries = 1 if is_hopeless else MAX_UNEXPLAINED_TRIES
        return error

    def _open_once(self) -> asyncio.Task[Wire]:
        if self._wire is None:
            self._wire = asyncio.create_task(asyncio.to_thread(self._open))
        return self._wire

    def _open(self) -> Wire:
        load_prices()
        return self._open_wire()


class _Unverified(NamedTuple):
    """The text of an answer that the checks have not accepted yet, and the key of the answer that it corrects."""

    text: str
    corrects: str


class _Word(Value):
    word: str


def _without_surrogates(reply: Reply) -> Reply:
    """Remove lone surrogates, which JSON can contain as escapes but UTF-8 cannot encode."""
    text, refusal = (part.encode(errors="ignore").decode() for part in (reply.text, reply.refusal))
    return reply._replace(text=text, refusal=refusal)


def _estimated(reply: Reply, sent: Sent) -> Tokens:
    read = "".join((*sent.text[:3], json.dumps(sent.schema)))
    return Tokens(input=estimated_tokens(read), output=estimated_tokens(reply.text))


def _digest(sent: Sent, server_identity: str, language: str) -> str:
    """Return a call's cache key: a digest of everything that affects the answer. Random delimiters are left out."""
    identity = json.dumps([server_identity, sent.model, language, sent.text.without_marks, sent.schema])
    return f"{answer_cache.ANSWER}{sha256(identity.encode()).hexdigest()}"


def _answer(reply: Reply, answer_type: type[A], usage: Usage, key: str) -> Answer[A]:
    try:
        decoded_answer = decoded(reply.text, answer_type, cut_off=reply.cut_off, has_thoughts=reply.has_thoughts)
    except BadAnswer as bad:
        bad.usage = usage
        raise
    return Answer[A](**decoded_answer._asdict(), usage=usage, key=key)
