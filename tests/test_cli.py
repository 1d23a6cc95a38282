"""The command line: its output on stdout and stderr, the files that it writes, and its exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import (
    ROOT,
    Ended,
    LoopbackSite,
    Pair,
    lift_site_timeouts,
    log_lines,
    names_in,
    octave,
    read_json,
)
from doubles import FOR_GOOD, Double

from octave_mcp import __version__
from octave_mcp.demo.sites import load
from octave_mcp.tools.reports import RunReport

FILES = {"playbook.json", "playbook.md", "playbook.html"}
FEW_PAGES = ("--max-pages", "4")
# While the run waits for the sites, the progress text starts with this word.
STEP = b"reaching "


@pytest.fixture(autouse=True)
def sites_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_site_timeouts(monkeypatch)


def addresses(pair: Pair) -> tuple[str, str]:
    return pair.vendor.host, pair.prospect.host


async def test_the_demo_needs_no_network_or_key_and_ends_with_three_files_and_one_screen(tmp_path: Path) -> None:
    """On a terminal, a progress bar shows the current step, and no log lines appear."""
    ended = await on_a_terminal("demo", cwd=tmp_path)

    assert ended.code == 0
    assert names_in(tmp_path / "demo-playbook") == FILES
    playbook = read_json(tmp_path / "demo-playbook" / "playbook.json")
    assert playbook["model"] == "recorded"
    assert all(playbook[name] for name in ("executive_summary", "email_sequences", "talk_tracks", "battle_cards"))
    assert ended.out.startswith("completed in ")
    assert "evidence " in ended.out
    assert f"flags:\n  recorded: written by {playbook['recording']['model']} on " in ended.out
    shown = ended.out.splitlines()
    assert shown[2:4] == ["files:", "  demo-playbook/playbook.html"]
    touches = [touch for sequence in playbook["email_sequences"] for touch in sequence["touches"]]
    assert ([touch["kind"] for touch in touches], len(touches)) == (["email"] * 12, 12)
    assert ended.out.count("\n") <= 28
    *_, how, address = shown
    assert how == "To read the playbook, open this address in a web browser, or run octave-mcp demo --open:"
    assert address == f"  {(tmp_path / 'demo-playbook' / 'playbook.html').as_uri()}"
    assert "━" in ended.err
    assert "\x1b[3" in ended.err or "\x1b[9" in ended.err
    assert "completed" in ended.err
    assert "step started" not in ended.err
    assert '"level"' not in ended.err


async def test_generate_writes_to_a_folder_named_after_both_companies_and_json_prints_only_the_report(
    held_pair: Pair, tmp_path: Path
) -> None:
    """If NO_COLOR is set, the progress bar on a terminal shows the current step without colours."""
    asked = ("--context", "Sell the planner.", *FEW_PAGES, "--json")
    ended = await on_a_terminal("generate", *addresses(held_pair), *asked, cwd=tmp_path, no_color="1", held=held_pair)

    assert ended.code == 0
    report = RunReport.model_validate_json(ended.out)
    assert report.status == "completed"
    folder = "-".join(("playbook", *addresses(held_pair))).replace(":", "_")
    assert {Path(file).parent.name for file in report.files} == {folder}
    assert {Path(file).name for file in report.files} == names_in(tmp_path / folder) == FILES
    assert "━" in ended.err
    assert "\x1b[3" not in ended.err
    assert "\x1b[9" not in ended.err


async def test_a_playbook_is_partial_and_exits_4_if_a_page_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --quiet, the command writes nothing to stderr, even if stderr is a terminal."""
    sites = Pair(LoopbackSite(load("vendor"), failing={"/pricing": 503}), LoopbackSite(load("prospect")))
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", sites.hosts)
    asked = ("--model", "extractive", *FEW_PAGES, "--out", "p", "--quiet")
    ended = await on_a_terminal("generate", *addresses(sites), *asked, cwd=tmp_path)
    sites.close()

    assert (ended.code, ended.err) == (4, "")
    assert ended.out.startswith("partial in ")
    assert names_in(tmp_path / "p") == FILES


