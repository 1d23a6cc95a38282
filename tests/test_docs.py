"""Tests of the documents: their commands and programs run, and their links, names and settings exist.

`docs/generate.py --check`, which is part of `make check`, checks the generated parts. Only `make reports` writes
docs/test-results.md, so the tests here check that its version and its edge cases are current.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import socket
import sqlite3
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

import httpx2
import pytest
import reports
import yaml
from conftest import ROOT, Ended, Pair, command, octave
from web import serving

from octave_mcp import __version__
from octave_mcp.settings import Settings, keys
from octave_mcp.tools import TOOLS

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
NAMES = ("acme.com", "globex.com")

PART = re.compile(r"(<!-- generated: [^\n]+ -->\n).*?<!-- end -->", re.DOTALL)
FENCED = re.compile(
    r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$(?P<answered>\n\n<!-- generated: answer)?", re.DOTALL | re.MULTILINE
)
INDENTED = re.compile(r"(?<=\n\n)(?:    \S.*\n)+")
CONTINUED = re.compile(r"\\\n\s*")
LINK = re.compile(r"\[[^]]*\]\((?!https?:)(?P<file>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\b(?:OCTAVE|OPENAI|ANTHROPIC|FIRECRAWL)_[A-Z_]+\b")

# Commands that these tests do not run. Maps the start of each command to the reason.
NOT_RUN = {
    "make demo": "sets up an environment; CI runs it",
    "make test": "it runs these tests",
    "uvx --from . octave-playbook": "test_distribution.py runs it, from the wheel",
    "pip install": "test_distribution.py installs the same, into a separate environment",
    "source .venv/bin/activate": "tests already run in an environment",
    "export OCTAVE_MODEL=": "the tests set it",
    "claude mcp add": "Claude Code comes from npm; clients/run.py tries it",
    "octave-mcp doctor": "test_doctor.py runs it, without the deadlines that a slow machine may miss",
    "octave-mcp revise $RUN": "rules follow no instructions; test_revise.py has a model that does",
    "docker build": "there is no Docker engine where tests run",
    "docker run": "there is no Docker engine where tests run",
}

# Languages whose code blocks no test checks. Maps each language to the reason.
NOT_READ = {"nginx": "nginx is not installed where tests run", "caddy": "Caddy is not installed where tests run"}

# The kinds of code blocks that docs/generate.py writes itself, sends as requests, or saves to a file for a request.
GENERATED = {"http", "text", "jsonl", "json tools/call", "json resources/read", "json prompts/get"}


@dataclass(frozen=True)
class Block:
    """A code block of a document.

    `is_answered`: whether docs/generate.py runs the block and writes the output below it.
    """

    document: str
    kind: str
    text: str
    is_answered: bool

    @property
    def commands(self) -> list[str]:
        return CONTINUED.sub(" ", self.text).splitlines()


def blocks(kind: str) -> list[Block]:
    return [block for file in DOCUMENTS for block in blocks_of(file) if block.kind == kind]


def blocks_of(file: Path) -> Iterator[Block]:
    text = PART.sub(r"\1", file.read_text("utf-8"))
    for found in FENCED.finditer(text):
        yield Block(file.name, found["kind"], found["text"], is_answered=bool(found["answered"]))
    for found in INDENTED.finditer(FENCED.sub("", text)):
        yield Block(file.name, "sh", re.sub("(?m)^    ", "", found[0]), is_answered=False)


def commands() -> list[str]:
    """Return the commands in the documents, without '.venv/bin/'. Leave out commands that docs/generate.py runs.

    If a command occurs several times, return it only once.
    """
    found = [line for block in blocks("sh") if not block.is_answered for line in block.commands]
    return list(
        dict.fromkeys(line.replace(".venv/bin/", "", 1) if line.startswith(".venv") else line for line in found)
    )


def is_run(line: str) -> bool:
    return not line.startswith(tuple(NOT_RUN))


def is_server(line: str) -> bool:
    return "octave-mcp serve " in line


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that is also the user's home folder, with the command octave-mcp on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "octave-mcp").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m octave_mcp "$@"\n')
    (programs / "octave-mcp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("OCTAVE_PORT", "0")
    return tmp_path


Run = Callable[[str, Path], Awaitable[Ended]]


def on_loopback(line: str, pair: Pair) -> str:
    for name, site in zip(NAMES, (pair.vendor, pair.prospect), strict=True):
        line = line.replace(name, site.host)
    return line


async def run(line: str, cwd: Path) -> Ended:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("sh", "-c", line, cwd=cwd, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def serve(line: str, cwd: Path) -> None:
    line = line.replace("octave-mcp", f"exec {shlex.quote(sys.executable)} -m octave_mcp")
    process = await asyncio.create_subprocess_exec("sh", "-c", line, cwd=cwd, stderr=asyncio.subprocess.PIPE)
    assert process.stderr
    log = b""
    while b'"listening"' not in log:
        read = await process.stderr.readline()
        log += read
        assert read, (line, log)
    process.terminate()
    await process.communicate()


async def run_all(
    first: str, others: list[str], run_one: Run, pair: Pair, cwd: Path, monkeypatch: pytest.MonkeyPatch
) -> Ended:
    """Run the command that creates a run, and then all commands that use this run."""
    first_run = await run_one(f"{on_loopback(first, pair)} --max-pages 4 --json", cwd)
    monkeypatch.setenv("RUN", json.loads(first_run.out)["run_id"])
    for line in others:
        ended = await run_one(on_loopback(line, pair), cwd)
        assert ended.code == 0, (line, ended)
        assert ended.out, line
    return first_run


async def test_commands_do_what_the_documents_say(pair: Pair, terminal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To save time, run the commands that need no shell in this process."""
    first, *others = sorted(filter(needs_no_shell, commands()), key=lambda line: "generate" not in line)
    first_run = await run_all(first, others, run_in_process, pair, terminal, monkeypatch)

    assert first_run.code == 0
    assert len(others) > 10
    assert (terminal / "again" / "playbook.md").is_file()
    assert list((terminal / "again" / "pages").glob("*.md"))


