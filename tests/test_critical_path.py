"""The critical path of a run: the longest chain of recorded calls that had to wait for each other.

The tests control the clock of the event loop, and with it the durations of all calls.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from clocks import Clock, stop_the_clock
from playbooks import export, sample_playbook
from scripted import Asked, ScriptedModel, ScriptedSource, Stage, answered, asked_for, form, invented_sites

from octave_mcp.domain.asks import RevisionBrief
from octave_mcp.domain.company import Site
from octave_mcp.domain.costs import CallTiming, Timings
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import Playbook, SummaryDraft
from octave_mcp.domain.prospect import ProspectAnswer, Understanding
from octave_mcp.domain.run import RevisionRequest
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.observability.metrics import Metrics

SCRAPE_SECONDS = {"vendor": 1.0, "prospect": 30.0}
ASK_SECONDS: dict[type[Value], float] = {
    VendorAnswer[Cite]: 50.0,
    ProspectAnswer[Cite]: 20.0,
    Understanding[Cite]: 4.0,
    SummaryDraft[Cite]: 10.0,
}
# The prospect's calls take 54 s and the vendor's calls 51 s. The ask for the summary waits for both.
PATH = {
    "prospect/pack-1/scrape": 30.0,
    "prospect/pack-1/ask": 20.0,
    "prospect/understand/ask": 4.0,
    "write_playbook/summary/ask": 10.0,
}
SLOWEST = {"vendor/pack-1/ask": 50.0, "vendor/pack-2/ask": 50.0, "prospect/pack-1/scrape": 30.0}


class Slow:
    """Fakes whose calls take the given number of seconds on the test's clock."""

    def __init__(self) -> None:
        self.model, self.source = ScriptedModel(), ScriptedSource(invented_sites(), hold=self._scraping)
        for kind in ASK_SECONDS:
            self.model.on(form(kind), self._answering)

    def stage(self, home: Path) -> Stage:
        return Stage(home, model=self.model, source=self.source)

    async def _scraping(self, site: Site, _: Sequence[str]) -> None:
        await asyncio.sleep(SCRAPE_SECONDS[site.company.role])

    async def _answering(self, ask: Asked) -> Value:
        await asyncio.sleep(ASK_SECONDS[ask.whole])
        return answered(ask)


@pytest.fixture
async def clock() -> Clock:
    return stop_the_clock()


async def playbook_of(stage: Stage, clock: Clock) -> Playbook:
    return await clock.run_until_done(asyncio.create_task(stage.playbook()))


def seconds_of(calls: Sequence[CallTiming]) -> dict[str, float]:
    """Return the seconds of the calls that took any time on the test's clock."""
    return {call.name: call.seconds for call in calls if call.seconds}


def check(timings: Timings) -> None:
    assert seconds_of(timings.critical_path) == PATH
    assert timings.critical_path_seconds == sum(PATH.values())
    assert [name for name in (call.name for call in timings.critical_path) if name in PATH] == [*PATH]
    assert seconds_of(timings.slowest_calls) == SLOWEST
    assert [call.seconds for call in timings.slowest_calls] == [50, 50, 30]


async def test_parallel_calls_count_once_and_calls_that_wait_for_each_other_add_up(
    tmp_path: Path, clock: Clock
) -> None:
    timings = (await playbook_of(Slow().stage(tmp_path), clock)).timings

    check(timings)
    assert timings.critical_path[0].name.startswith("validate_and_map/")
    assert {call.name: call.company for call in timings.slowest_calls} == {
        name: name.partition("/")[0] for name in SLOWEST
    }


async def test_a_resumed_run_has_the_same_path_as_an_uninterrupted_one(tmp_path: Path, clock: Clock) -> None:
    first, asked = Slow(), asyncio.Event()

    async def never(_: Asked) -> Value:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    first.model.on(form(SummaryDraft[Cite]), never)
    runs = await (interrupted := first.stage(tmp_path)).opened()
    started = await runs.start(asked_for())
    await clock.run_until_done(asyncio.create_task(asked.wait()))
    await clock.run_until_done(asyncio.create_task(interrupted.runs.close()))

    resumed = (second := Slow()).stage(tmp_path)
    await resumed.opened()
    await resumed.engine.start(started.run_id)
    record, playbook = await clock.run_until_done(asyncio.create_task(resumed.end_of(started.run_id)))

    assert playbook, record.error
    assert {ask.whole for ask in second.model.asked} & ASK_SECONDS.keys() == {SummaryDraft[Cite]}
    check(playbook.timings)


