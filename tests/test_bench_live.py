"""The command `bench --live`, with a server that imitates a provider's API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Ended, Pair, lift_site_timeouts, octave
from doubles import FOR_GOOD, Double

from octave_mcp.errors import SiteUnreachable

STEPS = (
    *("validation", "homepage", "analysis", "prioritisation"),
    *("scraping", "extraction", "prospect", "playbook", "whole run"),
)


@pytest.fixture(autouse=True)
def sites_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_site_timeouts(monkeypatch)


async def bench(pair: Pair, *options: str, cwd: Path) -> Ended:
    companies = (pair.vendor.host, pair.prospect.host)
    return await octave("bench", "--live", *companies, "--model", "openai", *options, cwd=cwd)


async def test_a_run_is_printed_with_the_duration_of_all_eight_steps_and_its_cost(
    pair: Pair, double: Double, tmp_path: Path
) -> None:
    ended = await bench(pair, "--max-cost-usd", "5", cwd=tmp_path)
    steps, runs, total = ended.out.split("\n\n")
    head, *rows = (line.split() for line in steps.splitlines())

    assert ended.code == 0
    assert head == ["step", "target", "run", "1", "average", "met"]
    assert tuple(line.partition("  ")[0] for line in steps.splitlines()[1:]) == STEPS
    assert rows[0][:3] == ["validation", "<", "5"]
    assert all(row.count("s") == 3 for row in rows)
    assert runs.splitlines()[1].split()[:2] == ["1", "completed"]
    assert total.startswith("1 run with openai: $0.")
    assert double.asked


async def test_a_run_is_not_started_if_its_estimate_exceeds_what_is_left_of_the_limit(
    pair: Pair, double: Double, tmp_path: Path
) -> None:
    ended = await bench(pair, "--runs", "3", "--max-cost-usd", "0.20", "--json", cwd=tmp_path)
    asked = len(double.asked)
    none = await bench(pair, "--max-cost-usd", "0.01", cwd=tmp_path)
    result = json.loads(ended.out)

    assert ended.code == 4
    assert [run["status"] for run in result["runs"]] == ["completed"]
    assert result["usd"] == result["runs"][0]["usd"] <= 0.20
    assert result["stopped"].startswith("run 2 was not started: its estimate is $0.")
    assert (none.code, none.out) == (2, "")
    assert "run 1 was not started: its estimate is $0." in none.err
    assert len(double.asked) == asked == result["runs"][0]["asks"]


async def test_a_run_that_fails_is_a_row_with_its_error_and_the_next_run_is_started(
    pair: Pair, double: Double, tmp_path: Path
) -> None:
    pair.prospect.failing["/"] = 503
    failed = await bench(pair, "--runs", "2", "--max-cost-usd", "5", cwd=tmp_path)
    del pair.prospect.failing["/"]
    double.fails(FOR_GOOD["wrong key"][0], times=1)
    mixed = await bench(pair, "--runs", "2", "--max-cost-usd", "5", "--json", cwd=tmp_path)
    first, second = json.loads(mixed.out)["runs"]

    assert failed.code == 1
    assert [row.split()[:3] for row in failed.out.split("\n\n")[1].splitlines()[1:]] == [
        ["1", "failed", "-"],
        ["2", "failed", "-"],
    ]
    assert f"[{SiteUnreachable.code}] " in failed.out
    assert mixed.code == 4
    assert (first["status"], second["status"]) == ("failed", "completed")
    assert "openai does not accept OPENAI_API_KEY" in first["error"]
    assert second["seconds"].keys() == {*STEPS[:-1]}


@pytest.mark.parametrize("options", [(), ("--model", "openai")])
async def test_without_a_key_the_benchmark_is_skipped_and_exits_3(options: tuple[str, ...], tmp_path: Path) -> None:
    ended = await octave("bench", "--live", "acme.com", "quill.org", *options, cwd=tmp_path)

    assert ended.code == 3
    assert "OPENAI_API_KEY" in ended.err
    assert ended.err.endswith("; the benchmark was skipped\n")


@pytest.mark.parametrize("arguments", [(), ("acme.com", "quill.org"), ("--live",)])
async def test_without_live_the_command_names_the_benchmark_that_needs_no_key_and_exits_2(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    ended = await octave("bench", *arguments, cwd=tmp_path)

    assert ended.code == 2
    assert "add --live" in ended.err
    assert "'make bench'" in ended.err


async def test_a_model_without_a_provider_cannot_be_benchmarked(pair: Pair, tmp_path: Path) -> None:
    ended = await octave(
        *("bench", "--live", pair.vendor.host, pair.prospect.host, "--model", "extractive"), cwd=tmp_path
    )

    assert ended.code == 2
    assert "the model 'extractive' calls no provider" in ended.err
