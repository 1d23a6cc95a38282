"""The format and content of log records, which must never contain secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Pair, command, log_lines, octave
from loguru import logger
from pydantic import SecretStr
from web import lift_server_timeouts, serving

from octave_mcp.app import App
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.observability import logs
from octave_mcp.ports import Model, RunContext
from octave_mcp.runs.adapters import NO_DEAL, Deal
from octave_mcp.settings import Settings, load
from octave_mcp.tools.registry import ignore_event

FIELDS = {"timestamp", "level", "message", "module", "function", "line", "exception"}.union(
    {"run_id", "session_id", "step", "company", "duration_ms", "success", "event"}
)
STEPS = {"validate_and_map", "scrape_homepage", "analyse_homepage", "prioritise_urls", "understand", "write_playbook"}
CONFIGURED = "correct horse battery"
SECRETS = (
    CONFIGURED,
    "sk-proj-4f9a8b7c6d5e4f3a",
    "fc-0a1b2c3d4e5f6a7b",
    "eyJhbGciOiJIUzI1NiJ9.e30.x",
    "k3y-0f-th3-ap1",
    "hunter2hunter2",
)
TEXT_WITH_SECRETS = (
    f"{CONFIGURED}, key {SECRETS[1]} and {SECRETS[2]}, Authorization: Bearer {SECRETS[3]}, "
    f"https://api.example/?api_key={SECRETS[4]}&x=1, https://me:{SECRETS[5]}@site.example/"
)

LINES = 100
WRITER = f"""
import sys
from loguru import logger
from octave_mcp.observability import logs
from octave_mcp.settings import load
logs.configure(load(), stderr_level="ERROR")
print("ready", flush=True)
sys.stdin.readline()
for number in range({LINES}):
    logger.bind(detail=sys.argv[1] * logs.MAX_TEXT_LENGTH).info(f"line {{number}}")
"""

NOISY = f"""
import asyncio, logging, resource, threading, warnings
from loguru import logger
from octave_mcp.observability import logs
from octave_mcp.settings import load

def fail():
    raise RuntimeError("key {SECRETS[1]}")

class Fragile:
    def __del__(self):
        fail()

async def careless():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)

logs.configure(load())
hard_limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard_limit))  # as if the disk were full
for _ in range(3):
    logger.warning("while the disk is full")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard_limit, hard_limit))
