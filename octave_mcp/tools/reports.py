"""The report on a run that a caller gets, and how it is made."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting import outlines
from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.choices import FORMATS, taken_by_default
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.deal import Brief
from octave_mcp.domain.events import Event
from octave_mcp.domain.evidence import EvidenceId
from octave_mcp.domain.findings import DealFindings
from octave_mcp.domain.playbook import SECTIONS, Playbook, Summary
from octave_mcp.domain.prospect import ProspectIntelligence
from octave_mcp.domain.run import RunError, RunRecord, RunStatus
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.tools.paging import dumped
from octave_mcp.tools.registry import Call

Wait = Annotated[float, Field(ge=0, le=600, description="Seconds to wait, over MCP at most 55")]


class Overview(Value):
    """A finished playbook in short.

    `outline` says which parts are outlines and how to get finished copy; '' if none is one.
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
    """How a run stands; `next` says which call to make."""

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
    files: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


class SectionReport(RunReport):
    """A run with the part of its playbook that was asked for, and without the overview.

    `section` has it under its name, or `markdown` as a text; `cursor`, passed on, gives the rest.
    """

    section: dict[str, Any] | None = None
    markdown: str = ""
    cursor: str | None = None


async def followed(run_id: str, wait_seconds: float, call: Call) -> RunReport:
    return await reported(*await awaited(run_id, wait_seconds, call), call)


async def awaited(run_id: str, wait_seconds: float, call: Call) -> tuple[RunRecord, Playbook | None]:
    """The run as it is then, and its playbook if it has ended with one."""
    record = await call.runs.follow(run_id, min(wait_seconds, call.longest_wait_seconds), call.progress)
    return record, await call.runs.playbook(run_id) if record.is_final else None


def begun(report: RunReport, record: RunRecord, call: Call) -> RunReport:
    """The first report on a run: it also says if the model was taken by default, and what would give more."""
    if not record.by_default:
        return report
    told = call.calls.said(taken_by_default(record.model))
    return report.model_copy(update={"message": f"{report.message}; {told}"})


def bare(record: RunRecord) -> dict[str, Any]:
    """What a report has beside a text: nothing that costs its reader many tokens."""
    return {
        "run_id": record.run_id,
        "session_id": record.session_id,
        "status": record.status,
        "message": record.status,
        "error": record.error,
    }


async def reported(record: RunRecord, playbook: Playbook | None, call: Call, *, overview: bool = True) -> RunReport:
    last = await call.runs.progress(record.run_id)
    found = await computed(_report, record, last, playbook if overview else None)
    links = tuple(f"{call.calls.runs_at}{record.run_id}/playbook.{form.suffix}" for form in FORMATS) if playbook else ()
    return found.model_copy(update={"links": links, "next": _next(record, playbook, call)})


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
        files=record.files,
    )


def _next(record: RunRecord, playbook: Playbook | None, call: Call) -> str:
    """The call to make, as the caller makes calls."""
    calls, run_id = call.calls, record.run_id
    if record.status == "waiting":
        return f"{calls.question.format(run_id=run_id)}; answer each, until the run is final"
    if not record.is_final:
        return calls.follow.format(run_id=run_id)
    if not playbook:
        return ""
    told = f". {outlined}" if (outlined := outlines.notice(playbook)) else ""
    return f"{calls.read.format(run_id=run_id)}{told}"


def _overview(playbook: Playbook) -> Overview:
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
    """Whom to call, why now, and what to say first."""
    why = " ".join(sentence.text for sentence in (brief.why_now, brief.means) if sentence)
    said = (
        ("Call", ", ".join(filter(None, (brief.person, brief.title)))),
        (f"Why now ({brief.date})", why),
        ("Say first", brief.first_line),
    )
    return "\n\n".join(f"{title}: {text}" for title, text in said if text)


def _summary(summary: Summary) -> str:
    paragraphs = (summary.whom_to_approach, summary.why_now, summary.how_to_engage)
    return "\n\n".join(" ".join(sentence.text for sentence in paragraph) for paragraph in paragraphs)


def _counts(playbook: Playbook) -> dict[str, int]:
    """What was found of each company, under plain names; what a name is taken for has that of the role before it."""
    counts: dict[str, int] = {}
    for role in playbook.companies:
        found = _found_of(role, getattr(playbook, ROLES[role].section))
        counts |= {f"{role}_{name}" if name in counts else name: count for name, count in found.items()}
    counts |= {section: len(getattr(playbook, section)) for section in DealFindings.model_fields}
    return {**counts, "evidence": len(playbook.evidence), "pages": len(playbook.pages)}


def _found_of(role: Role, section: VendorElements[EvidenceId] | ProspectIntelligence) -> dict[str, int]:
    if isinstance(section, VendorElements):
        return {kind: len(elements) for kind, elements in section.by_kind()}
    return {f"{role}_facts": len(section.company_profile.facts), "pain_points": len(section.pain_points)}
