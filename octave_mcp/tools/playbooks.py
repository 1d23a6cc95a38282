"""Playbooks: start a run that writes one, see its status, cancel it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import AUTO, MODEL_HELP, PAGES_HELP, SOURCE_HELP
from octave_mcp.domain.playbook import SECTIONS
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.errors import UnknownName
from octave_mcp.tools.paging import section_piece
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.reports import RunReport, SectionReport, Wait, awaited, followed, reported

Vendor = Annotated[str, Field(description="Who sells, e.g. 'posthog.com'", min_length=1, max_length=2048)]
Prospect = Annotated[str, Field(description="Who should buy, e.g. 'supabase.com'", min_length=1, max_length=2048)]
Context = Annotated[str, Field(max_length=1000, description="What to sell, to whom, what you know; never evidence")]
Model = Annotated[str, Field(description=MODEL_HELP)]
Source = Annotated[str, Field(description=SOURCE_HELP)]
Language = Annotated[str, Field(max_length=35, description="Language of the playbook, e.g. 'en'")]
Pages = Annotated[int | None, Field(ge=1, le=200, description=PAGES_HELP)]
Dollars = Annotated[float | None, Field(gt=0, description="The most that models may cost")]
Refresh = Annotated[bool, Field(description="Use nothing kept from the last 24 h")]
SessionId = Annotated[str | None, Field(max_length=64, description="From an earlier run, to keep them together")]
RequestId = Annotated[
    str | None, Field(max_length=255, description="Your own id: asked again, the same run is returned")
]
RunId = Annotated[str, Field(description="From generate_playbook")]
Section = Annotated[
    str | None,
    Field(description="One section in full: 'email_sequences', 'talk_tracks', ... (see the overview); or a part of it"),
]
Cursor = Annotated[str | None, Field(description="From the last answer, for the rest of a long section")]


@tool("POST", "/runs", title="Generate a sales playbook", open_world=True)
async def generate_playbook(
    vendor_domain: Vendor,
    prospect_domain: Prospect,
    context: Context = "",
    model: Model = AUTO,
    source: Source = AUTO,
    language: Language = "en",
    max_pages: Pages = None,
    max_cost_usd: Dollars = None,
    refresh: Refresh = False,
    session_id: SessionId = None,
    request_id: RequestId = None,
    wait_seconds: Wait = 40,
    *,
    call: Call,
) -> RunReport:
    """Research both companies on the web and write a playbook for selling to the prospect.

    Whom to approach and why, e-mail sequences, talk tracks, battle cards. Returns after `wait_seconds` at the latest,
    with a run_id for get_run; the run goes on whether or not anyone waits. Every claim cites its page; what is not
    found is listed in `gaps`, never invented.
    """
    request = PlaybookRequest(
        vendor=vendor_domain,
        prospect=prospect_domain,
        context=context,
        model=model,
        source=source,
        language=language,
        max_pages=max_pages,
        max_cost_usd=max_cost_usd,
        refresh=refresh,
        session_id=session_id,
        request_id=request_id,
    )
    record = await call.runs.start(request)
    return await followed(record.run_id, wait_seconds, call)


@tool("GET", "/runs/{run_id}", title="Get a run", read_only=True)
async def get_run(
    run_id: RunId, section: Section = None, cursor: Cursor = None, wait_seconds: Wait = 40, *, call: Call
) -> SectionReport:
    """How a run stands, and its playbook once it is final: a summary, or one `section` in full.

    Waits up to `wait_seconds` for the run to end, telling progress meanwhile.
    """
    if section is not None and section.split(".")[0] not in SECTIONS:
        raise UnknownName(f"there is no section {section!r}; choose one of {', '.join(SECTIONS)}")
    record, playbook = await awaited(run_id, wait_seconds, call)
    if section is None or playbook is None:
        return SectionReport(**dict(await reported(record, playbook, call)))
    part = await computed(section_piece, playbook, section, cursor)
    return SectionReport(**dict(await reported(record, playbook, call, overview=False)), **part)


@tool("POST", "/runs/{run_id}/cancel", title="Cancel a run", idempotent=True, destructive=True)
async def cancel_run(run_id: RunId, *, call: Call) -> RunReport:
    """Stop a run that is under way; one that has ended stays as it is."""
    await call.runs.cancel(run_id)
    return await followed(run_id, 0, call)