logger.bind(half="\\ud800", share=float("nan")).warning("once there is room")
warnings.warn("a warning")
logging.getLogger("elsewhere").error("%d arguments", "no", "such")
thread = threading.Thread(target=fail, name="a thread")
thread.start()
thread.join()
Fragile()
asyncio.run(careless())
fail()
"""


@pytest.fixture
def configured(capsys: pytest.CaptureFixture[str]) -> Settings:  # noqa: ARG001 - stderr is not a terminal
    settings = load(log_level="DEBUG")
    logs.configure(settings, secrets=(CONFIGURED,))
    return settings


async def test_a_run_and_its_steps_are_logged_as_the_same_json_lines_on_stderr_and_in_the_file(
    pair: Pair, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_LOG_LEVEL", "INFO")
    asked = ("--model", "extractive", "--max-pages", "4")
    ended = await octave("generate", pair.vendor.host, pair.prospect.host, *asked, cwd=tmp_path)

    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert lines == log_lines(home)
    assert all(line.keys() >= FIELDS for line in lines)
    assert all(line["timestamp"].endswith("+00:00") for line in lines)
    assert {line["level"] for line in lines} == {"INFO"}
    assert lines[0]["message"] == "run started"
    assert lines[-1]["message"] == "run finished"
    assert lines[-1]["success"] is True
    assert lines[-1]["duration_ms"] > 0
    assert len({(line["run_id"], line["session_id"]) for line in lines}) == 1
    started, finished = (
        sorted((line["step"], line["company"] or "") for line in lines if line["event"] == event)
        for event in ("step_started", "step_finished")
    )
    assert started == finished
    assert {step for step, _ in started} >= STEPS
    assert {company for _, company in started} == {"", "vendor", "prospect"}
    assert all(line["duration_ms"] is not None for line in lines if line["event"] == "step_finished")


@pytest.mark.long
async def test_records_of_a_library_that_works_for_a_run_carry_its_run_id(
    pair: Pair, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lift_server_timeouts(monkeypatch)
    monkeypatch.setenv("OCTAVE_LOG_LEVEL", "INFO")
    pair.vendor.failing["/pricing"] = 503
    async with serving() as client:
        runs = [client.post("/runs", json=pair.few | {"wait_seconds": 600}) for _ in range(2)]
        run_ids = {run.json()["run_id"] for run in await asyncio.gather(*runs)}

    retries = [line for line in log_lines(home) if line["message"] == "stamina.retry_scheduled"]
    assert {line["run_id"] for line in retries} <= run_ids
    assert retries


async def test_two_processes_share_the_file_without_mixing_their_lines(tmp_path: Path, home: Path) -> None:
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, name),
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=PIPE,
            stdout=PIPE,
        )
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdout
        assert await writer.stdout.readline() == b"ready\n"
    await asyncio.gather(*(writer.communicate(b"go\n") for writer in writers))

    written = [(line["detail"][0], line["message"]) for line in log_lines(home)]
    assert all(len(set(line["detail"])) == 1 for line in log_lines(home))
    for name in "ab":
        assert [message for writer, message in written if writer == name] == [f"line {n}" for n in range(LINES)]


async def test_every_line_is_json_even_if_the_disk_is_full_or_an_exception_is_not_handled(
    tmp_path: Path, home: Path
) -> None:
    ended = await command("-c", NOISY, cwd=tmp_path)

    shown = [json.loads(line, parse_constant=pytest.fail) for line in ended.err.splitlines()]
    messages = [line["message"] for line in shown]
    file = home / "logs" / "octave.jsonl"
    assert ended.code == 1
    assert messages[:2] == ["while the disk is full", f"cannot write to {file}: File too large"]
    assert messages.count("while the disk is full") == 3
    assert f"can write to {file} again" in messages
    assert {"%d arguments ('no', 'such')", "uncaught exception in thread a thread", "uncaught exception"} <= {*messages}
    assert not [line for line in shown if SECRETS[1] in str(line)]
    assert sum("RuntimeError: key ***" in (line["exception"] or "") for line in shown) == 4
    assert {"once there is room", "uncaught exception"} <= {line["message"] for line in log_lines(home)}


@pytest.mark.long
async def test_two_runs_in_two_processes_are_both_in_the_file(tmp_path: Path, home: Path) -> None:
    await asyncio.gather(*(command("-m", "octave_mcp", "demo", "--out", str(n), cwd=tmp_path) for n in range(2)))

    ends = [line for line in log_lines(home) if line["event"] == "run_finished"]
    assert len({line["run_id"] for line in ends}) == 2


def fail() -> None:
    raise RuntimeError(TEXT_WITH_SECRETS) from ValueError(TEXT_WITH_SECRETS)


@pytest.mark.usefixtures("configured")
def test_secrets_are_masked_in_messages_fields_and_exceptions_of_loguru_and_logging(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.bind(detail=TEXT_WITH_SECRETS, error=SecretStr(CONFIGURED)).info(TEXT_WITH_SECRETS)
    logging.getLogger("httpx2").warning("sent %s", TEXT_WITH_SECRETS)
    try:
        fail()
    except RuntimeError:
        logger.exception("call failed")
        logging.getLogger("elsewhere").exception(TEXT_WITH_SECRETS)

    text = (home / "logs" / "octave.jsonl").read_text("utf-8")
    shown = capsys.readouterr().err
    assert len(log_lines(home)) == 4
    for secret in SECRETS:
        assert secret not in text
        assert secret not in shown
    assert "https://***@site.example/" in text
    assert "api_key=***&x=1" in text
    assert log_lines(home)[2]["exception"].endswith("site.example/\n")


@pytest.mark.usefixtures("configured")
def test_records_of_the_standard_library_keep_their_origin(home: Path) -> None:
    logging.getLogger("uvicorn.error").warning("%d tries left", 2)

    (line,) = log_lines(home)
    assert line["message"] == "2 tries left"
    assert line["module"] == "uvicorn.error"
    assert line["function"] == "test_records_of_the_standard_library_keep_their_origin"


@pytest.mark.usefixtures("configured")
def test_nothing_is_ever_written_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    logger.error("one")
    logging.getLogger("fastmcp").error("two")

    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("configured")
def test_braces_and_markup_are_logged_literally(home: Path) -> None:
    logger.bind(detail="{0} <red> {x}").info('{"a": 1} <b>')
    logging.getLogger("x").error("{missing} %s", "{y}")

    first, second = log_lines(home)
    assert (first["message"], first["detail"]) == ('{"a": 1} <b>', "{0} <red> {x}")
    assert second["message"] == "{missing} {y}"


class Broken(App):
    """An application whose model fails with an unexpected error that contains secrets."""

    def model(self, name: str, context: RunContext | None = None, deal: Deal = NO_DEAL) -> Model:
        model: Any = super().model(name, context, deal)

        async def answer(_: object) -> None:
            await asyncio.sleep(0)
            raise RuntimeError(TEXT_WITH_SECRETS)

        model.answer = answer
        return model


async def failed(pair: Pair) -> RunRecord:
    app = Broken(load(), (logs.log_event,), engine="inline")
    vendor, prospect = pair.domains.values()
    await app.runs.open()
    record = await app.runs.start(PlaybookRequest(vendor=vendor, prospect=prospect, max_pages=4))
    while not record.is_final:
        record = await app.runs.follow(record.run_id, 600, ignore_event)
    await app.runs.close()
    return record


@pytest.mark.usefixtures("configured")
async def test_an_unforeseen_failure_ends_the_run_and_reaches_the_log_with_its_traceback(
    pair: Pair, home: Path
) -> None:
    record = await failed(pair)

    assert record.status == "failed"
    assert record.error
    assert record.error.code == "internal"
    # Several calls can be in flight when the first one fails, so the log can contain more than one failure.
    failures = [line for line in log_lines(home) if line["event"] == "call_failed"]
    assert failures
    for failure in failures:
        assert failure["level"] == "ERROR"
        assert failure["run_id"] == record.run_id
        assert failure["exception"].startswith("Traceback")
        assert "RuntimeError: ***, key ***" in failure["exception"]
    assert log_lines(home)[-1]["success"] is False
    assert not any(secret in (home / "logs" / "octave.jsonl").read_text("utf-8") for secret in SECRETS)


@pytest.mark.usefixtures("configured")
async def test_progress_is_logged_at_debug_level_only(pair: Pair, home: Path) -> None:
    await failed(pair)

    progress = [line for line in log_lines(home) if line["event"] == "progress"]
    assert progress
    assert {line["level"] for line in progress} == {"DEBUG"}
    assert all(line["detail"] for line in progress)
