"""Tool: let a model rewrite part of a playbook, as a new version."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.choices import AUTO
from octave_mcp.domain.run import RevisionRequest
from octave_mcp.errors import NotFinished, Outdated, ReusedRequest
from octave_mcp.tools.playbooks import RequestId, RunId, section_report
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.reports import SectionReport, Wait, wait_for_run, with_default_model


@tool(
    "POST",
    "/runs/{run_id}/revise",
    title="Revise a playbook",
    open_world=True,
    errors=(NotFinished, Outdated, ReusedRequest),
    unlisted=("base_version", "request_id"),
)
async def revise_playbook(
    run_id: RunId,
    section: Annotated[
        str, Field(min_length=1, max_length=500, description="Section or part: 'email_sequences.persona-1.touches[2]'")
    ],
    instruction: Annotated[
        str, Field(min_length=1, max_length=1000, description="What to change; not used as evidence")
    ],
    model: Annotated[str, Field(description="Default: the run's model")] = AUTO,
    base_version: Annotated[
        int | None, Field(ge=1, description="The version that you have read; default: newest")
    ] = None,
    request_id: RequestId = None,
    wait_seconds: Wait = 40,
    *,
    call: Call,
) -> SectionReport:
    """Rewrite a section or part as a new version. Other parts and human edits do not change."""
    wanted = RevisionRequest(
        run_id=run_id,
        section=section,
        instruction=instruction,
        model=model,
        base_version=base_version,
        request_id=request_id,
    )
    calls = call.calls
    record = await call.runs.revise(wanted, calls.keyless_model, has_client=calls.has_client)
    report = await section_report(await wait_for_run(record.run_id, wait_seconds, call), call)
    return with_default_model(report, record, call)
