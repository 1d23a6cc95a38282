"""The command `octave-mcp doctor` reports every problem with its cause and a fix, even if there are other problems."""

from __future__ import annotations

import json
import socket
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Ended, command, octave, refusing
from doubles import A_KEY, FOR_GOOD, Double
from web import serving

from octave_mcp.runs import store_check
from octave_mcp.settings import Settings
from octave_mcp.surfaces.cli import doctor as surface
from octave_mcp.surfaces.cli.checks import CHECKS, database, setup
from octave_mcp.surfaces.cli.checks.check import Check, ok
from octave_mcp.surfaces.cli.doctor import Diagnosis, DiagnosisEntry, examine

SECRETS = ("hunter22", "0123456789")
LONG_SECONDS = 86_400.0


@pytest.fixture(autouse=True)
def me(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_port: int) -> Path:
    """Return the home folder of a user who has configured a model and nothing else."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OCTAVE_MODEL", "extractive")
    monkeypatch.setenv("OCTAVE_PORT", str(free_port))
    return tmp_path


@pytest.fixture(autouse=True)
def checks_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise the time limits, and leave out the check of the store, which is slow because it starts a process."""
    others = (check for check in CHECKS if check.name != "store")
    monkeypatch.setattr(surface, "CHECKS", tuple(replace(check, seconds=LONG_SECONDS) for check in others))
    monkeypatch.setattr(setup, "SECONDS", LONG_SECONDS)


