"""The command line as a person or a script meets it: what it prints where, what it writes, how it exits."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import pty
import re
import signal
import socket
import sys
from pathlib import Path

import pytest
from conftest import ROOT, LoopbackSite, Pair, command, log_lines, names_in, octave, read_json

from octave_mcp import __version__, app
from octave_mcp.demo.sites import load
from octave_mcp.domain.playbook import Playbook
from octave_mcp.tools import RunReport

FILES = {"playbook.json", "playbook.md", "playbook.html"}


def addresses(pair: Pair) -> tuple[str, str]:
    return pair.vendor.host, pair.prospect.host


async def test_the_demo_writes_its_three_files_without_network_or_key(tmp_path: Path) -> None:
    ended = await octave("demo", cwd=tmp_path)

    assert (ended.code, ended.err) == (0, "")
    assert names_in(tmp_path / "demo-playbook") == FILES
    playbook = read_json(tmp_path / "demo-playbook" / "playbook.json")
    assert playbook["model"] == "extractive"
    assert all(playbook[name] for name in ("executive_summary", "email_sequences", "talk_tracks", "battle_cards"))


async def test_the_result_fits_one_screen_and_names_the_files(tmp_path: Path) -> None:
    ended = await octave("demo", "--out", "there", "--quiet", cwd=tmp_path)

    assert ended.out.startswith("completed in ")
    assert "evidence " in ended.out
    assert "flags:\n  extractive: " in ended.out
    assert ended.out.splitlines()[2:4] == ["files:", "  there/playbook.html"]
    assert ended.out.count("\n") <= 25
    assert ended.err == ""


async def test_json_prints_the_report_alone(tmp_path: Path) -> None:
    ended = await octave("demo", "--json", cwd=tmp_path)

    report = RunReport.model_validate_json(ended.out)
    assert report.status == "completed"
    assert {Path(file).name for file in report.files} == FILES
    assert all((tmp_path / file).is_file() for file in report.files)


async def test_generate_writes_into_a_folder_named_for_both_companies(pair: Pair, tmp_path: Path) -> None:
    ended = await octave("generate", *addresses(pair), "--context", "Sell the planner.", cwd=tmp_path)

    assert ended.code == 0
    folder = "-".join(("playbook", *addresses(pair))).replace(":", "_")
    assert names_in(tmp_path / folder) == FILES


async def test_a_playbook_without_a_page_that_failed_is_partial_and_exits_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = Pair(LoopbackSite(load("vendor"), failing={"/pricing": 503}), LoopbackSite(load("prospect")))
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", sites.hosts)
    ended = await octave("generate", *addresses(sites), "--model", "extractive", "--out", "p", "--quiet", cwd=tmp_path)
    sites.close()

    assert ended.code == 4
    assert ended.out.startswith("partial in ")
    assert names_in(tmp_path / "p") == FILES


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
    ("arguments", "said"),
    [
        (("generate",), "VENDOR is missing"),
        (("generate", "acme.com"), "PROSPECT is missing"),
        (("generate", "acme.com", "quill.org", "--nope"), "--nope"),
        (("generate", "acme.com", "quill.org", "--max-pages", "some"), "some"),
        (("generate", "acme.com", "quill.org", "--max-pages", "0"), "max_pages: Input should be greater than or"),
        (("generate", "acme.com", "quill.org", "--context", "x" * 1001), "context: String should have at most 1000"),
        (("generate", "acme.com", "quill.org", "--language", "German"), "'German'"),
        (("generate", "acme.com", "quill.org", "--language", "de"), "'de'"),
        (("generate", "acme.com", "quill.org", "--model", "gpt"), "'gpt'"),
        (("generate", "not a domain", "quill.org"), "'not a domain'"),
        (("generate", "acme.com", "www.acme.com"), "one company, acme.com"),
        (("generate", "acme.com", "quill"), "like 'quill.com'"),
        (("generate", "acme.com", "10.0.0.7"), "OCTAVE_ALLOW_HOSTS=10.0.0.7"),
        (("serve", "--transport", "carrier-pigeon"), "carrier-pigeon"),
        (("serve", "--port", "8000"), "--host and --port are for --transport http"),
        (("serve", "--transport", "http", "--port", "65536"), "--port"),
        (("serve", "--transport", "http", "--port", "http"), "http"),
        (("config", "OCTAVE_PORT"), "OCTAVE_PORT"),
        (("doctor", "--fix"), "--fix"),
        (("sell",), "sell"),
    ],
    ids=str,
)
async def test_a_usage_error_is_one_line_that_names_what_is_wrong_and_exits_2(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    ended = await octave(*arguments, cwd=tmp_path)

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert said in ended.err


async def test_a_loopback_site_is_refused_unless_the_settings_allow_it(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTAVE_ALLOW_HOSTS")
    ended = await octave("generate", *addresses(pair), cwd=tmp_path)

    assert ended.code == 2
    assert f"OCTAVE_ALLOW_HOSTS={pair.vendor.host}" in ended.err
    assert not pair.vendor.asked.is_set()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [("OCTAVE_MODEL", "auto", "OCTAVE_MODEL=extractive"), ("OCTAVE_LOG_LEVEL", "loud", "OCTAVE_LOG_LEVEL: ")],
)
async def test_what_is_not_set_up_is_named_and_exits_3(
    variable: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    ended = await octave("generate", "acme.com", "quill.org", cwd=tmp_path)

    assert ended.code == 3
    assert ended.err.startswith("error: ")
    assert said in ended.err


async def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    ended = await octave("demo", "--out", "taken", "--quiet", cwd=tmp_path)

    assert ended.code == 2
    assert ended.err == "error: cannot write to 'taken': 'taken' is not a folder to write to; choose another --out\n"


async def test_a_playbook_that_cannot_be_written_is_kept_and_says_how_to_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(app, "write_files", full)
    ended = await octave("demo", "--quiet", cwd=tmp_path)

    assert ended.code == 1
    assert re.search(r"No space left on device; .*; the playbook is kept: octave-mcp export run_\w+ --out", ended.err)


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

    assert process.returncode == 130
    assert err == b"error: interrupted; the run was cancelled\n"
    assert log_lines(home)[-1]["event"] == "run_finished"
    assert log_lines(home)[-1]["detail"] == "cancelled"


async def test_on_a_terminal_a_bar_says_what_is_being_done_and_logs_stay_out_of_it(tmp_path: Path) -> None:
    shown = await on_a_terminal("demo", cwd=tmp_path)

    assert "━" in shown
    assert "chosen" in shown or "fetched" in shown or "written" in shown
    assert "step started" not in shown
    assert '"level"' not in shown


async def test_quiet_shows_no_bar_and_no_color_no_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    quiet = await on_a_terminal("demo", "--quiet", cwd=tmp_path)
    plain = await on_a_terminal("demo", cwd=tmp_path)

    assert quiet == ""
    assert "━" in plain
    assert "\x1b[3" not in plain
    assert "\x1b[9" not in plain


async def on_a_terminal(*arguments: str, cwd: Path) -> str:
    """What a command writes to stderr when that is a terminal."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "octave_mcp", *arguments),
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = await asyncio.to_thread(_all_of, ours)
    assert await process.wait() == 0
    return shown


