"""Refreshes: read a deal's pages again, and update its playbook from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.domain.choices import AUTO
from octave_mcp.errors import NotFinished, ReusedRequest
from octave_mcp.runs.reruns import Named
from octave_mcp.tools.playbooks import Dollars, RequestId, RunId
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.reports import RunReport, Wait, followed


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
        str, Field(description="Else the one that wrote it; a different one is asked everything again")
    ] = AUTO,
    max_cost_usd: Dollars = None,
    request_id: RequestId = None,
    wait_seconds: Wait = 40,
    *,
    call: Call,
) -> RunReport:
    """Read all pages of a playbook again, and write its next version from them.

    Copy that the pages still support stays as it is, and so does what people wrote; only what they no longer say is
    rewritten, and what is new on them is added. If nothing has changed, nothing is asked, and there is no new version.
    """
    record = await call.runs.refresh(run_id, Named(model, max_cost_usd, request_id))
    return await followed(record.run_id, wait_seconds, call)