@pytest.mark.long
async def test_commands_in_a_shell_do_what_the_documents_say(
    pair: Pair, terminal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line for line in commands() if is_run(line) and not is_server(line)]
    first, *others = sorted(lines, key=lambda line: "generate" not in line)
    first_run = await run_all(first, others, run, pair, terminal, monkeypatch)

    assert first_run.code == 0
    assert list((terminal / "again" / "pages").glob("*.md"))


@pytest.mark.long
@pytest.mark.parametrize("line", [*filter(is_server, commands())])
async def test_servers_start_as_the_documents_say(line: str, terminal: Path) -> None:
    await serve(line, terminal)


def needs_no_shell(line: str) -> bool:
    return is_run(line) and line.startswith("octave-mcp ") and not is_server(line)


async def run_in_process(line: str, cwd: Path) -> Ended:
    """Run the command without a shell, and only expand variables."""
    name, *arguments = shlex.split(os.path.expandvars(line))
    assert name == "octave-mcp"
    return await octave(*arguments, cwd=cwd)


async def test_the_documented_python_client_gets_its_playbook(pair: Pair) -> None:
    (program,) = (block.text for block in blocks("python") if "fastmcp" in block.text)
    async with serving() as client:
        program = on_loopback(program.replace("http://127.0.0.1:7777", base(client)), pair)
        out = await asyncio.to_thread(printed, program)

    assert out.startswith("completed [")


def printed(program: str) -> str:
    """Run the program and return its output.

    The program runs in this process, because a new process would spend time importing the product.
    """
    with redirect_stdout(StringIO()) as out:
        exec(compile(program, "mcp-integration.md", "exec"), {})  # noqa: S102 - it is our own
    return out.getvalue()


async def test_a_backup_made_while_a_server_is_running_contains_its_runs(
    pair: Pair, home: Path, tmp_path: Path
) -> None:
    (program,) = (block.text for block in blocks("python") if "sqlite3" in block.text)
    async with serving() as client:
        await client.post("/runs", data=pair.few)
        ended = await command("-c", program, cwd=tmp_path)
        with closing(sqlite3.connect(home / "backup.db")) as copy:
            (runs,) = copy.execute("select count(*) from runs").fetchone()

    assert ended.code == 0, ended.err
    assert runs == 1


def test_blocks_of_settings_and_configurations_can_be_parsed() -> None:
    for block in blocks("json"):
        assert json.loads(block.text), block
    for block in blocks("toml"):
        assert tomllib.loads(block.text).keys() <= Settings.model_fields.keys(), block
    for block in blocks("yaml"):
        assert yaml.safe_load(block.text), block


def test_every_block_is_run_read_or_listed_with_a_reason() -> None:
    kinds = {block.kind for file in DOCUMENTS for block in blocks_of(file)}

    assert kinds <= {"sh", "python", "json", "toml", "yaml", *NOT_READ, *GENERATED}
    assert set(NOT_READ) <= kinds
    for beginning in NOT_RUN:
        assert any(line.startswith(beginning) for line in commands()), beginning
    for line in filter(is_run, commands()):
        assert "octave-mcp" in line or line.startswith("grep "), f"nothing runs {line!r}"


