"""The reports on runs that callers receive, and the functions that create these reports."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field

from octave_mcp.domain.choices import CLIENT_ANSWERS, FORMATS, taken_by_default
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.events import Event
from octave_mcp.domain.run import Revision, RunError, RunRecord, RunStatus
from octave_mcp.domain.value import Value
from octave_mcp.tools.overviews import Overview
from octave_mcp.tools.recent import reported
from octave_mcp.tools.registry import Call

Wait = Annotated[float, Field(ge=0, le=600, description="Maximum wait; up to 55 over MCP")]


class RunReport(Value):
    """The state of a run. `next` says which call to make next.

    `version` is the number of the playbook's version, and `versions` is how many versions there are. Without a
    playbook, `version` and `versions` are 0. If `revision` is set, the run makes a new version of another run's
    playbook, and `revision` names that run.
    """

    run_id: str
    session_id: str
    status: RunStatus
    step: str = ""
    message: str = ""
    done: int = 0
    total: int = 0
    next: str = ""
    error: RunError | None = None
    estimate: Estimate | None = None
    overview: Overview | None = None
    version: int = 0
    versions: int = 0
    revision: Revision | None = None
    files: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


R = TypeVar("R", bound=RunReport)


class RunState(NamedTuple):
    """A run, the number of one version of its playbook, and how many versions there are.

    If there is no playbook, `version` and `versions` are 0.
    """

    record: RunRecord
    version: int = 0
    versions: int = 0


class SectionReport(RunReport):
    """The state of a run, and the requested part of its playbook instead of an overview.

    Either `section` contains the part as JSON under its name, or `markdown` contains it as text. If `cursor` is set,
    the part is incomplete: pass `cursor` to the next call to get the rest.
    """

    section: dict[str, Any] | None = None
    markdown: str = ""
    cursor: str | None = None


async def wait_and_report(run_id: str, wait_seconds: float, call: Call) -> RunReport:
    return await report_on(await wait_for_run(run_id, wait_seconds, call), call)


async def wait_for_run(run_id: str, wait_seconds: float, call: Call, version: int | None = None) -> RunState:
    """Wait for the run to end, and return its state.

    `version` chooses the version of the playbook; default: the newest.
    """
    runs, seconds = call.runs, min(wait_seconds, call.max_wait_seconds)
    state = RunState(*await runs.versions.state(run_id, version))
    if state.record.is_settled or seconds <= 0:
        return state
    await runs.follow(run_id, seconds, call.progress)
    return RunState(*await runs.versions.state(run_id, version))


def with_default_model(report: R, record: RunRecord, call: Call) -> R:
    """If a run's model was chosen by default, say so in its first report, and say how to get better results."""
    if not record.by_default or report.error:
        return report
    notice = call.calls.with_local_names(CLIENT_ANSWERS if record.revision else taken_by_default(record.model))
    return report.model_copy(update={"message": f"{report.message}; {notice}"})


def short_fields(state: RunState) -> dict[str, Any]:
    """Return the fields of a report that contains Markdown. Leave out fields that cost many tokens."""
    record = state.record
    return {
        "run_id": record.run_id,
        "session_id": record.session_id,
        "status": record.status,
        "message": record.status,
        "error": record.error,
        "version": state.version,
        "versions": state.versions,
        "revision": record.revision,
    }


async def report_on(state: RunState, call: Call) -> RunReport:
    return RunReport(**await fields_of(state, call))


async def fields_of(state: RunState, call: Call, *, overview: bool = True) -> dict[str, Any]:
    """Return the fields of a report."""
    record = state.record
    made = await reported(record, state.version, call.runs) if state.version else None
    last = made.last if made else await call.runs.progress(record.run_id)
    next_call = _next(record, made.overview if made else None, call)
    message = _message(state, last)
    if made and (summary := made.refreshed):
        message = f"{record.status}: {summary.text}"
        if summary.older:
            compare = call.calls.compare.format(run_id=record.run_id, older=summary.older)
            next_call = f"{next_call}; {compare}"
    shown = {"overview": made.overview if made and overview else None, "message": message, "next": next_call}
    return (
        _fields(record, last)
        | shown
        | {
            "version": state.version,
            "versions": state.versions,
            "links": _links(state, call),
        }
    )


def _links(state: RunState, call: Call) -> tuple[str, ...]:
    """Return the URIs of the playbook, one for each format. If the version is not the newest, include its number."""
    if not state.version:
        return ()
    version = f"?version={state.version}" if state.version < state.versions else ""
    at = f"{call.calls.runs_at}{state.record.run_id}"
    return tuple(f"{at}/playbook.{form.suffix}{version}" for form in FORMATS)


def _fields(record: RunRecord, last: Event | None) -> dict[str, Any]:
    final = record.is_final
    return {
        "run_id": record.run_id,
        "session_id": record.session_id,
        "status": record.status,
        "step": "" if final or last is None else last.step,
        "done": last.done if last else 0,
        "total": last.total if last else 0,
        "error": record.error,
        "estimate": None if final else record.estimate,
        "revision": record.revision,
        "files": record.files,
    }


def _message(state: RunState, last: Event | None) -> str:
    record = state.record
    if record.error:
        return record.error.message
    if record.revision and state.version:
        version = f"version {state.version} of the playbook of {record.playbook_of}"
        return f"{record.status}: {record.revision.section} is revised in {version}"
    return record.status if record.is_final or last is None else last.text


def _next(record: RunRecord, overview: Overview | None, call: Call) -> str:
    calls, run_id = call.calls, record.run_id
    if record.status == "waiting":
        return f"{calls.question.format(run_id=run_id)}; answer each question until the run is final"
    if not record.is_final:
        return calls.follow.format(run_id=run_id)
    if not overview:
        return ""
    notice = f". {overview.outline}" if overview.outline else ""
    return f"{calls.read.format(run_id=run_id)}{notice}"