@pytest.fixture
def store(checks_may_be_slow: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - must run first
    check = next(check for check in CHECKS if check.name == "store")
    monkeypatch.setattr(surface, "CHECKS", (*surface.CHECKS, replace(check, seconds=LONG_SECONDS)))
    monkeypatch.setattr(database, "SLOW_SECONDS", LONG_SECONDS)


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port on which no server listens.

    The port is bound, so no other test gets this port. A server that sets SO_REUSEADDR can still listen on the port.
    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def taken_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port on which a server listens but never answers."""
    monkeypatch.setattr(setup, "SECONDS", 0.1)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def doctor(me: Path, *arguments: str) -> Ended:
    return await octave("doctor", *arguments, cwd=me)


async def entries(me: Path, code: int) -> dict[str, DiagnosisEntry]:
    ended = await doctor(me, "--json")
    assert ended.code == code, ended.out + ended.err
    assert ended.err == ""
    assert not any(secret in ended.out for secret in SECRETS)
    return {entry.name: entry for entry in Diagnosis.model_validate_json(ended.out).findings}


async def test_without_problems_no_check_fails_and_the_exit_code_is_0(me: Path) -> None:
    found = await entries(me, 0)

    assert len(found) >= 10
    assert [entry.name for entry in found.values() if entry.status in {"warning", "failed"}] == ["dns"]
    optional = {name for name, entry in found.items() if entry.status == "not set up"}
    assert optional >= {".env", "OPENAI_API_KEY", "FIRECRAWL_API_KEY", "claude-desktop", "claude-code", "cursor"}
    assert {"python", "packages", "settings", "home", "port", "model", "OPENAI_API_KEY"} <= found.keys()
    assert {"claude-desktop", "claude-code", "cursor"} <= found.keys()
    assert found["model"].found.startswith("extractive writes, tested on stored copies of real sites")


async def test_the_doctor_says_how_the_model_was_tested(
    me: Path,
    double: Double,  # noqa: ARG001 - it answers the requests
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "anthropic")
    found = await entries(me, 0)

    assert found["model"].found.startswith("anthropic writes, tested only against a test double of its API")


async def test_the_report_has_one_line_per_check_with_its_fix_below_and_the_counts_at_the_end(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "auto")
    monkeypatch.setenv("OPENAI_API_KEY", "sk 0123456789")
    ended = await doctor(me)

    assert ended.code == 1
    lines = ended.out.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("failed "))
    assert lines[at].split()[:2] == ["failed", "model"]
    assert lines[at + 1].split()[:3] == ["->", "set", "OPENAI_API_KEY"]
    assert lines[-1].endswith("2 failed")
    assert ended.out.count("\n") <= 40


async def test_an_unusable_key_fails_the_checks_of_its_provider_only(
    me: Path,
    double: Double,  # noqa: ARG001 - it answers the requests
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "auto")
    monkeypatch.setenv("OPENAI_API_KEY", "sk 0123456789")
    found = await entries(me, 1)

    for name in ("model", "OPENAI_API_KEY"):
        assert found[name].status == "failed"
        assert "OPENAI_API_KEY cannot be used" in found[name].found
        assert found[name].fix == "set OPENAI_API_KEY to the key alone"
    assert found["ANTHROPIC_API_KEY"].status == "ok"


async def test_without_a_model_nothing_is_wrong_and_the_summary_counts_what_is_not_set_up(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "auto")
    ended = await doctor(me)
    found = await entries(me, 0)

    counts = Counter(entry.status for entry in found.values())
    lines = ended.out.splitlines()
    assert found["model"].status == "not set up"
    assert found["model"].fix.startswith("to get finished copy without an MCP client, set OPENAI_API_KEY")
    assert any(line.startswith("not set up  model ") for line in lines)
    assert lines[-1] == f"{counts['ok']} ok, {counts['not set up']} not set up, 1 warning"


@pytest.mark.long
async def test_the_command_reports_a_package_that_cannot_be_imported(me: Path) -> None:
    (me / "lxml").mkdir()
    (me / "lxml" / "__init__.py").write_text("raise ImportError('it is broken')\n")
    ended = await command("-m", "octave_mcp", "doctor", "--json", cwd=me)

    found = {entry.name: entry for entry in Diagnosis.model_validate_json(ended.out).findings}
    assert found["packages"].status == "failed"
    assert "lxml" in found["packages"].found


@pytest.mark.usefixtures("store")
async def test_all_problems_are_reported_at_once_each_with_its_fix(
    me: Path, monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    (me / "home").write_text("a file where a folder should be")
    (me / ".env").write_text("OCTAVE_PROT=7778\nthis is no setting\n")
    monkeypatch.setitem(sys.modules, "lxml.etree", None)
    (me / ".cursor").mkdir()
    (me / ".cursor" / "mcp.json").write_text('{"mcpServers": {"octave": }}')
    desktop = me / "config" / "Claude" / "claude_desktop_config.json"
    desktop.parent.mkdir(parents=True)
    gone = {"command": "/gone/python", "args": ["-m", "octave_mcp", "serve"]}
    desktop.write_text(json.dumps({"mcpServers": {"sales": gone}}))
    (me / ".mcp.json").write_text('{"mcpServers": {"other": {"command": "other"}}}')
    monkeypatch.setenv("OCTAVE_SOURCE", "firecrawl")
    monkeypatch.setenv("OCTAVE_HOST", "0.0.0.0")  # noqa: S104 - the doctor reports it
    monkeypatch.setenv("OCTAVE_PORT", str(taken_port))
    monkeypatch.setenv("ANTHROPIC_API_KEY", '"sk-0123456789"')
    found = await entries(me, 1)

    reported = {name: (entry.status, entry.found, entry.fix) for name, entry in found.items()}
    expected = {
        "packages": ("failed", "lxml.etree (import of lxml.etree halted", "pip install"),
        "settings": ("warning", "OCTAVE_PROT", "octave-mcp config"),
        ".env": ("warning", "invalid lines, which are ignored: 2", "NAME=value"),
        "home": ("failed", f"cannot write to {me / 'home'}", "set OCTAVE_HOME"),
        "log file": ("failed", "octave.jsonl", "set OCTAVE_HOME"),
        "store": ("failed", "cannot write to", "set OCTAVE_HOME"),
        "port": ("failed", f"another program is using 0.0.0.0:{taken_port}", "--port 0"),
        "access": ("failed", "no token is set", "set OCTAVE_TOKENS"),
        "FIRECRAWL_API_KEY": ("failed", "not set, but firecrawl needs it", "set FIRECRAWL_API_KEY"),
        "ANTHROPIC_API_KEY": ("failed", "contains a quotation mark", "set ANTHROPIC_API_KEY"),
        "cursor": ("failed", "line 1, column 27", "correct it"),
        "claude-desktop": ("failed", "command '/gone/python' does not exist", "--write --name sales"),
        "claude-code": (
            "not set up",
            "the configuration does not contain octave-mcp",
            "octave-mcp install claude-code --write",
        ),
    }
    for name, (status, text, fix) in expected.items():
        assert reported[name][0] == status, reported[name]
        assert text in reported[name][1]
        assert fix in reported[name][2]
    assert found["python"].status == found["prompts"].status == "ok"


@pytest.mark.parametrize(
    ("setting", "value", "tokens", "status", "message"),
    [
        ("OCTAVE_HOST", "127.0.0.1", "abc", "ok", "only this machine"),
        ("OCTAVE_HOST", "0.0.0.0", "abc", "failed", "fewer than 16 characters"),  # noqa: S104 - the doctor reports it
        ("OCTAVE_HOST", "0.0.0.0", "0123456789abcdef", "ok", "need a token from OCTAVE_TOKENS"),  # noqa: S104 - the doctor reports it
        ("OCTAVE_PUBLIC_HOSTS", "octave.acme.com", "abc", "failed", "fewer than 16 characters"),
        ("OCTAVE_PUBLIC_HOSTS", "octave.acme.com", "", "warning", "octave.acme.com without a token"),
    ],
)
async def test_the_report_says_who_can_call_and_with_what_token(
    setting: str, value: str, tokens: str, status: str, message: str, me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    monkeypatch.setenv("OCTAVE_TOKENS", tokens)
    ended = await doctor(me, "--json")

    access = next(entry for entry in Diagnosis.model_validate_json(ended.out).findings if entry.name == "access")
    assert access.status == status
    assert message in access.found
    assert ("openssl rand -hex 16" in access.fix) is (status != "ok")


async def test_unreadable_settings_fail_and_the_other_checks_still_run(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_PORT", "hunter22")
    found = await entries(me, 1)

    assert found["settings"].status == "failed"
    assert "OCTAVE_PORT" in found["settings"].found
    assert "environment" in found["settings"].fix
    assert found["home"].status == "ok"
    assert str(me / "home") in found["home"].found


@pytest.mark.parametrize(
    ("file", "content"),
    [(".env", b"OCTAVE_PORT=\xff"), ("home/config.toml", b"port hunter22"), ("home/config.toml", b"\xff")],
    ids=str,
)
async def test_a_settings_file_that_cannot_be_parsed_is_named(file: str, content: bytes, me: Path) -> None:
    (me / "home").mkdir()
    (me / file).write_bytes(content)
    found = await entries(me, 1)

    assert found["settings"].status == "failed"
    assert str(me / file) in found["settings"].found
    assert found["python"].status == "ok"


async def test_a_damaged_database_is_reported_with_the_command_that_moves_it_away(me: Path) -> None:
    file = damaged(me)
    found = await entries(me, 1)

    assert "file is not a database" in found["database file"].found
    assert f"mv '{file}'" in found["database file"].fix


@pytest.mark.long
@pytest.mark.usefixtures("store")
async def test_the_store_check_does_not_suggest_the_doctor_for_a_damaged_database(me: Path) -> None:
    damaged(me)
    found = await entries(me, 1)

    assert found["store"].status == "failed"
    assert "octave-mcp doctor" not in found["store"].fix


def damaged(me: Path) -> Path:
    file = me / "home" / "octave.db"
    file.parent.mkdir()
    file.write_bytes(b"no database, but long enough to be taken for one" * 100)
    return file


@pytest.mark.usefixtures("store")
async def test_a_database_of_a_newer_version_is_distinguished_from_a_damaged_one(me: Path) -> None:
    await octave("runs", cwd=me)
    with sqlite3.connect(me / "home" / "octave.db") as database:
        database.execute("UPDATE octave_migrations SET version_num = '0999'")
    database.close()
    found = await entries(me, 1)

    assert found["database file"].status == "ok"
    assert "a newer octave-mcp wrote this database (its schema is 0999" in found["store"].found
    assert found["store"].fix.startswith("upgrade")


@pytest.mark.long
@pytest.mark.usefixtures("store")
async def test_an_unreachable_database_server_is_reported_without_its_password(
    me: Path, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setenv("OCTAVE_DATABASE_URL", f"postgresql://me:hunter22@127.0.0.1:{free_port}/octave")
    found = await entries(me, 1)

    assert found["store"].status == "failed"
    assert "OCTAVE_DATABASE_URL" in found["store"].fix
    assert found["database file"].status == found["file system"].status == "ok"


@pytest.mark.long
@pytest.mark.usefixtures("store")
async def test_a_port_used_by_our_own_server_is_ok(me: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as client:
        port = client.base_url.port
        monkeypatch.setenv("OCTAVE_PORT", str(port))
        found = await entries(me, 0)

    assert found["port"].found == f"octave-mcp is running at 127.0.0.1:{port} and is ready"
    assert found["store"].status == "ok"


@pytest.mark.long
@pytest.mark.usefixtures("store")
async def test_an_unwritable_store_is_reported_and_so_is_the_server_that_is_not_ready(
    me: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as client:
        await client.get("/readyz")
        monkeypatch.setenv("OCTAVE_PORT", str(client.base_url.port))
        monkeypatch.setattr(store_check, "VALID_SECONDS", 0.0)
        with refusing(me / "home", "insert on notes"):
            # `entries` cannot be used here, because stderr also contains the log of the server.
            ended = await doctor(me, "--json")
    found = {entry.name: entry for entry in Diagnosis.model_validate_json(ended.out).findings}

    assert ended.code == 1
    assert found["store"].found == "the database cannot be used: disk is full"
    assert found["store"].fix == "free disk space, or check that the folder of the database is writable"
    assert "but is not ready: store: the database cannot be used: disk is full" in found["port"].found


async def test_port_0_is_valid(me: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVE_PORT", "0")

    assert (await entries(me, 0))["port"].found == "OCTAVE_PORT=0 picks a free port"


async def test_configurations_written_by_install_are_ok(me: Path) -> None:
    for client in ("claude-desktop", "claude-code", "cursor"):
        await octave("install", client, "--write", cwd=me)
    found = await entries(me, 0)

    for client in ("claude-desktop", "claude-code", "cursor"):
        assert found[client].status == "ok"
        assert found[client].found.startswith("configured as 'octave' in ")


def test_a_check_that_hangs_fails_and_the_others_still_report() -> None:
    never = threading.Event()
    stuck = Check("stuck", lambda _: ok(str(never.wait())), seconds=0.01)
    found = examine((stuck, Check("well", lambda _: ok("here"), LONG_SECONDS)), Settings())
    never.set()

    assert [(entry.name, entry.status) for entry in found] == [("stuck", "failed"), ("well", "ok")]
    assert "no answer within" in found[0].found


PROVIDERS = {"OPENAI_API_KEY": "gpt-6-luna", "ANTHROPIC_API_KEY": "claude-haiku-5-5", "compat": "a-model-of-my-own"}


async def test_each_key_is_verified_with_one_small_request(me: Path, double: Double) -> None:
    found = await entries(me, 0)

    assert {name: found[name].found for name in PROVIDERS} == {n: f"{model} answers" for n, model in PROVIDERS.items()}
    assert len(double.asked) == 3
    assert all(len(json.dumps(request.body)) < 1500 for request in double.asked)


@pytest.mark.parametrize(("fault", "cause"), [("wrong key", "does not accept"), ("no quota", "no credit left")])
async def test_a_rejected_key_is_reported_with_its_cause_and_without_the_key(
    fault: str, cause: str, me: Path, double: Double
) -> None:
    double.fails(FOR_GOOD[fault][0], times=None)
    found = await entries(me, 1)

    for name in PROVIDERS:
        assert (found[name].status, cause in found[name].found) == ("failed", True), found[name]
        assert A_KEY not in found[name].found
