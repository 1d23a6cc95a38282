"""Tools: start a run that writes a playbook, read its status and its playbook, and cancel it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.choices import AUTO, MODEL_HELP, PAGES_HELP, SOURCE_HELP
from octave_mcp.domain.languages import language_code
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.domain.sender import Sender
from octave_mcp.tools.markdown import markdown
from octave_mcp.tools.objects import object_of
from octave_mcp.tools.paging import SECTION_CHARACTERS, Json, dumped, piece_at, pieces_of
from octave_mcp.tools.parts import Parts, check_names, parts_of
from octave_mcp.tools.registry import Call, tool
from octave_mcp.tools.reports import (
    RunReport,
    RunState,
    SectionReport,
    Wait,
    fields_of,
    short_fields,
    wait_and_report,
    wait_for_run,
    with_default_model,
)

Vendor = Annotated[str, Field(description="The seller, e.g. 'posthog.com'", min_length=1, max_length=2048)]
Prospect = Annotated[str, Field(description="The buyer, e.g. 'supabase.com'", min_length=1, max_length=2048)]
Context = Annotated[
    str, Field(max_length=1000, description="What to sell, to whom, and what you know; not used as evidence")
]
Model = Annotated[str, Field(description=MODEL_HELP)]
Source = Annotated[str, Field(description=SOURCE_HELP)]
Language = Annotated[str, Field(max_length=35, description="Language of the playbook, e.g. 'en'")]
Pages = Annotated[int | None, Field(ge=1, le=200, description=PAGES_HELP)]
Dollars = Annotated[float | None, Field(gt=0, allow_inf_nan=False, description="Maximum cost of model calls")]
Refresh = Annotated[
    bool, Field(description="Ignore caches; if session_id is from an earlier run of this deal, update its playbook")
]
SenderOfEmails = Annotated[
    Sender | None, object_of(Sender), Field(description="E-mail sender; default: from the settings")
]
SessionId = Annotated[str | None, Field(max_length=64, description="From an earlier run, to group the runs")]
RequestId = Annotated[str | None, Field(max_length=255, description="Your own ID; repeating it returns the same run")]
RunId = Annotated[str, Field(description="From generate_playbook")]
Section = Annotated[
    str | None,
    Field(
        description="'brief', 'email_sequences', 'talk_tracks', 'battle_cards', ... (the overview lists all), "
        "or a part: 'battle_cards.why_we_win'"
    ),
]
Persona = Annotated[
    str | None,
    Field(
        description="1, 'persona-1' or the title. Without a section: persona and e-mails",
        coerce_numbers_to_str=True,
    ),
]
Form = Annotated[
    Literal["json", "markdown"], Field(description="'markdown': short text with quotations, to read to your user")
]
VersionNumber = Annotated[int | None, Field(description="Default: newest")]
Cursor = Annotated[str | None, Field(description="From the last result, to get the rest of a section")]


def playbook_request(vendor: str, prospect: str, language: str, **options: Any) -> PlaybookRequest:  # noqa: ANN401 - other fields
    """Return the request for a playbook in this language, which can be a code or a name.

    Raises:
        UnsupportedLanguage: If there is no such language.
    """
    return PlaybookRequest(vendor=vendor, prospect=prospect, language=language_code(language), **options)


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
    sender: SenderOfEmails = None,
    session_id: SessionId = None,
    request_id: RequestId = None,
    wait_seconds: Wait = 40,
    *,
    call: Call,
) -> RunReport:
    """Research both companies on the web and write a playbook for selling to the prospect.

    Covers whom to approach and why, e-mails, call scripts and battle cards. Returns within `wait_seconds` with a run_id
    for get_run; the run continues in the background. Every claim cites its page. Nothing is invented: `gaps` lists what
    was not found.
    """
    request = playbook_request(
        vendor_domain,
        prospect_domain,
        language,
        context=context,
        model=model,
        source=source,
        max_pages=max_pages,
        max_cost_usd=max_cost_usd,
        refresh=refresh,
        sender=sender,
        session_id=session_id,
        request_id=request_id,
    )
    record = await call.runs.start(request, call.calls.keyless_model)
    return with_default_model(await wait_and_report(record.run_id, wait_seconds, call), record, call)


@tool("GET", "/runs/{run_id}", title="Get a run", read_only=True)
async def get_run(
    run_id: RunId,
    section: Section = None,
    persona: Persona = None,
    format: Form = "json",  # noqa: A002 - the name that callers use
    cursor: Cursor = None,
    version: VersionNumber = None,
    wait_seconds: Wait = 40,
    *,
    call: Call,
) -> SectionReport:
    """Get a run's status and, when it is final, its playbook: a summary, a `section`, or the parts for a `persona`.

    Pass section='email_sequences', persona='1', format='markdown' for the first persona's e-mails, or only
    format='markdown' for the brief. Waits up to `wait_seconds` for the run to end.
    """
    check_names(section, persona)
    state = await wait_for_run(run_id, wait_seconds, call, version)
    return await section_report(state, call, section, persona, is_text=format == "markdown", cursor=cursor)


async def section_report(
    state: RunState,
    call: Call,
    section: str | None = None,
    persona: str | None = None,
    *,
    is_text: bool = False,
    cursor: str | None = None,
) -> SectionReport:
    """Report on a run and on part of its playbook.

    For a revision, report on the rewritten part if neither `section` nor `persona` is given.
    """
    record, revision = state.record, state.record.revision
    section = section or (revision.section if revision and not persona else None)
    if not (state.version and (section or persona or is_text)):
        return SectionReport(**await fields_of(state, call))
    playbook = await call.runs.finished(record.run_id, state.version)
    parts = parts_of(playbook, section, persona)
    if is_text:
        text, rest = piece_at(await computed(_texts, parts, playbook), cursor, ", ".join(parts))
        return SectionReport(**short_fields(state), markdown=text, cursor=rest)
    piece, rest = piece_at(await computed(_objects, parts), cursor, ", ".join(parts))
    return SectionReport(**await fields_of(state, call, overview=False), section=piece, cursor=rest)


def _texts(parts: Parts, playbook: Playbook) -> list[str]:
    lines: list[Json] = [*markdown(parts, playbook).split("\n")]
    return ["\n".join(cast("list[str]", piece)) for piece in pieces_of(lines, SECTION_CHARACTERS)]


def _objects(parts: Parts) -> list[dict[str, Json]]:
    by_name: dict[str, Json] = {name: dumped(part) for name, part in parts.items()}
    return cast("list[dict[str, Json]]", pieces_of(by_name, SECTION_CHARACTERS))


@tool("POST", "/runs/{run_id}/cancel", title="Cancel a run", idempotent=True, destructive=True)
async def cancel_run(run_id: RunId, *, call: Call) -> RunReport:
    """Stop a run that is in progress. A run that has ended does not change."""
    await call.runs.cancel(run_id)
    return await wait_and_report(run_id, 0, call)
