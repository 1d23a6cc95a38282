"""The command `logs`, which reports on one run or on all runs from the log."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, LoopbackSite, Pair, allow, lift_site_timeouts, log_lines, names_in, octave
from doubles import Double, error, planted, set_up
from loguru import logger

from octave_mcp.concurrency import retrying
from octave_mcp.demo.sites import load
from octave_mcp.domain.events import Event
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import DealDraft
from octave_mcp.domain.prospect import Understanding
from octave_mcp.observability import log_lines as reader
from octave_mcp.observability import logs
from octave_mcp.settings import load as load_settings
from octave_mcp.store import database

ODD_LINES = (
    b"uvicorn running on http://127.0.0.1:7777\n",
    b"[1, 2]\n",
    b"7\n",
    b"null\n",
    b'{"level": "INFO", "message": "no time"}\n',
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "run started", "run_id": 7}\n',
    b'{"timestamp": "soon", "level": "INFO", "message": "x"}\n',
    b'{"timestamp": "2026-03-02T09:30:00", "level": "INFO", "message": "no time zone"}\n',
    b'{"timestamp": "9999-12-31T23:59:59+00:00", "level": "INFO", "message": "too late"}\n',
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "x", "duration_ms": "long"}\n',
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "x", "duration_ms": NaN}\n',
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "x", "usd": 1e999}\n',
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "x", "input_tokens": -1}\n',
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "\xff\xfe"}\n',
    b'{"a": ' * 20_000 + b"\n",
    b"1" * 20_000 + b"\n",
    b'{"timestamp": "2026-03-02T09:30:00+00:00", "level": "INFO", "message": "' + b"x" * 2_500_000 + b'"}\n',
    b"\x00\x00\x00\n",
)

# Fields that loguru adds to each line.
OWN = {"timestamp", "level", "message", "module", "function", "line", "exception"}


@dataclass(frozen=True)
class Logged:
    """A home folder with the log of two runs, of which the first had a retry, a correction and a failed page."""

    home: Path
    first: str
    second: str
    double: Double

    @property
    def file(self) -> Path:
        return self.home / "logs" / "octave.jsonl"


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    folder = tmp_path_factory.mktemp("logged")
    sites = Pair(LoopbackSite(load("vendor"), failing={"/pricing": 503}), LoopbackSite(load("prospect")))
    double = Double()
    double.fails(error(500, "server_error"), lambda request: request.form is Understanding[Cite])
    double.fails(
        lambda request, text: planted(request, text, "7431.5"), lambda request: request.form is DealDraft[Cite]
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(retrying, "FIRST_WAIT_SECONDS", 0.02)
        patched.setattr(database, "SYNCHRONOUS", "OFF")
        patched.setenv("OCTAVE_HOME", str(folder / "home"))
        lift_site_timeouts(patched)
        allow(sites, patched)
        set_up(patched, double)
        hosts = (sites.vendor.host, sites.prospect.host, "--max-pages", "6", "--quiet")
        for model in ("openai", "extractive"):
            ended = asyncio.run(octave("generate", *hosts, "--model", model, cwd=folder))
            assert ended.code in {0, 4}, ended.err
    first, second = dict.fromkeys(line["run_id"] for line in log_lines(folder / "home") if line["event"])
    yield Logged(folder / "home", first, second, double)
    sites.close()
    double.close()


@pytest.fixture
def used(logged: Logged, home: Path, monkeypatch: pytest.MonkeyPatch) -> Logged:  # noqa: ARG001 - must run before this fixture
    monkeypatch.setenv("OCTAVE_HOME", str(logged.home))
    return logged


async def report(*arguments: str | Path, cwd: Path) -> dict[str, Any]:
    ended = await octave("logs", *map(str, arguments), "--json", cwd=cwd)
    assert ended.code == 0, ended.err
    assert ended.err == ""
    return json.loads(ended.out)


async def test_the_report_on_a_run_shows_its_steps_and_calls_with_start_and_duration(
    used: Logged, tmp_path: Path
) -> None:
    found = await report(used.first, cwd=tmp_path)

    lines = [line for line in log_lines(used.home) if line["run_id"] == used.first]
    ended = {(line["step"], line["company"]) for line in lines if line["event"] == "step_finished"}
    steps = {(step["step"], step["company"]) for step in found["steps"] if step["success"]}
    assert (found["status"], found["is_complete"], found["resumes"]) == ("partial", True, 0)
    assert steps == ended
    assert {step["step"] for step in found["steps"]} >= {"validate_and_map", "read_pack", "write_playbook"}
    # Two drafts can contain the same claim. The second time, its verdict is reused.
    assert sum(not call["reused"] for call in found["calls"]) == len(used.double.asked)
    spans = [*found["steps"], *found["calls"], *found["fetches"]]
    assert all(span["seconds"] is not None and span["seconds"] >= 0 for span in spans)
    assert all(span["start_seconds"] + span["seconds"] <= found["seconds"] + 0.1 for span in spans)
    starts = [step["start_seconds"] for step in found["steps"]]
    assert starts == sorted(starts)
    slowest = [call["seconds"] for call in found["slowest"]]
    assert slowest == sorted((call["seconds"] for call in found["calls"]), reverse=True)[:5]


async def test_the_report_on_a_run_shows_retries_with_cause_and_wait_and_corrections(
    used: Logged, tmp_path: Path
) -> None:
    found = await report(used.first, cwd=tmp_path)

    calls = [retry for retry in found["retries"] if retry["what"]]
    fetches = [retry for retry in found["retries"] if not retry["what"]]
    assert [(retry["step"], retry["company"], retry["cause"]) for retry in calls] == [
        ("understand", "prospect", "upstream_unavailable")
    ]
    assert calls[0]["wait_seconds"] <= 0.04
    assert fetches
    assert [retry["cause"] for retry in fetches if "503" not in retry["cause"]] == []
    (correction,) = found["corrections"]
    assert (correction["step"], correction["prompt"]) == ("write_playbook", "playbook/battle_card")
    shown = (await octave("logs", used.first, cwd=tmp_path)).out
    assert "retries" in shown
    assert "corrections" in shown


async def test_the_cost_of_each_step_adds_up_to_the_cost_in_the_playbook(used: Logged, tmp_path: Path) -> None:
    found = await report(used.first, cwd=tmp_path)
    await octave("export", used.first, "--format", "json", "--out", "exported", cwd=tmp_path)
    cost = json.loads((tmp_path / "exported" / "playbook.json").read_text())["cost"]

    total = found["total"]
    assert (total["calls"], total["input_tokens"], total["cached_tokens"], total["output_tokens"]) == (
        cost["asks"],
        cost["input_tokens"],
        cost["cached_tokens"],
        cost["output_tokens"],
    )
    assert total["usd"] == pytest.approx(cost["usd"])
    assert total["cached_share"] == pytest.approx(cost["cached_tokens"] / cost["input_tokens"], abs=0.0001)
    for step in cost["steps"]:
        (ours,) = (one for one in found["cost"] if (one["step"], one["company"]) == (step["step"], step["company"]))
        assert (ours["calls"], ours["usd"]) == (step["asks"], pytest.approx(step["usd"]))


async def test_the_summary_counts_runs_durations_errors_and_reuse(used: Logged, tmp_path: Path) -> None:
    found = await report("--summary", cwd=tmp_path)
    runs = [await report(run, cwd=tmp_path) for run in (used.first, used.second)]

    assert sum(found["runs"].values()) == 2
    assert set(found["runs"]) == {run["status"] for run in runs}
    assert found["run_seconds"]["count"] == 2
    assert found["step_seconds"]["understand"]["count"] == 4
    first, second = sorted(s["seconds"] for run in runs for s in run["steps"] if s["step"] == "write_playbook")
    assert found["step_seconds"]["write_playbook"] == pytest.approx(
        {"count": 2, "p50": first, "p90": second, "p99": second, "longest": second}, abs=0.001
    )
    assert found["call_errors"] == {"upstream_unavailable": 1}
    assert found["answers"]["corrections"] == 1
    assert found["answers"]["usd"] == pytest.approx(runs[0]["total"]["usd"])
    fetched = [fetch for run in runs for fetch in run["fetches"]]
    assert found["pages"]["pages"] == sum(fetch["pages"] for fetch in fetched) > 0
    assert found["pages"]["cached"] == sum(fetch["cached_pages"] for fetch in fetched)
    assert all(fetch["cached_pages"] == fetch["pages"] for fetch in runs[1]["fetches"])
    assert found["pages"]["failed"] > 0


async def test_percentiles_are_the_nearest_ranks_of_the_logged_durations(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text("".join(finished("verify", ms=1000 * n) for n in range(200, 0, -1)))
    found = await report("--summary", "--file", file, cwd=tmp_path)

    assert found["step_seconds"] == {"verify": {"count": 200, "p50": 100, "p90": 180, "p99": 198, "longest": 200}}


async def test_since_leaves_out_older_lines(tmp_path: Path) -> None:
    now, file = datetime.now(UTC), tmp_path / "own.jsonl"
    days = (timedelta(days=9), timedelta(days=3), timedelta(minutes=5))
    file.write_text("".join(finished("verify", at=now - age) for age in days))

    for since, count in (("10d", 3), ("100h", 2), ("30m", 1), (f"{now - timedelta(days=4):%Y-%m-%d}", 2)):
        found = await report("--summary", "--since", since, "--file", file, cwd=tmp_path)
        assert found["step_seconds"]["verify"]["count"] == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "either a run ID or --summary"),
        (("run_0", "--summary"), "either a run ID or --summary"),
        (("run_0", "--since", "24h"), "--since can be used only with --summary"),
        (("--summary", "--since", "yesterday"), "invalid --since 'yesterday'; give a duration like 24h"),
        (("--summary", "--since", f"{'9' * 30}d"), "invalid --since"),
    ],
    ids=str,
)
async def test_a_usage_error_says_what_to_give(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    ended = await octave("logs", *arguments, cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


async def test_without_a_log_or_a_line_about_the_run_the_error_says_what_to_do(used: Logged, tmp_path: Path) -> None:
    missing = await octave("logs", used.first, "--file", "none.jsonl", cwd=tmp_path)
    unknown = await octave("logs", "run_0", cwd=tmp_path)
    folder = await octave("logs", "run_0", "--file", ".", cwd=tmp_path)

    assert (missing.code, missing.out, unknown.code, unknown.out) == (1, "", 1, "")
    assert "there is no log file 'none.jsonl'; start a run, or name another log file with --file" in missing.err
    assert "there is no line about run 'run_0' in the log" in unknown.err
    assert "octave-mcp runs lists the runs" in unknown.err
    assert "the log keeps only its newest 11 files of 10 MB" in unknown.err
    assert folder.code == 3
    assert "cannot read the log '.': Is a directory" in folder.err


async def test_logs_reads_nothing_but_the_log_and_writes_nothing(logged: Logged, tmp_path: Path) -> None:
    ended = await octave("logs", logged.first, "--file", str(logged.file), cwd=tmp_path)

    assert ended.code == 0
    assert "home" not in names_in(tmp_path)


async def test_rotated_files_are_read_too(
    logged: Logged, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The product itself writes the lines, and rotates the file several times."""
    monkeypatch.setattr("octave_mcp.observability.log_file.ROTATION", "10 KB")
    logs.configure(load_settings())
    for line in logged.file.read_text("utf-8").splitlines():
        fields = json.loads(line)
        if fields["run_id"] == logged.first and fields["event"]:
            logger.bind(**{name: fields[name] for name in fields if name not in OWN}).info("copy")
    logger.remove()

    assert len([*(home / "logs").iterdir()]) > 2
    whole, copied = (
        await report(logged.first, "--file", logged.file, cwd=tmp_path),
        await report(logged.first, cwd=tmp_path),
    )
    for name in ("status", "cost", "total"):
        assert copied[name] == whole[name]
    for name in ("steps", "calls", "fetches", "corrections"):
        assert len(copied[name]) == len(whole[name])


