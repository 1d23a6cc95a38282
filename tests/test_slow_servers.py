"""Tests that runs waste no time if a model server is slow or a provider asks clients to wait."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import matrix
import pytest
from clocks import stop_the_clock
from doubles import A_KEY, Double, Fault, Request, Sent, error, set_up
from scripted import ScriptedSource, Stage, invented_sites
from slow_servers import SlowServer, never, serving, steady

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.verification import Verification
from octave_mcp.models.limiter import Limiter
from octave_mcp.models.own_servers import is_own_server

BUSY = Sent(503, {"error": {"code": 503, "message": "no slot available", "type": "unavailable_error"}})
FULL = Sent(503, {"error": {"message": "server busy, please try again.  maximum pending requests exceeded"}})
DROPS = Sent(drops=True)

Serving = Callable[[], SlowServer]
SLOW: dict[str, Serving] = {
    "one call at a time": lambda: SlowServer(steady(50)),
    "one call at a time, and it notices who hangs up": lambda: SlowServer(steady(50), notices=True),
    "one call at a time, the newest first": lambda: SlowServer(steady(50), newest_first=True),
    "one call at a time, just within the limit": lambda: SlowServer(steady(110)),
    "one call at a time, each of another length": lambda: SlowServer(lambda n: (30, 110, 60, 45, 90)[n % 5]),
    "two slots": lambda: SlowServer(steady(50), slots=2),
    "all calls at once, each as much slower": lambda: SlowServer(steady(50), slots=99, shares=True),
    "busy while one call is under way": lambda: SlowServer(steady(50), beyond=BUSY),
    "full while two calls are under way": lambda: SlowServer(steady(50), slots=2, beyond=FULL),
    "drops what it does not take": lambda: SlowServer(steady(50), beyond=DROPS),
    "slower with each call": lambda: SlowServer(lambda n: 2 + 5 * n),
}
SHORT = {"busy while one call is under way"}
# The server never answers the call with this index.
HANGING_CALL = 9


@dataclass(frozen=True)
class Result:
    """The result of a run, its duration on the simulated clock, and the messages of its events."""

    record: RunRecord
    playbook: Playbook | None
    seconds: float
    messages: list[str]


async def run_with(server: SlowServer, home: Path, monkeypatch: pytest.MonkeyPatch, model: str = "compat") -> Result:
    """Execute a run in which this server acts as all three providers."""
    set_up(monkeypatch, server)
    stage = Stage(home, source=ScriptedSource(invented_sites()))
    await stage.opened()
    clock = stop_the_clock()
    started = clock()
    record, playbook = await clock.run_until_done(asyncio.create_task(stage.run(model=model)))
    return Result(record, playbook, clock() - started, [event.message for event in stage.events])


# Slow servers


@pytest.mark.parametrize(
    ("kind", "provider"),
    matrix.sampled(
        itertools.product(SLOW, ("compat", "openai", "anthropic")),
        short=lambda case: case[0] in SHORT and case[1] == "compat",
    ),
)
async def test_a_run_with_a_slow_server_completes_with_the_default_settings_and_reports_it(
    kind: str, provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(SLOW[kind]()) as server:
        run = await run_with(server, tmp_path, monkeypatch, provider)

    assert run.playbook, run.record.error
    assert run.record.status == "completed", run.playbook.gaps
    assert max(server.abandoned.values(), default=0) <= 1
    assert any("answers slowly" in message for message in run.messages)
    flag = next(flag for flag in run.playbook.flags if flag.code == "slow_model")
    assert "let the server answer several calls at once" in flag.reason


@pytest.mark.long
async def test_a_run_of_40_sequential_calls_of_40_seconds_fits_the_default_timeouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All durations are divided by 10: a call of 40 s takes 4 s, and the default timeouts (120, 600 and 1800 s) become
    # 12, 60 and 180 s. The 40 calls take 160 s in total. The run must therefore waste less than 20 s.
    for name, seconds in (("CALL", "12"), ("STEP", "60"), ("RUN", "180")):
        monkeypatch.setenv(f"OCTAVE_{name}_TIMEOUT_SECONDS", seconds)
    monkeypatch.setenv("OCTAVE_SPECIALISTS_PER_ASK", "1")
    async with serving(SlowServer(steady(4))) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert run.record.status == "completed"
    assert (len(server.asked), sum(server.abandoned.values())) == (40, 0)
    assert run.seconds == pytest.approx(160, abs=5)


@pytest.mark.long
async def test_a_call_that_times_out_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(SlowServer(lambda n: math.inf if n == HANGING_CALL else 1, slots=99)) as server:
        run = await run_with(server, tmp_path, monkeypatch, "openai")

    assert run.record.status == "completed"
    assert [*server.abandoned.values()] == [1]
    assert sorted(Counter(str(request.body) for request in server.asked).values())[-2:] == [1, 2]


@pytest.mark.long
async def test_time_spent_waiting_for_a_turn_does_not_count_towards_the_run_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_SPECIALISTS_PER_ASK", "1")
    async with serving(SlowServer(steady(110))) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert run.record.status == "completed"
    assert run.seconds == pytest.approx(40 * 110, abs=5)


@pytest.mark.long
async def test_the_error_of_a_run_that_times_out_names_the_slow_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_RUN_TIMEOUT_SECONDS", "140")
    async with serving(SlowServer(steady(90))) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert run.record.error
    assert run.record.error.code == "deadline_exceeded"
    assert "compat answered slowly: an answer took 90 s on average" in run.record.error.message


async def test_a_server_that_never_answers_fails_the_run_after_two_call_timeouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(SlowServer(never)) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert run.record.error
    assert (run.record.status, run.record.error.code) == ("failed", "upstream_unavailable")
    assert "OCTAVE_CALL_TIMEOUT_SECONDS" in run.record.error.message
    assert run.seconds == pytest.approx(240, abs=10)
    assert max(server.abandoned.values()) <= 2


@pytest.mark.long
async def test_a_fallback_replaces_a_server_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_FALLBACK", "extractive")
    async with serving(SlowServer(never)) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert run.record.status == "completed"
    assert run.seconds == pytest.approx(240, abs=10)
    assert len(server.asked) == 3


@pytest.mark.long
async def test_the_call_timeout_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_CALL_TIMEOUT_SECONDS", "300")
    async with serving(SlowServer(steady(130))) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert (run.record.status, sum(server.abandoned.values())) == ("completed", 0)


@pytest.mark.long
async def test_a_fast_server_of_the_users_own_gets_many_concurrent_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(SlowServer(steady(2), slots=99)) as server:
        run = await run_with(server, tmp_path, monkeypatch)

    assert run.record.status == "completed"
    assert run.seconds <= 15
    assert server.most_at_once >= 8
    assert "slow_model" not in codes_of_flags(run.playbook)


def codes_of_flags(playbook: Playbook | None) -> set[str]:
    return {flag.code for flag in playbook.flags} if playbook else set()


# Concurrency limit


async def test_calls_that_time_out_together_lower_the_limit_only_once() -> None:
    clock, limit = stop_the_clock(), Limiter(max_calls=64)
    turns = [limit.turn(120) for _ in range(8)]
    for turn in turns:
        await turn.__aenter__()
    clock.advance(120)
    for turn in turns:
        turn.timed_out()
    assert limit.limit == 2


async def test_one_hanging_call_among_answered_ones_lowers_the_limit_by_30_percent() -> None:
    clock, limit = stop_the_clock(), Limiter(max_calls=64)
    async with limit.turn(120) as hanging:
        clock.advance(1)
        async with limit.turn(120) as other:
            clock.advance(1)
            other.answered()
        before = limit.limit
        clock.advance(119)
        hanging.timed_out()
    assert limit.limit == pytest.approx(before * 0.7)


async def test_the_timeout_of_a_call_restarts_with_each_answer_to_an_earlier_call() -> None:
    clock, limiter, timed_out = stop_the_clock(), Limiter(max_calls=64), asyncio.Event()

    async def call() -> None:
        async with limiter.turn(120) as turn:
            try:
                async with turn.timeout():
                    await asyncio.get_running_loop().create_future()
            except TimeoutError:
                timed_out.set()

    async with limiter.turn(120) as first:
        waiting = asyncio.create_task(call())
        await asyncio.sleep(0)
        clock.advance(100)
        first.answered()
    clock.advance(100)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not timed_out.is_set()
    clock.advance(20)
    await waiting
    assert timed_out.is_set()


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1:1234/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://192.168.1.20:1234/v1", True),
        ("http://ollama:11434/v1", True),
        ("http://studio.local:1234/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://openrouter.ai/api/v1", False),
        ("https://8.8.8.8/v1", False),
    ],
)
def test_servers_on_this_machine_or_in_its_network_are_the_users_own(url: str, is_own: bool) -> None:
    assert is_own_server(url) == is_own


async def test_the_run_clock_excludes_overlapping_waits_once_and_only_up_to_its_maximum() -> None:
    clock, run = stop_the_clock(), RunClock(max_seconds=100)
    started, now = run.now(), clock()
    clock.advance(60)
    run.waited(now, now + 40)
    run.waited(now + 10, now + 60)
    assert run.now() == pytest.approx(started)
    clock.advance(60)
    run.waited(now + 60, now + 120)
    assert run.now() == pytest.approx(started + 20)


# Requested waits


def later(hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def limit_reached(text: str = "Rate limit reached", **headers: str) -> Sent:
    hyphenated = {name.replace("_", "-"): value for name, value in headers.items()}
    return error(429, "rate_limit_exceeded", text, hyphenated)(Request("", {}, {}), "")


def always(sent: Sent) -> Fault:
    def answer(_request: Request, _text: str) -> Sent:
        return sent

    return answer


def error_message(sent: Sent) -> str:
    return cast("dict[str, Any]", sent.body)["error"]["message"]


LONG: dict[str, Callable[[], Sent]] = {
    "in words": lambda: limit_reached("Rate limit reached on tokens per day. Please try again in 7h12m0s."),
    "in long words": lambda: limit_reached("Please retry your request after 7 hours and 12 minutes."),
    "retry-after": lambda: limit_reached(retry_after="25920"),
    "retry-after, without measure": lambda: limit_reached(retry_after="1e300"),
    "retry-after, a date": lambda: limit_reached(retry_after=format_datetime(later(8), usegmt=True)),
    "retry-after-ms": lambda: limit_reached(retry_after_ms="25920000"),
    "a limit that is used up": lambda: limit_reached(
        x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="7h12m0s"
    ),
    "a time since 1970": lambda: limit_reached(x_ratelimit_reset=str(int((time.time() + 25_920) * 1000))),
    "a date of ISO 8601": lambda: limit_reached(
        anthropic_ratelimit_tokens_remaining="0", anthropic_ratelimit_tokens_reset=later(8).isoformat()
    ),
    "503": lambda: Sent(503, {"error": {"message": "down for maintenance"}}, {"retry-after": "25920"}),
}


@pytest.fixture
def stage(tmp_path: Path, double: Double) -> Stage:  # noqa: ARG001 - it answers the calls
    return Stage(tmp_path, source=ScriptedSource(invented_sites()))


@pytest.mark.long
@pytest.mark.parametrize(
    ("how", "provider"),
    matrix.sampled(
        itertools.product(LONG, ("openai", "anthropic", "compat")),
        short=lambda case: case in {("in words", "openai"), ("retry-after", "anthropic")},
    ),
)
async def test_a_run_fails_at_once_with_the_providers_message_if_the_wait_exceeds_its_timeout(
    how: str, provider: str, stage: Stage, double: Double
) -> None:
    sent = LONG[how]()
    double.fails(always(sent), times=None)

    record, playbook = await stage.run(model=provider)

    assert playbook is None
    assert record.error
    assert (record.status, record.error.code) == ("failed", "rate_limited")
    assert error_message(sent) in record.error.message
    assert "start a new run later" in record.error.message
    assert len(double.asked) <= 2
    assert A_KEY not in record.model_dump_json()


@pytest.mark.long
async def test_a_fallback_replaces_a_provider_at_once_if_the_wait_is_too_long(
    stage: Stage, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_FALLBACK", "extractive")
    sent = LONG["in words"]()
    double.fails(always(sent), times=None)
    fallen_back = Stage(stage.settings.home, source=ScriptedSource(invented_sites()))

    record, playbook = await fallen_back.run(model="openai")

    assert playbook, record.error
    assert record.status == "completed"
    assert len([request for request in double.asked if request.form is not Verification]) <= 2
    assert "7h12m0s" in next(flag.reason for flag in playbook.flags if flag.code == "stood_in")


@dataclass
class Refusing(SlowServer):
    """A slow server whose response to the first call is `with_response`."""

    with_response: Sent = field(default_factory=limit_reached)

    async def sent(self, request: Request) -> Sent:
        if not self.asked:
            self.asked.append(request)
            return self.with_response
        return await super().sent(request)


@pytest.mark.long
@pytest.mark.parametrize("seconds", matrix.sampled([20, 90, 300], short=lambda seconds: seconds == 300))
async def test_a_run_waits_as_long_as_the_provider_asks_if_it_has_the_time(
    seconds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = limit_reached(f"Please try again in {seconds}s.")
    async with serving(Refusing(steady(1), slots=99, with_response=refusal)) as server:
        run = await run_with(server, tmp_path, monkeypatch, "openai")

    assert run.record.status == "completed"
    assert seconds <= run.seconds <= seconds + 40
    assert max(Counter(str(request.body) for request in server.asked).values()) <= 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 9m38.016s. Need more tokens?", 578.016),
        ("Please retry after 26 seconds.", 26),
        ("try again in 20ms", 0.02),
        ("try again in 20 milliseconds", 0.02),
        ("{'retryDelay': '34s'}", 34),
        ('{"retry_after": 30}', 30),
        ("try again in about 2 hours and 5 minutes", 7500),
        ("try again in 2 days", 172_800),
        ("Please wait 25920 seconds before retrying", 25_920),
        ("Limit reached, resets in 4h", 14_400),
        ("Please try again in an hour.", 3600),
        ("You can make your next request in 2 hours 5 minutes", 7500),
        ("model is loading, 'estimated_time': 20.0", 20),
        ("it waited 30 s, and the model has 4 h of audio available", None),
        ("Please try again later.", None),
        ("This model has 8 heads and 30 s of audio", None),
    ],
)
def test_a_wait_is_parsed_from_the_text_of_an_error(text: str, seconds: float | None) -> None:
    assert retry_after_seconds({}, text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("template", ["retry-after: {seconds}", "regain access on {iso} UTC", "try again at {http}"])
def test_a_wait_may_be_given_as_a_point_in_time(template: str) -> None:
    at = datetime.now(UTC) + timedelta(hours=3)
    text = template.format(
        seconds=int(at.timestamp()), iso=f"{at:%Y-%m-%d at %H:%M}", http=format_datetime(at, usegmt=True)
    )
    header, _, value = text.partition(": ")

    assert retry_after_seconds({}, text) == pytest.approx(3 * 3600, abs=90)
    assert retry_after_seconds({header: value}) == (pytest.approx(3 * 3600, abs=90) if value else None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "60, 120"}, 60),
        ({"x-rate-limit-reset": "3600"}, 3600),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "7h12m0s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6ms"}, 0.006),
        ({"retry-after": "2", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7h"}, 2),
    ],
)
def test_a_wait_is_parsed_from_headers_and_an_unused_limit_is_ignored(
    headers: dict[str, Any], seconds: float | None
) -> None:
    assert retry_after_seconds(headers) == seconds