async def test_a_revision_waits_for_the_version_that_it_revises(tmp_path: Path, clock: Clock) -> None:
    stage = (slow := Slow()).stage(tmp_path)

    async def revising(ask: Asked) -> Value:
        await asyncio.sleep(5)
        return answered(ask)

    first = await playbook_of(stage, clock)
    slow.model.on(lambda ask: isinstance(ask.brief, RevisionBrief), revising)
    (run,) = await stage.runs.list_runs(None, 1, None)
    wanted = RevisionRequest(
        run_id=run.run_id, section="email_sequences.persona-1.touches[2]", instruction="Shorter", model="scripted"
    )
    revision = await stage.runs.revise(wanted)
    record, _ = await clock.run_until_done(asyncio.create_task(stage.end_of(revision.run_id)))
    assert record.status == "completed", record.error
    second = await stage.runs.finished(run.run_id)

    assert seconds_of(second.timings.critical_path) == PATH | {"revise/part-1/ask": 5.0}
    assert second.timings.critical_path_seconds == sum(PATH.values()) + 5
    assert seconds_of(second.timings.slowest_calls) == SLOWEST
    started = [call.started_seconds for call in second.timings.critical_path]
    assert started[-1] >= first.timings.total_seconds > max(started[:-1])


async def test_the_path_of_a_version_is_unknown_if_a_base_version_has_none() -> None:
    old = Timings.model_validate_json('{"total_seconds": 60.0, "steps": []}')
    call = CallTiming(name="revise/part-1/ask", company=None, seconds=4.0, started_seconds=0.5)
    new = Timings(total_seconds=5.0, steps=(), critical_path_seconds=4.0, critical_path=(call,), slowest_calls=(call,))

    assert new.ratio == 1.25
    assert new.after(old) == Timings(total_seconds=65.0, steps=())
    assert new.after(old).ratio is None


async def test_a_long_path_lists_its_slowest_calls_in_order() -> None:
    def timings(start: int) -> Timings:
        calls = (
            CallTiming(name=f"ask-{at}", company=None, seconds=at, started_seconds=0) for at in range(start, start + 12)
        )
        return Timings(total_seconds=100.0, steps=(), critical_path_seconds=90.0, critical_path=tuple(calls))

    both = timings(1).after(timings(13))

    assert [call.seconds for call in both.critical_path] == [*range(13, 25), *range(5, 13)]
    assert both.critical_path_seconds == 180
    assert both.ratio == pytest.approx(200 / 180)


async def test_metrics_show_the_duration_of_calls_the_slowest_calls_and_the_ratio(tmp_path: Path, clock: Clock) -> None:
    stage, metrics = Slow().stage(tmp_path), Metrics()
    await playbook_of(stage, clock)
    for event in stage.events:
        metrics.observe(event)
    lines = metrics.render(0, ()).decode().splitlines()

    assert 'octave_call_seconds_sum{call="scrape",step="pack"} 32.0' in lines
    assert 'octave_call_seconds_sum{call="ask",step="pack"} 120.0' in lines
    assert 'octave_call_seconds_count{call="ask",step="understand"} 1.0' in lines
    assert [line for line in lines if line.startswith("octave_slowest_call_seconds{")] == [
        'octave_slowest_call_seconds{call="ask",rank="1",step="pack"} 50.0',
        'octave_slowest_call_seconds{call="ask",rank="2",step="pack"} 50.0',
        'octave_slowest_call_seconds{call="scrape",rank="3",step="pack"} 30.0',
    ]
    assert 'octave_run_critical_path_ratio_count{status="completed"} 1.0' in lines
    assert not [line for line in lines if re.search(r'(?:step|call)="[^"]*(?:\d|vendor|prospect)', line)]


async def test_the_events_of_calls_are_not_stored(tmp_path: Path, clock: Clock) -> None:
    stage = Slow().stage(tmp_path)
    await playbook_of(stage, clock)
    stored = [event for _, event in await stage.store.events(stage.events[0].run_id)]

    assert [event.event for event in stored if event.event != "progress" or event.step] == [
        event.event for event in stage.events if event.event != "call_finished"
    ]
    assert "timings" not in stored[-1].model_dump()


@pytest.mark.parametrize("text_format", ["html", "markdown"])
def test_the_appendix_shows_the_critical_path_and_the_slowest_calls_if_they_are_known(text_format: str) -> None:
    old = sample_playbook()
    calls = tuple(
        CallTiming(name=name, company=None, seconds=seconds, started_seconds=0) for name, seconds in SLOWEST.items()
    )
    timed = {"critical_path_seconds": 64.0, "slowest_calls": calls}
    new = old.model_copy(update={"timings": old.timings.model_copy(update=timed)})

    before, after = (re.sub(r"<[^>]+>|`", "", export(text_format).render(playbook)) for playbook in (old, new))

    assert "84.6 s (critical path 64.0 s)" in after
    assert "vendor/pack-1/ask 50.0 s, vendor/pack-2/ask 50.0 s, prospect/pack-1/scrape 30.0 s" in after
    assert "84.6 s" in before
    assert not any(text in before for text in ("critical path", "Slowest calls"))
