"""Tests of the commands that list, export, cancel and delete runs, including runs that another process started."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import ROOT, Finished, Pair, command, names_in, octave, read_json
from playbooks import sample_playbook

from octave_mcp.app import App, write_files
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.errors import StoreFailed
from octave_mcp.exports.files import PlaybookFiles
from octave_mcp.runs.service import Runs
from octave_mcp.settings import load
from octave_mcp.store.sql import SqlStore
from octave_mcp.tools.registry import ignore_event

FILES = {"playbook.json", "playbook.md", "playbook.html"}
IMPORTED = """
import sys
from octave_mcp.surfaces.cli.main import main
for arguments in (["runs"], ["sessions"], ["export", "run_none"], ["cancel", "run_none"]):
    sys.argv[1:] = arguments
    main()
    heavy = ("fastmcp", "dbos", "sqlalchemy", "starlette")
    print(arguments[0], *(name for name in heavy if name in sys.modules))
"""


@asynccontextmanager
async def executing() -> AsyncGenerator[Runs]:
    runs = App(load()).runs
    await runs.open()
    yield runs
    await runs.close()


async def two_runs(held_pair: Pair) -> tuple[str, str]:
    async with executing() as runs:
        started = [await runs.start(about(held_pair)) for _ in range(2)]
        # Cancel the second run first. It waits for pages that the first run fetches for both runs, and the first run
        # cannot end while the second run is waiting.
        second, first = [(await runs.cancel(record.run_id)).run_id for record in reversed(started)]
    return first, second


def about(pair: Pair) -> PlaybookRequest:
    return PlaybookRequest(vendor=pair.vendor.host, prospect=pair.prospect.host, max_pages=4)


async def test_runs_are_listed_newest_first_in_one_line_each(held_pair: Pair, tmp_path: Path) -> None:
    first, second = await two_runs(held_pair)
    ended = await octave("runs", cwd=tmp_path)

    assert ended.code == 0
    assert [line.split()[:2] for line in ended.out.splitlines()] == [[second, "cancelled"], [first, "cancelled"]]
    assert f"{held_pair.vendor.host} -> {held_pair.prospect.host}" in ended.out
    assert ended.err == ""


async def test_a_list_continues_at_its_cursor(held_pair: Pair, tmp_path: Path) -> None:
    first, second = await two_runs(held_pair)
    newest = await octave("runs", "--limit", "1", cwd=tmp_path)
    listed = json.loads((await octave("runs", "--limit", "1", "--json", cwd=tmp_path)).out)
    older = json.loads((await octave("runs", "--cursor", listed["cursor"], "--json", cwd=tmp_path)).out)

    assert newest.err == f"for older runs, add --cursor {second}\n"
    assert [run["run_id"] for run in listed["runs"]] == [second]
    assert [run["run_id"] for run in older["runs"]] == [first]
    assert older["cursor"] is None


async def test_a_session_is_listed_with_its_runs_until_it_is_deleted(pair: Pair, tmp_path: Path, home: Path) -> None:
    async with executing() as runs:
        run = (await runs.start(about(pair))).run_id
        while not (await runs.follow(run, 600, ignore_event)).is_final:
            pass
        write_files(await runs.finished(run), tmp_path / "made")
    before = names_in(home / "playbooks")
    sessions = json.loads((await octave("sessions", "--json", cwd=tmp_path)).out)["sessions"]
    session = sessions[0]["session_id"]
    table = await octave("sessions", cwd=tmp_path)
    listed = await octave("sessions", session, cwd=tmp_path)
    same = await octave("runs", "--session", session, cwd=tmp_path)
    deleted = await octave("sessions", "--delete", session, cwd=tmp_path)
    after = await octave("runs", cwd=tmp_path)

    assert [listed_session["runs"] for listed_session in sessions] == [1]
    assert table.out.startswith(session)
    assert "1 run" in table.out
    assert listed.out == same.out
    assert listed.out.split()[:2] == [run, "completed"]
    assert (deleted.code, deleted.out) == (0, f"deleted {session} with 1 run\n")
    assert after.out == ""
    assert before
    assert names_in(home / "playbooks") == set()
    assert names_in(tmp_path / "made") == FILES


async def test_an_empty_list_prints_a_hint_unless_quiet_is_set(tmp_path: Path) -> None:
    for name in ("runs", "sessions"):
        ended = await octave(name, cwd=tmp_path)
        quiet = await octave(name, "--quiet", cwd=tmp_path)

        assert (ended.code, ended.out) == (0, "")
        assert "octave-mcp generate" in ended.err
        assert (quiet.out, quiet.err) == ("", "")


async def test_export_writes_the_same_files_as_generate_into_a_new_folder(finished: Finished, tmp_path: Path) -> None:
    app = App(load(), engine="inline")
    await app.runs.open(executing=False)
    write_files(await app.runs.finished(finished.run_id), tmp_path / "made")
    await app.runs.close()
    first = await octave("export", finished.run_id, cwd=tmp_path)
    second = await octave("export", finished.run_id, cwd=tmp_path)

    folder = f"playbook-{finished.pair.vendor.host}-{finished.pair.prospect.host}".replace(":", "_")
    assert first.code == second.code == 0
    assert names_in(tmp_path / folder) == names_in(tmp_path / f"{folder}-2") == FILES
    assert (tmp_path / folder / "playbook.html").read_bytes() == (tmp_path / "made" / "playbook.html").read_bytes()
    assert set(first.out.split()) == {f"{folder}/{name}" for name in FILES}


async def test_only_the_requested_formats_are_written(finished: Finished, tmp_path: Path) -> None:
    formats = ("--format", "markdown", "--format", "json", "--format", "json")
    ended = await octave("export", finished.run_id, *formats, "--out", "there", "--json", cwd=tmp_path)

    assert names_in(tmp_path / "there") == {"playbook.md", "playbook.json"}
    assert json.loads(ended.out)["files"] == ["there/playbook.md", "there/playbook.json"]


async def test_every_quotation_can_be_checked_against_the_exported_pages(finished: Finished, tmp_path: Path) -> None:
    ended = await octave("export", finished.run_id, "--out", "there", "--pages", cwd=tmp_path)

    assert ended.code == 0
    playbook = Playbook.model_validate(read_json(tmp_path / "there" / "playbook.json"))
    pages = {file.stem: file.read_bytes() for file in (tmp_path / "there" / "pages").iterdir()}
    assert pages.keys() == {evidence.page_sha256 for evidence in playbook.evidence.values()}
    assert all(sha256(text).hexdigest() == name for name, text in pages.items())
    for evidence in playbook.evidence.values():
        assert evidence.quote in pages[evidence.page_sha256].decode()


@pytest.mark.long
async def test_cancelling_a_run_from_another_process_ends_the_command_that_waits_for_it(
    held_pair: Pair, tmp_path: Path
) -> None:
    waiting = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "octave_mcp", "generate", held_pair.vendor.host, held_pair.prospect.host, "--quiet"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    await asyncio.to_thread(held_pair.vendor.asked.wait)
    run = json.loads((await octave("runs", "--json", cwd=tmp_path)).out)["runs"][0]
    unfinished = await octave("export", run["run_id"], cwd=tmp_path)
    cancelled = await octave("cancel", run["run_id"], cwd=tmp_path)
    again = await octave("cancel", run["run_id"], "--json", cwd=tmp_path)
    _, err = await waiting.communicate()

    assert run["status"] == "running"
    assert unfinished.code == 1
    assert "is running; try again when it has ended" in unfinished.err
    assert (cancelled.code, cancelled.out) == (0, f"{run['run_id']} is cancelled\n")
    assert json.loads(again.out)["status"] == "cancelled"
    assert waiting.returncode == 1
    assert err.splitlines()[-1] == b"error: the run was cancelled", err
    assert names_in(tmp_path) == {"home"}


@pytest.mark.long
async def test_no_command_loads_a_server_and_only_cancel_loads_the_engine(tmp_path: Path) -> None:
    ended = await command("-c", IMPORTED, cwd=tmp_path)

    assert [line.split() for line in ended.out.splitlines()] == [
        ["runs", "sqlalchemy"],
        ["sessions", "sqlalchemy"],
        ["export", "sqlalchemy"],
        ["cancel", "dbos", "sqlalchemy"],
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("runs", "--limit", "0"), 2, "--limit"),
        (("runs", "--limit", "101"), 2, "--limit"),
        (("runs", "--limit", "many"), 2, "many"),
        (("runs", "run_1"), 2, "run_1"),
        (("runs", "--session", "sess_none"), 1, "there is no session 'sess_none'"),
        (("runs", "--cursor", "run_none"), 2, "'run_none' is not a valid cursor"),
        (("sessions", "--cursor", "sess_none"), 2, "'sess_none' is not a valid cursor"),
        (("sessions", "sess_none"), 1, "there is no session 'sess_none'"),
        (("sessions", "--limit", "-1"), 2, "--limit"),
        (("sessions", "--delete"), 2, "--delete"),
        (("sessions", "--delete", "sess_none"), 1, "there is no session 'sess_none'"),
        (("sessions", "sess_a", "--delete", "sess_b"), 2, "SESSION and --delete cannot be combined"),
        (("export",), 2, "RUN"),
        (("export", "run_none"), 1, "there is no run 'run_none'"),
        (("export", "run_none", "--format"), 2, "--format"),
        (("export", "run_none", "--format", "docx"), 2, "there is no format 'docx'"),
        (("cancel",), 2, "RUN"),
        (("cancel", "run_none"), 1, "there is no run 'run_none', or it was deleted; octave-mcp runs shows what"),
        (("cancel", "run_none", "run_other"), 2, "run_other"),
    ],
    ids=str,
)
async def test_invalid_arguments_cause_a_one_line_error(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path
) -> None:
    ended = await octave(*arguments, cwd=tmp_path)

    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert message in ended.err


async def test_nothing_is_written_for_an_unknown_format_or_an_unwritable_folder(
    finished: Finished, tmp_path: Path
) -> None:
    run = finished.run_id
    (tmp_path / "taken").write_text("a file")
    unknown = await octave("export", run, "--format", "json", "--format", "docx", "--out", "there", cwd=tmp_path)
    taken = await octave("export", run, "--out", "taken", cwd=tmp_path)

    assert unknown.code == taken.code == 2
    assert unknown.err == "error: there is no format 'docx'; choose one of json, markdown, html\n"
    assert taken.err == "error: cannot write to 'taken': File exists; choose another --out folder\n"
    assert names_in(tmp_path) == {"taken"}


async def test_an_unreadable_database_causes_a_one_line_error(tmp_path: Path, home: Path) -> None:
    (tmp_path / "home").mkdir()
    (home / "octave.db").write_bytes(b"no database, but long enough to be taken for one" * 100)
    ended = await octave("runs", cwd=tmp_path)

    assert ended.code == 1
    assert ended.err.startswith("error: the database cannot be used: ")
    assert ended.err.count("\n") == 1


@pytest.mark.usefixtures("finished")
async def test_a_closed_pipe_ends_the_command_without_an_error_message(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "octave_mcp", "runs"),
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(write)
    _, err = await process.communicate()

    assert (process.returncode, err) == (1, b"")


class FailingStore(SqlStore):
    """A store whose first attempt to record the folder of a run fails."""

    has_failed = False

    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        if key.startswith("folder of ") and not self.has_failed:
            self.has_failed = True
            raise StoreFailed("the server has crashed")
        await super().put_value(key, text, run_id=run_id)


async def test_a_run_has_one_folder_even_if_its_server_crashes_while_creating_it(tmp_path: Path) -> None:
    folders, store = tmp_path / "playbooks", FailingStore(f"sqlite:///{tmp_path / 'octave.db'}")
    await store.open()
    playbook = sample_playbook()
    with pytest.raises(StoreFailed):
        await PlaybookFiles(store, folders).publish("run_1", playbook)
    others = await PlaybookFiles(store, folders).publish("run_2", playbook)
    files = await PlaybookFiles(store, folders).publish("run_1", playbook)
    assert {Path(file).parent for file in (*files, *others)} == {*folders.iterdir()}
    assert names_in(Path(files[0]).parent) == {"playbook.json", "playbook.md", "playbook.html"}

    store.has_failed = False
    with pytest.raises(StoreFailed):
        await PlaybookFiles(store, folders).publish("run_3", playbook)
    for run_id, run_files in {"run_1": files, "run_3": ()}.items():
        await PlaybookFiles(store, folders).remove(run_id, run_files)
    assert {Path(file).parent for file in others} == {*folders.iterdir()}
    await store.close()