async def test_a_log_that_begins_in_the_middle_of_the_run_says_so(logged: Logged, tmp_path: Path) -> None:
    lines = [line for line in logged.file.read_text("utf-8").splitlines() if logged.first in line]
    file = tmp_path / "late.jsonl"
    file.write_text("\n".join(lines[len(lines) // 2 :]))
    ended = await octave("logs", logged.first, "--file", str(file), cwd=tmp_path)

    assert ended.code == 0
    assert "the log does not contain the start of this run" in ended.err
    assert not (await report(logged.first, "--file", file, cwd=tmp_path))["is_complete"]


async def test_damaged_lines_are_skipped_and_counted(logged: Logged, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    good = [line + b"\n" for line in logged.file.read_bytes().splitlines()]
    (folder / "octave.jsonl").write_bytes(b"".join([*good[:9], *ODD_LINES, b"\n", *good[9:]]) + good[0][:100])
    (folder / "octave.2026-03-02_09-30-00_123456.jsonl").write_bytes(b"no JSON\n")
    (folder / "octave.2026-03-02_09-30-00_123456.2.jsonl").write_bytes(good[0])
    (folder / "octave.backup.jsonl").write_bytes(b"not a rotated file\n")
    whole = await report(logged.first, "--file", logged.file, cwd=tmp_path)
    found = await report(logged.first, "--file", folder / "octave.jsonl", cwd=tmp_path)
    told = await octave("logs", "--summary", "--file", str(folder / "octave.jsonl"), cwd=tmp_path)

    names = ["octave.2026-03-02_09-30-00_123456.jsonl", "octave.jsonl"]
    assert found.pop("unreadable") == {"lines": len(ODD_LINES) + 2, "files": names}
    assert whole.pop("unreadable") == {"lines": 0, "files": []}
    assert found == whole
    assert (
        told.err == f"skipped {len(ODD_LINES) + 2} lines that octave-mcp cannot read, in 2 files: {', '.join(names)}\n"
    )


@pytest.mark.parametrize("seed", range(6))
async def test_a_log_with_random_damage_is_read_as_far_as_possible(seed: int, logged: Logged, tmp_path: Path) -> None:
    """Each line is either read or counted as unreadable."""
    chance = random.Random(seed)  # noqa: S311 - damage, no secret
    lines = [damaged(line, chance) for line in logged.file.read_bytes().splitlines()]
    file = tmp_path / "damaged.jsonl"
    file.write_bytes(b"\n".join(lines))
    log = reader.Log(file)
    read = sum(1 for _ in log.lines())
    ended = await octave("logs", "--summary", "--json", "--file", str(file), cwd=tmp_path)
    shown = await octave("logs", logged.first, "--file", str(file), cwd=tmp_path)

    whole = [line for line in b"\n".join(lines).split(b"\n") if line.strip()]
    assert read + log.unreadable.lines == len(whole)
    assert log.unreadable.lines > 0
    assert json.loads(ended.out)["unreadable"]["lines"] == log.unreadable.lines
    assert shown.code == 0, shown.err
    assert "\x1b" not in shown.out


def damaged(line: bytes, chance: random.Random) -> bytes:
    at, end = sorted(chance.choices(range(len(line)), k=2))
    return chance.choice(
        [line] * 6
        + [
            line[:at],
            line[at:],
            line[:at] + line[end:],
            line[:at] + chance.randbytes(9) + line[at:],
            line[:at] + b"\n" + line[at:],
        ]
        + [line.replace(b'"step": "', b'"step": "\\u001b[2J\\ud800'), line.replace(b"null", b"[{}]", 1)]
    )


async def test_a_line_of_a_log_cannot_control_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(
        finished("verify\x1b[2J\r\nx", run_id="run_0") + finished("\ud800").encode("utf-8", "backslashreplace").decode()
    )
    ended = await octave("logs", "run_0", "--file", str(file), cwd=tmp_path)

    assert "verify [2J  x" in ended.out


def test_the_memory_for_a_long_line_is_limited(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_bytes(
        b"x" * (5 * reader.MAX_LINE_BYTES) + b"\n" + finished("verify").encode() + b"y" * reader.MAX_LINE_BYTES
    )
    log = reader.Log(file)

    assert [line.step for line in log.lines()] == ["verify"]
    assert log.unreadable.lines == 2


def test_a_terminal_with_80_columns_shows_bars_and_a_narrow_one_does_not(logged: Logged) -> None:
    wide, narrow = (on_a_terminal("logs", logged.first, "--file", str(logged.file), columns=n) for n in (80, 79))

    assert "█" in wide
    assert "─" in wide
    assert max(map(len, wide.split("slowest calls")[0].splitlines())) <= 80
    assert "█" not in narrow
    assert wide.count("write_playbook") == narrow.count("write_playbook")


def on_a_terminal(*arguments: str, columns: int) -> str:
    ours, theirs = pty.openpty()
    variables = {"COLUMNS": str(columns), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "octave_mcp", *arguments],
        os.environ | variables,
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 1)],
    )
    os.close(theirs)
    found = b""
    try:
        while read := os.read(ours, 65536):
            found += read
    except OSError:  # the command has closed the terminal
        pass
    os.close(ours)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return found.decode().replace("\r\n", "\n")


def test_events_that_an_earlier_release_stored_are_readable() -> None:
    stored = (
        '{"event":"answered","at":"2026-03-02T09:30:00Z","run_id":"run_1","session_id":"sess_1","step":"verify",'
        '"company":null,"message":"","done":1,"total":2,"duration_ms":null,"success":null,"error":null,"call":'
        '{"model":"openai","prompt":"checks/self_check","version":5,"beside":[],"attempt":1,"wait_seconds":null,'
        '"input_tokens":7,"cached_tokens":0,"output_tokens":1,"usd":0.1,"reused":false}}'
    )
    event = Event.model_validate_json(stored)

    assert event.call
    assert (event.call.is_correction, event.fetch) == (False, None)


async def test_lines_of_an_earlier_release_have_calls_without_durations(logged: Logged, tmp_path: Path) -> None:
    file, new = tmp_path / "earlier.jsonl", {"is_correction", "fetched", "pages", "failed_pages", "cached_pages"}
    lines = [json.loads(line) for line in logged.file.read_text("utf-8").splitlines() if logged.first in line]
    earlier = [
        {name: None if name == "duration_ms" and "prompt" in line else line[name] for name in line if name not in new}
        for line in lines
        if line["event"] != "fetched"
    ]
    file.write_text("\n".join(map(json.dumps, earlier)))
    found = await report(logged.first, "--file", file, cwd=tmp_path)

    assert found["calls"]
    assert {call["seconds"] for call in found["calls"]} == {None}
    assert (found["slowest"], found["fetches"], found["unreadable"]["lines"]) == ([], [], 0)
    assert found["total"] == (await report(logged.first, "--file", logged.file, cwd=tmp_path))["total"]


def finished(step: str, *, ms: float = 1.0, run_id: str = "run_1", at: datetime | None = None) -> str:
    line = {"timestamp": (at or datetime.now(UTC)).isoformat(), "level": "INFO", "message": "step finished"}
    return (
        json.dumps(
            line | {"run_id": run_id, "event": "step_finished", "step": step, "duration_ms": ms, "success": True}
        )
        + "\n"
    )
