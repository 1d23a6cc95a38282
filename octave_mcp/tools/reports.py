"""The reports on runs that callers receive, and the functions that create these reports."""

from __future__ import annotations

import json
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting import outlines
from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.choices import CLIENT_ANSWERS, FORMATS, taken_by_default
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.deal import Brief
from octave_mcp.domain.events import Event
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.findings import DealFindings
from octave_mcp.domain.playbook import SECTIONS, Playbook, Summary
from octave_mcp.domain.prospect import ProspectIntelligence
from octave_mcp.domain.run import Revision, RunError, RunRecord, RunStatus
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import NotFinished
from octave_mcp.tools.paging import dumped
from octave_mcp.tools.refresh_summary import refresh_summary
from octave_mcp.tools.registry import Call

Wait = Annotated[float, Field(ge=0, le=600, description="Maximum wait; up to 55 over MCP")]


class Overview(Value):
    """A summary of a finished playbook.

    `outline` says which parts are outlines and how to get finished sales copy; it is empty if there are no outlines.
    """

    outline: str
    summary: str
    personas: tuple[str, ...]
    counts: dict[str, int]
    gaps: tuple[str, ...]
    flags: tuple[str, ...]
    usd: float | None
    seconds: float
    section_tokens: dict[str, int]


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
    """A run, one version of its playbook, the number of this version, and how many versions there are.

    If there is no playbook, `version` and `versions` are 0.
    """

    record: RunRecord
    playbook: Playbook | None
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
    record = await call.runs.follow(run_id, min(wait_seconds, call.max_wait_seconds), call.progress)
    versions = call.runs.versions
    try:
        number = (await versions.one(run_id, version)).number
        return RunState(record, await versions.playbook(run_id, number), number, len(await versions.listed(run_id)))
    except NotFinished:
        return RunState(record, None)


def with_default_model(report: R, record: RunRecord, call: Call) -> R:
    """If a run's model was chosen by default, say so in its first report, and say how to get better results."""
    if not record.by_default:
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


async def report_on(state: RunState, call: Call, *, overview: bool = True) -> RunReport:
    record, playbook = state.record, state.playbook
    last = await call.runs.progress(record.run_id)
    report = await computed(_report, record, last, playbook if overview else None)
    more: dict[str, object] = {"version": state.version, "versions": state.versions}
    next_call = _next(record, playbook, call)
    if record.revision and playbook and not record.error:
        version = f"version {state.version} of the playbook of {record.playbook_of}"
        more["message"] = f"{record.status}: {record.revision.section} is revised in {version}"
    if record.refreshes and playbook:
        summary = await refresh_summary(record, call.runs.versions)
        more["message"] = f"{record.status}: {summary.text}"
        if summary.older:
            compare = call.calls.compare.format(run_id=record.run_id, older=summary.older)
            next_call = f"{next_call}; {compare}"
    return report.model_copy(update={**more, "links": _links(state, call), "next": next_call})


def _links(state: RunState, call: Call) -> tuple[str, ...]:
    """Return the URIs of the playbook, one for each format. If the version is not the newest, include its number."""
    if state.playbook is None:
        return ()
    version = f"?version={state.version}" if state.version < state.versions else ""
    at = f"{call.calls.runs_at}{state.record.run_id}"
    return tuple(f"{at}/playbook.{form.suffix}{version}" for form in FORMATS)


def _report(record: RunRecord, last: Event | None, playbook: Playbook | None) -> RunReport:
    final = record.is_final
    return RunReport(
        run_id=record.run_id,
        session_id=record.session_id,
        status=record.status,
        step="" if final or last is None else last.step,
        message=record.error.message if record.error else record.status if final or last is None else last.text,
        done=last.done if last else 0,
        total=last.total if last else 0,
        error=record.error,
        estimate=None if final else record.estimate,
        overview=_overview(playbook) if playbook else None,
        revision=record.revision,
        files=record.files,
    )


def _next(record: RunRecord, playbook: Playbook | None, call: Call) -> str:
    calls, run_id = call.calls, record.run_id
    if record.status == "waiting":
        return f"{calls.question.format(run_id=run_id)}; answer each question until the run is final"
    if not record.is_final:
        return calls.follow.format(run_id=run_id)
    if not playbook:
        return ""
    notice = f". {outlined}" if (outlined := outlines.notice(playbook)) else ""
    return f"{calls.read.format(run_id=run_id)}{notice}"


def _overview(playbook: Playbook) -> Overview:
    # Estimate the tokens: a token has about four characters.
    sizes = {name: len(json.dumps(dumped(getattr(playbook, name)), ensure_ascii=False)) // 4 for name in SECTIONS}
    return Overview(
        outline=outlines.notice(playbook),
        summary=_brief(playbook.brief) if playbook.brief else _summary(playbook.executive_summary),
        personas=tuple(persona.title for persona in playbook.priority_personas),
        counts=_counts(playbook),
        gaps=tuple(f"{gap.section}: {gap.reason}"[:300] for gap in playbook.gaps[:12]),
        flags=tuple(f"{flag.code}: {flag.reason}" for flag in playbook.flags),
        usd=playbook.cost.usd,
        seconds=playbook.timings.total_seconds,
        section_tokens=sizes,
    )


def _brief(brief: Brief) -> str:
    why = " ".join(sentence.text for sentence in (brief.why_now, brief.means) if sentence)
    lines = (
        ("Call", ", ".join(filter(None, (brief.person, brief.title)))),
        (f"Why now ({brief.date})", why),
        ("Say first", brief.first_line),
    )
    return "\n\n".join(f"{title}: {text}" for title, text in lines if text)


def _summary(summary: Summary) -> str:
    paragraphs = (summary.whom_to_approach, summary.why_now, summary.how_to_engage)
    return "\n\n".join(" ".join(sentence.text for sentence in paragraph) for paragraph in paragraphs)


def _counts(playbook: Playbook) -> dict[str, int]:
    """Count the findings in each list of the playbook.

    If both companies have a list with the same name, the key of the second list starts with its company's role, such as
    'prospect_'.
    """
    counts: dict[str, int] = {}
    for role in playbook.companies:
        of_company = _company_counts(role, getattr(playbook, ROLES[role].section))
        counts |= {f"{role}_{name}" if name in counts else name: count for name, count in of_company.items()}
    counts |= {section: len(getattr(playbook, section)) for section in DealFindings.model_fields}
    return {**counts, "evidence": len(playbook.evidence), "pages": len(playbook.pages)}


def _company_counts(role: Role, section: VendorElements[EvidenceId] | ProspectIntelligence) -> dict[str, int]:
    if isinstance(section, VendorElements):
        return {kind: len(elements) for kind, elements in section.by_kind()}
    return {f"{role}_facts": len(section.company_profile.facts), "pain_points": len(section.pain_points)}
