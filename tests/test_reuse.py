"""Tests of reusing a whole playbook: an equal request within a day reads no page and asks no model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from doubles import Double, error, set_up
from scripted import ScriptedSource, Stage, invented_sites

from octave_mcp.asks import answer_cache
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import Playbook, TalkTrackDraft
from octave_mcp.settings import load

# These parts say how a playbook was made, and not what it contains.
RECORDED = {"cost", "timings", "flags"}


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with closing(Double()) as answering:
        set_up(monkeypatch, answering)
        yield answering


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource(invented_sites())


@pytest.fixture
def stage(tmp_path: Path, double: Double, source: ScriptedSource) -> Stage:  # noqa: ARG001 - answers the requests
    return Stage(tmp_path, settings=load(home=tmp_path), source=source)


async def run(stage: Stage, **request: Any) -> Playbook:  # noqa: ANN401 - fields of the request
    return await stage.playbook(**{"model": "openai", **request})


def is_copied(playbook: Playbook) -> bool:
    return playbook.cost.asks == 0 and "reused" in {flag.code for flag in playbook.flags}


async def test_an_equal_request_returns_the_same_playbook_without_reading_a_page_or_asking_a_model(
    stage: Stage, double: Double, source: ScriptedSource
) -> None:
    first = await run(stage)
    scraped, asked = len(source.scraped), len(double.asked)
    second = await run(stage)

    assert is_copied(second)
    assert (len(source.scraped), len(double.asked)) == (scraped, asked)
    assert second.model_dump(exclude=RECORDED) == first.model_dump(exclude=RECORDED)
    assert (second.cost.usd, second.cost.reused) == (0.0, first.cost.asks)
    assert any("use refresh for a new one" in flag.reason for flag in second.flags)


@pytest.mark.parametrize("change", [{"context": "a pilot in two yards"}, {"max_pages": 3}, {"refresh": True}], ids=str)
async def test_another_request_gets_a_playbook_of_its_own(stage: Stage, change: dict[str, Any]) -> None:
    await run(stage)

    assert not is_copied(await run(stage, **change))


async def test_a_partial_playbook_is_not_reused(stage: Stage, double: Double) -> None:
    double.fails(error(400, "invalid"), lambda request: request.form is TalkTrackDraft[Cite])
    record, _ = await stage.run(model="openai")
    double.heal()
    second = await run(stage)

    assert record.status == "partial"
    assert second.cost.asks > 0


async def test_a_playbook_is_not_reused_after_its_run_was_deleted(stage: Stage) -> None:
    record, _ = await stage.run(model="openai")
    await stage.runs.delete_session(record.session_id)

    assert not is_copied(await run(stage))


async def test_a_copy_does_not_prolong_the_day(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await run(stage)
    copied = await run(stage)
    monkeypatch.setattr(answer_cache, "MAX_AGE", timedelta(0))
    third = await run(stage)

    assert (is_copied(copied), is_copied(third)) == (True, False)


async def test_the_copy_keeps_the_pages_that_it_quotes_after_the_first_run_was_deleted(stage: Stage) -> None:
    record, _ = await stage.run(model="openai")
    second, copied = await stage.run(model="openai")
    await stage.runs.delete_session(record.session_id)
    assert copied

    texts = [await stage.store.page_text(evidence.page_sha256) for evidence in copied.evidence.values()]
    assert all(texts)
    assert (await stage.runs.playbook(second.run_id)) == copied
