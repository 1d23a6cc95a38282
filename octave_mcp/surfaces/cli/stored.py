"""Commands about what is kept: they read, cancel and delete runs, and execute none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.terminal import DONE, PLAIN, Output, called, listed, log, opened, table, tool
from octave_mcp.tools.functions import Deleted, RunLine, RunReport, SessionLine, SessionList, cursor_of, run_line

if TYPE_CHECKING:
    from octave_mcp.app import App

Limit = Annotated[int, Parameter(help="How many, up to 100", validator=validators.Number(gte=1, lte=100))]
Cursor = Annotated[str | None, Parameter(help="From the last answer, for older ones")]


class RunList(Value):
    """Runs, the newest first; `cursor` asks for older ones."""

    runs: tuple[RunLine, ...]
    cursor: str | None


class Exported(Value):
    """What was written; `missing` are the digests of pages that are no longer kept."""

    run_id: str
    files: tuple[str, ...]
    pages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def runs(
    *,
    session: Annotated[str | None, Parameter(help="Of this session alone")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
    output: Output = PLAIN,
) -> int:
    """List runs, the newest first."""
    found = asyncio.run(_runs(session, limit, cursor, output))
    output.result(found, lambda: _run_table(found.runs))
    if not found.runs:
        output.hint("no runs yet: 'octave-mcp generate VENDOR PROSPECT' starts one")
    elif found.cursor:
        output.hint(f"older ones: --cursor {found.cursor}")
    return DONE


def sessions(
    session: Annotated[str | None, Parameter(help="Of this session alone, its runs")] = None,
    /,
    *,
    limit: Limit = 20,
    cursor: Cursor = None,
    delete: Annotated[str | None, Parameter(help="Delete this session for good, with all that is kept of it")] = None,
    output: Output = PLAIN,
) -> int:
    """List sessions, the newest first, or the runs of one; or delete one."""
    if delete is not None:
        return _delete(session, delete, output)
    found: SessionList = asyncio.run(_asked("list_sessions", output, session_id=session, limit=limit, cursor=cursor))
    output.result(found, lambda: _run_table(found.runs) if session else _session_table(found.sessions))
    if not found.sessions:
        output.hint("no sessions yet: 'octave-mcp generate VENDOR PROSPECT' begins one")
    elif found.cursor:
        output.hint(f"older ones: --cursor {found.cursor}")
    return DONE


def cancel(run: Annotated[str, Parameter(help="From runs or generate")], /, *, output: Output = PLAIN) -> int:
    """Stop RUN, wherever it is executed; one that has ended stays as it is."""
    report: RunReport = asyncio.run(_asked("cancel_run", output, engine="durable", run_id=run))
    output.result(report, lambda: f"{report.run_id} is {report.status}")
    return DONE


def export(
    run: Annotated[str, Parameter(help="From runs or generate")],
    /,
    *,
    formats: Annotated[
        tuple[str, ...],
        Parameter(name="--format", negative=(), help="json, markdown or html; may be repeated; else all"),
    ] = (),
    out: Annotated[Path | None, Parameter(help="Folder for the files; else a new one named for both companies")] = None,
    pages: Annotated[
        bool, Parameter(negative=(), help="Also the text of each page that is quoted, as pages/DIGEST.md")
    ] = False,
    output: Output = PLAIN,
) -> int:
    """Write the playbook of RUN into files."""
    done = asyncio.run(_export(run, out, formats, pages, output))
    output.result(done, lambda: "\n".join((*done.files, *done.pages)))
    if done.missing:
        output.hint(listed("pages that are no longer kept", done.missing))
    return DONE


def write(playbook: Playbook, out: Path | None, *, name: str = "", formats: Sequence[str] = ()) -> tuple[str, ...]:
    """Into the folder asked for; else into that of the name, or into a new one named for both companies.

    Raises:
        InputError: it cannot be written to.
    """
    from octave_mcp.app import free_folder, write_files  # noqa: PLC0415 - help and settings are shown without it

    chosen = out or Path(name or f"playbook-{playbook.vendor.domain}-{playbook.prospect.domain}".replace(":", "_"))
    try:
        return write_files(playbook, chosen if out or name else free_folder(chosen), formats)
    except OSError as failed:
        raise _unwritable(chosen, failed) from None


def check_folder(folder: Path | None) -> None:
    """Before a run is paid for: whether its files can be written there.

    Raises:
        InputError: they cannot be.
    """
    for place in (folder, *folder.parents) if folder else ():
        if place.exists():
            try:
                TemporaryFile(dir=place).close()
            except OSError:
                raise InputError(
                    f"cannot write to {str(folder)!r}: {str(place)!r} is not a folder to write to; choose another --out"
                ) from None
            return


def _unwritable(folder: Path, failed: OSError) -> InputError:
    return InputError(f"cannot write to {str(folder)!r}: {failed.strerror}; choose another --out")


def _delete(session: str | None, delete: str, output: Output) -> int:
    if session is not None:
        raise InputError(f"{session!r} is one session too many; say --delete {delete} alone")
    deleted: Deleted = asyncio.run(_asked("delete_session", output, engine="durable", session_id=delete))
    output.result(deleted, lambda: f"{deleted.session_id} is deleted, with its runs: {deleted.runs}")
    return DONE


@asynccontextmanager
async def _reading(output: Output, engine: str = "inline") -> AsyncGenerator[App]:
    """What is kept, as it is: no run is executed here. Only the engine that executes them can cancel or forget one."""
    settings = load()
    log(settings, output, stderr_level="WARNING")
    async with opened(settings, engine=engine, executing=False) as app:
        yield app


async def _asked(name: str, output: Output, *, engine: str = "inline", **arguments: Any) -> Any:  # noqa: ANN401 - the tool's own
    async with _reading(output, engine) as app:
        return await tool(name, called(app), **arguments)


async def _runs(session: str | None, limit: int, cursor: str | None, output: Output) -> RunList:
    async with _reading(output) as app:
        if session is not None:
            await app.runs.session(session)
        if cursor is not None:
            await app.runs.get(cursor)
        found = await app.runs.list_runs(session, limit + 1, cursor)
    return RunList(runs=tuple(map(run_line, found[:limit])), cursor=cursor_of([r.run_id for r in found], limit))


async def _export(run_id: str, out: Path | None, formats: Sequence[str], pages: bool, output: Output) -> Exported:
    async with _reading(output) as app:
        playbook = await app.runs.finished(run_id)
        files = write(playbook, out, formats=tuple(dict.fromkeys(formats)))
        if not pages:
            return Exported(run_id=run_id, files=files)
        texts = {sha: await app.runs.page_text(sha) for sha in sorted(_cited(playbook))}
    kept = {sha: text for sha, text in texts.items() if text is not None}
    written = _write_pages(Path(files[0]).parent / "pages", kept)
    return Exported(run_id=run_id, files=files, pages=written, missing=tuple(texts.keys() - kept.keys()))


def _cited(playbook: Playbook) -> set[str]:
    return {evidence.page_sha256 for evidence in playbook.evidence.values()}


def _write_pages(folder: Path, texts: dict[str, str]) -> tuple[str, ...]:
    """As bytes: the name of a file is the digest of what is in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for sha, text in texts.items():
            (folder / f"{sha}.md").write_bytes(text.encode())
    except OSError as failed:
        raise _unwritable(folder, failed) from None
    return tuple(str(folder / f"{sha}.md") for sha in texts)


def _run_table(lines: Sequence[RunLine]) -> str:
    return table((line.run_id, line.status, _time(line.created_at), _pair(line)) for line in lines) if lines else ""


def _session_table(lines: Sequence[SessionLine]) -> str:
    rows = (
        (line.session_id, _time(line.created_at), _count(line.runs), _pair(line.latest) if line.latest else "")
        for line in lines
    )
    return table(rows) if lines else ""


def _pair(line: RunLine) -> str:
    return f"{line.vendor} -> {line.prospect}"


def _count(runs: int) -> str:
    return "1 run" if runs == 1 else f"{runs} runs"


def _time(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"