@pytest.mark.parametrize(
    "file", [*DOCUMENTS, *sorted((ROOT / "docs" / "decisions").glob("*.md"))], ids=lambda f: f.name
)
def test_links_lead_to_existing_files_and_headings(file: Path) -> None:
    for link in LINK.finditer(PART.sub("", file.read_text("utf-8"))):
        target = (file.parent / link["file"]).resolve() if link["file"] else file
        assert target.exists(), link[0]
        if link["anchor"]:
            assert link["anchor"] in anchors(target), link[0]


def anchors(file: Path) -> set[str]:
    headings = HEADING.findall(FENCED.sub("", file.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


PROVIDERS_OWN = set(
    "OPENAI_BASE_URL OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_CUSTOM_HEADERS ANTHROPIC_BASE_URL ANTHROPIC_CUSTOM_HEADERS "
    "FIRECRAWL_API_URL".split()
)


def test_variables_are_settings_and_every_setting_is_described() -> None:
    texts = {file.name: file.read_text("utf-8") for file in DOCUMENTS}
    known = {f"OCTAVE_{name.upper()}" for name in Settings.model_fields} | {key.name for key in keys()}

    for name, text in texts.items():
        assert set(VARIABLE.findall(text)) <= known | PROVIDERS_OWN, name
    assert all(f"| `{name}` |" in texts["deployment.md"] for name in known)


async def test_every_tool_and_route_is_documented_with_a_request() -> None:
    text = (ROOT / "docs" / "api-reference.md").read_text("utf-8")
    async with serving() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]

    asked = [line for block in blocks("sh") if block.is_answered for line in block.commands]
    for path, operations in paths.items():
        shown = re.compile(
            r"http://127\.0\.0\.1:7777" + re.sub(r"{\w+}", r"[\\w$-]+", path).replace(".", r"\.") + r"(?![\w/])"
        )
        assert any(map(shown.search, asked)), path
        assert all(f"| `{method.upper()} {path}` |" in text for method in operations), path
    for name in TOOLS:
        assert f"### {name}\n" in text
        assert any(f'"name": "{name}"' in block.text for block in blocks("json tools/call"))


# The tests have no Docker engine, so they cannot build the image. The tests check that the files named in the
# Dockerfile exist, and run its start command and its health check without Docker.
def instructions(name: str) -> list[str]:
    text = CONTINUED.sub(" ", (ROOT / "Dockerfile").read_text("utf-8"))
    return [line.removeprefix(f"{name} ") for line in text.splitlines() if line.startswith(f"{name} ")]


def test_the_image_copies_only_files_that_exist_and_are_in_the_build_context() -> None:
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]

    assert copied
    assert all((ROOT / word).exists() and f"!{word}" in sent for word in copied)
    assert any("--require-hashes --requirement requirements.lock" in line for line in instructions("RUN"))
    assert instructions("USER") == ["octave"]


async def test_the_health_check_of_the_image_passes_only_if_a_server_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (start,), (check,) = instructions("CMD"), instructions("HEALTHCHECK")
    name, *arguments = json.loads(start)
    _, option, program = json.loads(check.partition("CMD ")[2])
    program = program.replace("timeout=4", "timeout=3600")
    monkeypatch.setenv("OCTAVE_HOME", str(tmp_path / "data"))
    refused = await octave(*arguments, cwd=tmp_path)
    async with serving(tokens=("some-long-token",)) as client:
        healthy = await command(option, program.replace("http://127.0.0.1:7777", base(client)), cwd=tmp_path)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{silent.getsockname()[1]}"
        unhealthy = await command(option, program.replace("http://127.0.0.1:7777", nowhere), cwd=tmp_path)

    assert name == "octave-mcp"
    assert refused.code == 3
    assert "OCTAVE_TOKENS" in refused.err
    assert (healthy.code, unhealthy.code) == (0, 1), healthy.err


def base(client: httpx2.AsyncClient) -> str:
    return str(client.base_url).rstrip("/")


def edge_cases(text: str) -> list[str]:
    """Return the first cells of the table of edge cases in the page of test results."""
    _, _, after = text.partition("| edge case | result |\n|---|---|\n")
    return re.findall(r"^\| (.+?) \|", after.partition("\n\n")[0], re.MULTILINE)