def _all_of(terminal: int) -> str:
    """Everything until the other side is closed, which Linux tells as an error."""
    found = b""
    try:
        while read := os.read(terminal, 65536):
            found += read
    except OSError:
        pass
    os.close(terminal)
    return found.decode()


async def test_help_names_every_command_and_version_is_the_packages(tmp_path: Path) -> None:
    helped = await octave("--help", cwd=tmp_path)
    version = await octave("--version", cwd=tmp_path)

    assert helped.code == version.code == 0
    names = "generate demo serve runs sessions export cancel config doctor install"
    assert all(f" {name} " in helped.out for name in names.split())
    assert version.out.strip() == __version__


async def test_serve_answers_mcp_on_stdio(tmp_path: Path) -> None:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}
    ended = await command("-m", "octave_mcp", "serve", cwd=tmp_path, stdin=json.dumps(first).encode() + b"\n")

    assert ended.code == 0
    assert json.loads(ended.out)["result"]["serverInfo"]["name"] == "octave"


async def test_serve_over_http_names_a_port_that_is_taken_and_exits_3(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = await command(
            "-m", "octave_mcp", "serve", "--transport", "http", "--host", "127.0.0.1", "--port", port, cwd=tmp_path
        )

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("error: ")
    assert port in ended.err
    assert "--port" in ended.err


async def test_the_excerpt_in_the_readme_is_what_the_demo_writes(tmp_path: Path) -> None:
    await octave("demo", "--out", "there", "--quiet", cwd=tmp_path)

    playbook = Playbook.model_validate_json((tmp_path / "there" / "playbook.json").read_text("utf-8"))
    readme = (ROOT / "README.md").read_text("utf-8").replace("\n>\n> ", "\n\n")
    first = playbook.email_sequences[0].touches[0]
    assert f"**{first.subject}**\n\n{first.body}" in readme.replace("> **", "**")
    assert f"> {playbook.quick_wins[0].action}\n" in readme
    quoted = re.findall(r"^> (How .+)$", readme, re.MULTILINE)
    assert quoted
    assert set(quoted) <= {evidence.quote for evidence in playbook.evidence.values()}
    assert "> Runs on your own servers: Routemoor has it, Wrenhaul does not.\n" in readme
    assert "Runs on your own servers: Routemoor has it, Wrenhaul does not." in playbook.model_dump_json()
