"""Tool: read the pages of a playbook again and update the playbook."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.choices import AUTO
from octave_mcp.domain.run import Named
from octave_mcp.errors import NotFinished, ReusedRequest
from octave_mcp.tools.playbooks import Dollars, RequestId, RunId
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.reports import RunReport, Wait, wait_and_report


@tool(
    "POST",
    "/runs/{run_id}/refresh",
    title="Refresh a playbook",
    open_world=True,
    in_tool_list=False,
    errors=(NotFinished, ReusedRequest),
)
async def refresh_playbook(
    run_id: RunId,
    model: Annotated[
        str,
        Field(description="Default: the model that wrote the playbook. A different model is asked all questions again"),
    ] = AUTO,
    max_cost_usd: Dollars = None,
    request_id: RequestId = None,
    wait_seconds: Wait = 40,
    *,
    call: Call,
) -> RunReport:
    """Read all pages of a playbook again and write its next version.

    Text that a person wrote, or that the pages still support, does not change. Unsupported text is rewritten, and new
    findings are added. If nothing has changed, no model is asked and no new version is written.
    """
    record = await call.runs.refresh(run_id, Named(model, max_cost_usd, request_id))
    return await wait_and_report(record.run_id, wait_seconds, call)