def test_the_page_of_test_results_has_the_results_of_all_tests_for_this_version_and_none_failed() -> None:
    text = reports.PAGE.read_text("utf-8")
    names = reports.scenarios((ROOT / reports.EDGE_CASES).read_text("utf-8"))

    assert f"- Version: {__version__}\n" in text, "run `make reports`"
    assert "- Tests: all test files" in text, "run `make reports` without FILES"
    assert "| not run |" not in text, "run `make reports`"
    assert "### Failed tests" not in text, "repair the failed tests, and run `make reports`"
    assert edge_cases(text) == [*map(reports.sentence, names)], "run `make reports`"
    assert len(names) > 20
    for case in reports.ELSEWHERE:
        assert f"\n| {case} |" in text, "run `make reports`"


@pytest.mark.parametrize(("file", "name"), reports.ELSEWHERE.values())
def test_an_edge_case_that_is_said_to_be_tested_elsewhere_is_tested_there(file: str, name: str) -> None:
    assert name in reports.scenarios((ROOT / file).read_text("utf-8"))


SUITE = """<testsuites><testsuite hostname="some-host">
<testcase classname="tests.test_edge_cases" name="test_it_rains" time="1.5"/>
<testcase classname="tests.test_edge_cases" name="test_it_snows[a-b]" time="0.5"/>
<testcase classname="tests.test_edge_cases" name="test_it_snows[c]" time="0.5"><failure>cold</failure></testcase>
<testcase classname="tests.contracts.test_stores" name="test_a" time="0.25"><skipped message="no Postgres"/></testcase>
<testcase classname="tests.contracts.test_stores" name="test_b" time="0.25"><error>broken</error></testcase>
</testsuite></testsuites>"""
LONG = """<testsuites><testsuite>
<testcase classname="tests.test_edge_cases" name="test_it_snows[d]" time="2"/>
</testsuite></testsuites>"""


def summary(lines: int, covered: int) -> dict[str, object]:
    return {"num_statements": lines, "covered_lines": covered, "missing_lines": lines - covered}


COVERAGE = json.dumps(
    {
        "files": {
            "octave_mcp/app.py": {"summary": summary(10, 10)},
            "octave_mcp/store/sql.py": {"summary": summary(3000, 2999)},
            "octave_mcp/store/rows.py": {"summary": summary(0, 0)},
        },
        "totals": summary(3010, 3009),
    }
)


def page_of(*files: str) -> str:
    setting = reports.Setting("1.2.3", date(2026, 1, 31), cores=2, python="3.11.7", files=files)
    names = reports.scenarios("async def test_it_rains(): ...\ndef test_it_snows(): ...\ndef test_new(): ...")
    return reports.page([SUITE, LONG], COVERAGE, setting, names)


def test_a_page_of_test_results_has_the_result_of_each_edge_case() -> None:
    text = page_of()
    assert edge_cases(text) == ["It rains", "It snows", "New"]
    assert "| It rains | passed |\n| It snows | 2 passed, 1 failed |\n| New | not run |\n" in text


def test_a_page_of_test_results_counts_the_results_of_each_file_and_names_failed_and_skipped_tests() -> None:
    text = page_of()
    assert "| `tests/contracts/test_stores.py` | 0 | 1 | 1 | 0.5 |\n" in text
    assert "| `tests/test_edge_cases.py` | 3 | 1 | 0 | 4.5 |\n| **total** | 3 | 2 | 1 | 5.0 |\n" in text
    assert "- `tests/test_edge_cases.py`: `test_it_snows[c]`\n" in text
    assert "- 1 in `tests/contracts/test_stores.py`: no Postgres\n" in text
    assert "some-host" not in text


def test_a_page_of_test_results_shows_the_coverage_of_packages_and_of_incomplete_modules() -> None:
    _, _, text = page_of().partition("## Line coverage")
    assert "| **`octave_mcp`** | 10 | 10 | 100.0% |\n" in text
    assert "| **`octave_mcp.store`** | 3000 | 2999 | 99.9% |\n| `sql` | 3000 | 2999 | 99.9% |\n" in text
    assert "`app`" not in text
    assert "| **total** | 3010 | 3009 | 99.9% |" in text


def test_a_page_of_test_results_says_which_tests_ran() -> None:
    assert (
        "- Version: 1.2.3\n- Date: 2026-01-31\n- Machine: 2 cores, Python 3.11.7\n- Tests: all test files" in page_of()
    )
    assert "- Tests: **only these test files:** `tests/test_a.py`" in page_of("tests/test_a.py")