async def on_a_terminal(*arguments: str, cwd: Path, no_color: str = "", held: Pair | None = None) -> Ended:
    """Run the command with a terminal as stderr.

    If `held` is given, these sites respond only after the terminal has shown `STEP`.
    """
    reading_end, writing_end = pty.openpty()
    shown = asyncio.create_task(asyncio.to_thread(_read_all, reading_end, held))
    with os.fdopen(writing_end, "w", encoding="utf-8") as terminal, pytest.MonkeyPatch.context() as patched:
        for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "100"), ("NO_COLOR", no_color)):
            patched.setenv(name, value)
        ended = await octave(*arguments, cwd=cwd, stderr=terminal)
    return Ended(ended.code, ended.out, await shown)


def _read_all(terminal: int, held: Pair | None) -> str:
    """Read from the terminal until its other end is closed.

    On Linux, `os.read` raises an OSError when the other end is closed.
    """
    found = b""
    try:
        while read := os.read(terminal, 65536):
            found += read
            if held and STEP in found:
                held.release()
    except OSError:
        pass
    os.close(terminal)
    return found.decode()


async def test_a_site_that_does_not_answer_fails_the_run_and_exits_1(pair: Pair, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        os.environ["OCTAVE_ALLOW_HOSTS"] += f",{host}"
        ended = await octave("generate", pair.vendor.host, host, "--quiet", cwd=tmp_path)

    assert ended.code == 1
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert host in ended.err
    assert ended.err.count("\n") == 1
    assert names_in(tmp_path) == {"home"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generate",), "Missing argument VENDOR"),
        (("generate", "acme.com"), "Missing argument PROSPECT"),
        (("revise", "run_0", "trial_plan"), "Missing option --instruction. See octave-mcp revise --help."),
        (("revise", "run_0", "trial_plan", "--instruction"), "--instruction requires an argument"),
        (("record", "run_0"), "Missing option --model"),
        (("edit", "run_0", "trial_plan", "--text", "x"), "Missing option --base-version"),
        (("generate", "acme.com", "quill.org", "--nope"), "--nope"),
        (("generate", "acme.com", "quill.org", "--max-pages", "some"), "some"),
        (("generate", "acme.com", "quill.org", "--max-pages", "0"), "max_pages: Input should be greater than or"),
        (("generate", "acme.com", "quill.org", "--context", "x" * 1001), "context: String should have at most 1000"),
        (("generate", "acme.com", "quill.org", "--language", "Deutsch"), "'de'"),
        (("generate", "acme.com", "quill.org", "--language", "Klingon"), "'Klingon' is not a known language"),
        (("generate", "acme.com", "quill.org", "--language", "de"), "'de'"),
        (("generate", "acme.com", "quill.org", "--model", "gpt"), "'gpt'"),
        (("generate", "not a domain", "quill.org"), "'not a domain'"),
        (("generate", "acme.com", "www.acme.com"), "the same company, acme.com"),
        (("generate", "acme.com", "quill"), "like 'quill.com'"),
        (("generate", "acme.com", "10.0.0.7"), "OCTAVE_ALLOW_HOSTS=10.0.0.7"),
        (("serve", "--transport", "carrier-pigeon"), "carrier-pigeon"),
        (("serve", "--port", "8000"), "--host and --port can be used only with --transport http"),
        (("serve", "--transport", "http", "--port", "65536"), "--port"),
        (("serve", "--transport", "http", "--port", "http"), "http"),
        (("config", "OCTAVE_PORT"), "OCTAVE_PORT"),
        (("doctor", "--fix"), "--fix"),
        (("sell",), "sell"),
    ],
    ids=str,
)
async def test_a_usage_error_is_one_line_that_names_what_is_wrong_and_exits_2(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    ended = await octave(*arguments, cwd=tmp_path)

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert message in ended.err


async def test_a_loopback_site_is_refused_unless_the_settings_allow_it(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTAVE_ALLOW_HOSTS")
    ended = await octave("generate", *addresses(pair), cwd=tmp_path)

    assert ended.code == 2
    assert f"OCTAVE_ALLOW_HOSTS={pair.vendor.host}" in ended.err
    assert not pair.vendor.asked.is_set()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [("OCTAVE_MODEL", "openai", "OCTAVE_MODEL=extractive"), ("OCTAVE_LOG_LEVEL", "loud", "OCTAVE_LOG_LEVEL: ")],
)
async def test_a_setup_error_names_the_setting_and_exits_3(
    variable: str, value: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    ended = await octave("generate", "acme.com", "quill.org", cwd=tmp_path)

    assert ended.code == 3
    assert ended.err.startswith("error: ")
    assert message in ended.err


async def test_the_estimate_of_a_paid_model_comes_first_and_says_how_the_model_was_tested(
    pair: Pair, double: Double, tmp_path: Path
) -> None:
    double.fails(FOR_GOOD["wrong key"][0], times=None)
    ended = await octave("generate", *addresses(pair), "--model", "openai", cwd=tmp_path)

    estimate = (
        r"estimate: \d+ model calls, \d{2,3},\d{3} tokens, \$0\.\d\d; openai was tested only against a test double"
    )
    first, *_, last = ended.err.splitlines()
    assert re.match(estimate, first)
    assert last.startswith("error: openai does not accept OPENAI_API_KEY")


async def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    ended = await octave("demo", "--out", "taken", "--quiet", cwd=tmp_path)

    assert ended.code == 2
    assert (
        ended.err == "error: cannot write to 'taken': 'taken' is not a writable folder; choose another --out folder\n"
    )


async def test_a_playbook_that_cannot_be_written_stays_stored_and_the_error_says_how_to_export_it(
    pair: Pair, tmp_path: Path
) -> None:
    (tmp_path / "there" / "playbook.json").mkdir(parents=True)
    ended = await octave("generate", *addresses(pair), "--max-pages", "1", "--out", "there", cwd=tmp_path)

    assert ended.code == 1
    error = re.search(
        r"cannot write to 'there': .*; to write the stored playbook, run octave-mcp export (\w+) --out", ended.err
    )
    assert error, ended.err
    assert ended.err.count("\n") == 1
    again = await octave("export", error[1], "--out", "elsewhere", cwd=tmp_path)
    assert again.code == 0
    assert names_in(tmp_path / "elsewhere") == FILES


async def test_an_interrupt_cancels_the_run_and_exits_130_without_a_traceback(
    held_pair: Pair, tmp_path: Path, home: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "octave_mcp", "generate", *addresses(held_pair), "--quiet"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    await asyncio.to_thread(held_pair.vendor.asked.wait)
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    (run,) = json.loads((await octave("runs", "--json", cwd=tmp_path)).out)["runs"]

    assert process.returncode == 130
    assert err.splitlines()[-1] == b"error: interrupted; the run was cancelled"
    assert b"Traceback" not in err
    assert run["status"] == "cancelled"
    assert [line["detail"] for line in log_lines(home) if line["event"] == "run_finished"] == ["cancelled"]


async def test_help_lists_every_command_and_version_prints_that_of_the_package(tmp_path: Path) -> None:
    helped = await octave("--help", cwd=tmp_path)
    version = await octave("--version", cwd=tmp_path)

    assert helped.code == version.code == 0
    names = "generate demo serve runs sessions export cancel check config doctor install"
    assert all(f" {name} " in helped.out for name in names.split())
    assert version.out.strip() == __version__


async def test_help_names_every_model_that_the_command_line_can_use(tmp_path: Path) -> None:
    helped = (await octave("generate", "--help", cwd=tmp_path)).out

    for model in ("openai", "anthropic", "compat", "extractive", "recorded"):
        assert model in helped


async def test_the_playbook_of_the_demo_cannot_be_refreshed_and_the_error_says_why(tmp_path: Path) -> None:
    await octave("demo", "--quiet", cwd=tmp_path)
    (run,) = json.loads((await octave("runs", "--json", cwd=tmp_path)).out)["runs"]

    ended = await octave("refresh", run["run_id"], cwd=tmp_path)
    (still,) = json.loads((await octave("runs", "--json", cwd=tmp_path)).out)["runs"]

    assert ended.code == 2
    assert "its two companies are invented" in ended.err
    assert "try again later" not in ended.err
    assert still == run


def test_serve_on_a_terminal_says_what_it_waits_for() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "octave_mcp", "serve"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    assert process.stderr
    line = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    os.close(ours)

    assert line.startswith("octave-mcp is waiting for an MCP client on stdin; press Ctrl-C to stop.")
    assert out == ""


async def test_serve_over_http_names_a_port_that_is_taken_and_exits_3(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = await octave("serve", "--transport", "http", "--host", "127.0.0.1", "--port", port, cwd=tmp_path)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("error: ")
    assert port in ended.err
    assert "--port" in ended.err
