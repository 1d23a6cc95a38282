"""The shared functions: what a user can ask for, whichever surface the call comes by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import Field

from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting import outlines
from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import SECTIONS, Playbook
from octave_mcp.domain.questions import Question
from octave_mcp.domain.run import PlaybookRequest, RunError, RunRecord, RunStatus, SessionRecord
from octave_mcp.domain.value import Value
from octave_mcp.errors import InputError, UnknownName
from octave_mcp.tools.registry import TOOLS, Call, tool

__all__ = (
    "TOOLS",
    "RunReport",
    "answer_question",
    "cancel_run",
    "delete_session",
    "generate_playbook",
    "get_run",
    "list_sessions",
    "next_question",
)

T = TypeVar("T")
Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | bool | None"

SUFFIXES = ("md", "html", "json")
"""Of the files that every finished playbook has."""

SECTION_CHARACTERS = 76_000
"""About 20,000 tokens: the most that one answer carries of a section."""
ANSWER_CHARACTERS = 200_000
WAIT = Field(ge=0, le=600, description="Seconds to wait, over MCP at most 55")


class Overview(Value):
    """A finished playbook in short."""

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
    """A run with the section of its playbook that was asked for, under its name; the overview is left out then.

    `cursor`, passed on, gives the rest of the section.
    """

    section: dict[str, Any] | None = None
    cursor: str | None = None


class QuestionReport(Value):
    """A question of a run for your own model, if one is open, and how many are; `next` says which call to make."""

    run_id: str
    status: RunStatus
    question: Question | None = None
    open: int
    next: str


class Verdict(Value):
    """Whether an answer was accepted, None if that is not known yet; and if not, what is wrong with it."""

    run_id: str
    status: RunStatus
    accepted: bool | None
    wrong: str = ""
    open: int
    next: str


class RunLine(Value):
    """A run in a list."""

    run_id: str
    vendor: str
    prospect: str
    status: RunStatus
    created_at: datetime


class SessionLine(Value):
    """A session in a list: `runs` counts them all, `latest` is the newest."""

    session_id: str
    created_at: datetime
    runs: int
    latest: RunLine | None


class SessionList(Value):
    """Sessions, the newest first; or the runs of the one that was asked for."""

    sessions: tuple[SessionLine, ...]
    runs: tuple[RunLine, ...] = ()
    cursor: str | None = Field(default=None, description="Pass it on for older ones")


class Deleted(Value):
    session_id: str
    runs: int


@tool("POST", "/runs", title="Generate a sales playbook", open_world=True)
async def generate_playbook(
    vendor_domain: Annotated[str, Field(description="Who sells, e.g. 'posthog.com'", min_length=1, max_length=2048)],
    prospect_domain: Annotated[
        str, Field(description="Who should buy, e.g. 'supabase.com'", min_length=1, max_length=2048)
    ],
    context: Annotated[
        str, Field(max_length=1000, description="What to sell, to whom, what you know; never evidence")
    ] = "",
    model: Annotated[
        str,
        Field(
            description="Who writes: auto, openai, anthropic, compat; without a key host (you answer its questions) or "
            "extractive (rules)"
        ),
    ] = "auto",
    source: Annotated[str, Field(description="Where pages come from: auto, crawler, firecrawl")] = "auto",
    language: Annotated[str, Field(max_length=35, description="Language of the playbook, e.g. 'en'")] = "en",
    max_pages: Annotated[
        int | None, Field(ge=1, le=200, description="Pages to read of each company; else 25, or 10 for 'host'")
    ] = None,
    max_cost_usd: Annotated[float | None, Field(gt=0, description="The most that models may cost")] = None,
    refresh: Annotated[bool, Field(description="Use nothing kept from the last 24 h")] = False,
    session_id: Annotated[
        str | None, Field(max_length=64, description="From an earlier run, to keep them together")
    ] = None,
    request_id: Annotated[
        str | None,
        Field(min_length=1, max_length=255, description="Your own id: asked again, the same run is returned"),
    ] = None,
    wait_seconds: Annotated[float, WAIT] = 40,
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
    return await _followed(record.run_id, wait_seconds, call)


@tool("GET", "/runs/{run_id}", title="Get a run", read_only=True)
async def get_run(
    run_id: Annotated[str, Field(description="From generate_playbook")],
    section: Annotated[
        str | None,
        Field(
            description="One section in full: 'email_sequences', 'talk_tracks', ... (see the overview); or a part of it"
        ),
    ] = None,
    cursor: Annotated[str | None, Field(description="From the last answer, for the rest of a long section")] = None,
    wait_seconds: Annotated[float, WAIT] = 40,
    *,
    call: Call,
) -> SectionReport:
    """How a run stands, and its playbook once it is final: a summary, or one `section` in full.

    Waits up to `wait_seconds` for the run to end, telling progress meanwhile.
    """
    if section is not None and section.split(".")[0] not in SECTIONS:
        raise UnknownName(f"there is no section {section!r}; choose one of {', '.join(SECTIONS)}")
    record, playbook = await _awaited(run_id, wait_seconds, call)
    if section is None or playbook is None:
        return SectionReport(**dict(await _reported(record, playbook, call)))
    part = await computed(_part, playbook, section, cursor)
    return SectionReport(**dict(await _reported(record, playbook, call, overview=False)), **part)


@tool("GET", "/runs/{run_id}/questions/next", title="Get a question to answer", read_only=True)
async def next_question(
    run_id: Annotated[str, Field(description="Of a run with the model 'host'")],
    wait_seconds: Annotated[float, WAIT] = 40,
    *,
    call: Call,
) -> QuestionReport:
    """A question for you: follow its `instructions` on its `material`, and answer by its `answer_schema`.

    `complaint` says what was wrong with the last answer. Call it again for another: several may be open at once, and
    be answered in parallel.
    """
    wait = min(wait_seconds, call.longest_wait_seconds)
    record, kept, still_open = await call.runs.next_question(run_id, wait)
    question = Question(**kept.model_dump(exclude={"answer", "wrong"})) if kept else None
    then = _then(record, still_open, call)
    return QuestionReport(run_id=run_id, status=record.status, question=question, open=still_open, next=then)


@tool("POST", "/runs/{run_id}/questions/{question_id}", title="Answer a question", idempotent=True)
async def answer_question(
    run_id: Annotated[str, Field(description="From generate_playbook")],
    question_id: Annotated[str, Field(description="From next_question")],
    answer: Annotated[dict[str, Any] | str, Field(description="JSON of the question's answer_schema")],
    *,
    call: Call,
) -> Verdict:
    """Answer a question of a run. What its checks find wrong comes back, and with the question to answer again."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    if len(text) > ANSWER_CHARACTERS:
        raise InputError(f"the answer has {len(text)} characters, at most {ANSWER_CHARACTERS}; give fewer entries")
    record, kept, still_open = await call.runs.answer(run_id, question_id, text)
    accepted = None if kept.wrong is None else not kept.wrong
    then = _then(record, still_open, call)
    return Verdict(
        run_id=run_id, status=record.status, accepted=accepted, wrong=kept.wrong or "", open=still_open, next=then
    )


def _then(record: RunRecord, still_open: int, call: Call) -> str:
    """The call to make after a question, or an answer."""
    if record.is_final:
        return f"{_asking(record.run_id, call)} for the result"
    return f"{_question_call(record.run_id, call)}{'' if still_open else '; none is open now'}"


@tool("POST", "/runs/{run_id}/cancel", title="Cancel a run", idempotent=True, destructive=True)
async def cancel_run(
    run_id: Annotated[str, Field(description="From generate_playbook")],
    *,
    call: Call,
) -> RunReport:
    """Stop a run that is under way; one that has ended stays as it is."""
    await call.runs.cancel(run_id)
    return await _followed(run_id, 0, call)


@tool("GET", "/sessions", title="List sessions", read_only=True)
async def list_sessions(
    session_id: Annotated[str | None, Field(description="Of this session alone, its runs")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="The most to list")] = 20,
    cursor: Annotated[str | None, Field(description="From the last answer, for older ones")] = None,
    *,
    call: Call,
) -> SessionList:
    """What was asked for before, the newest first: sessions with their latest run, or the runs of one session."""
    if session_id is not None:
        session = await call.runs.session(session_id)
        runs = await call.runs.list_runs(session_id, limit + 1, cursor)
        line = await _session_line(session, call)
        return SessionList(
            sessions=(line,), runs=tuple(map(run_line, runs[:limit])), cursor=cursor_of([r.run_id for r in runs], limit)
        )
    sessions = await call.runs.list_sessions(limit + 1, cursor)
    lines = [await _session_line(session, call) for session in sessions[:limit]]
    return SessionList(sessions=tuple(lines), cursor=cursor_of([s.session_id for s in sessions], limit))


@tool("DELETE", "/sessions/{session_id}", title="Delete a session", idempotent=True, destructive=True)
async def delete_session(
    session_id: Annotated[str, Field(description="From generate_playbook or list_sessions")],
    *,
    call: Call,
) -> Deleted:
    """Delete a session for good: its runs, their playbooks and files, and the pages read for them."""
    return Deleted(session_id=session_id, runs=await call.runs.delete_session(session_id))


def cursor_of(ids: Sequence[str], limit: int) -> str | None:
    """The cursor of a list of which one more than `limit` was asked for: the last that is shown, if there are more."""
    return ids[limit - 1] if len(ids) > limit else None


async def _session_line(session: SessionRecord, call: Call) -> SessionLine:
    newest = await call.runs.list_runs(session.session_id, 1, None)
    return SessionLine(
        session_id=session.session_id,
        created_at=session.created_at,
        runs=session.runs,
        latest=run_line(newest[0]) if newest else None,
    )


def run_line(record: RunRecord) -> RunLine:
    request = record.request
    return RunLine(
        run_id=record.run_id,
        vendor=request.vendor,
        prospect=request.prospect,
        status=record.status,
        created_at=record.created_at,
    )


async def _followed(run_id: str, wait_seconds: float, call: Call) -> RunReport:
    return await _reported(*await _awaited(run_id, wait_seconds, call), call)


async def _awaited(run_id: str, wait_seconds: float, call: Call) -> tuple[RunRecord, Playbook | None]:
    """The run as it is then, and its playbook if it has ended with one."""
    record = await call.runs.follow(run_id, min(wait_seconds, call.longest_wait_seconds), call.progress)
    return record, await call.runs.playbook(run_id) if record.is_final else None


async def _reported(record: RunRecord, playbook: Playbook | None, call: Call, *, overview: bool = True) -> RunReport:
    last = await call.runs.progress(record.run_id)
    found = await computed(report, record, last, playbook if overview else None)
    links = tuple(f"{call.runs_at}{record.run_id}/playbook.{suffix}" for suffix in SUFFIXES) if playbook else ()
    return found.model_copy(update={"links": links, "next": _next(record, playbook, call)})


def report(record: RunRecord, last: Event | None, playbook: Playbook | None) -> RunReport:
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
    asked = _asking(record.run_id, call)
    if record.status == "waiting":
        return f"{_question_call(record.run_id, call)}; answer each, until the run is final"
    if not record.is_final:
        return asked
    if not playbook:
        return ""
    told = f". {outlined}" if (outlined := outlines.notice(playbook)) else ""
    if call.runs_at == "/runs/":
        return f"{asked}?section=email_sequences, or another section, or one of the links{told}"
    return f"call get_run with a section, e.g. 'email_sequences', or open the files{told}"


def _asking(run_id: str, call: Call) -> str:
    return f"GET /runs/{run_id}" if call.runs_at == "/runs/" else f"call get_run with run_id={run_id!r}"


def _question_call(run_id: str, call: Call) -> str:
    if call.runs_at == "/runs/":
        return f"GET /runs/{run_id}/questions/next"
    return f"call next_question with run_id={run_id!r}"


def _overview(playbook: Playbook) -> Overview:
    summary = playbook.executive_summary
    paragraphs = (summary.whom_to_approach, summary.why_now, summary.how_to_engage)
    elements = {
        name: len(getattr(playbook.vendor_elements, name)) for name in type(playbook.vendor_elements).model_fields
    }
    known = playbook.prospect_intelligence
    sizes = {name: len(json.dumps(_dumped(playbook, name), ensure_ascii=False)) // 4 for name in SECTIONS}
    return Overview(
        summary="\n\n".join(" ".join(sentence.text for sentence in paragraph) for paragraph in paragraphs),
        personas=tuple(persona.title for persona in playbook.priority_personas),
        counts={
            **elements,
            "prospect_facts": len(known.company_profile.facts),
            "pain_points": len(known.pain_points),
            "evidence": len(playbook.evidence),
            "pages": len(playbook.pages),
        },
        gaps=tuple(f"{gap.section}: {gap.reason}"[:300] for gap in playbook.gaps[:12]),
        flags=tuple(f"{flag.code}: {flag.reason}" for flag in playbook.flags),
        usd=playbook.cost.usd,
        seconds=playbook.timings.total_seconds,
        section_tokens=sizes,
    )


def _dumped(playbook: Playbook, section: str) -> Json:
    return playbook.model_dump(mode="json", include={section})[section]


def _part(playbook: Playbook, section: str, cursor: str | None) -> dict[str, Any]:
    """The piece of a section that a cursor points at, and the cursor of the one after it."""
    value = _dumped(playbook, section.split(".", maxsplit=1)[0])
    for name in section.split(".")[1:]:
        if not isinstance(value, dict) or name not in value:
            raise UnknownName(
                f"{section!r} has no part {name!r}; it has {', '.join(value) if isinstance(value, dict) else 'none'}"
            )
        value = value[name]
    pieces = pieces_of(value, SECTION_CHARACTERS)
    if cursor is not None and cursor not in map(str, range(len(pieces))):
        raise InputError(f"{cursor!r} is no cursor of {section!r}; leave it out to begin at the start")
    at = int(cursor or 0)
    return {"section": {section: pieces[at]}, "cursor": str(at + 1) if at + 1 < len(pieces) else None}


def pieces_of(value: Json, limit: int) -> list[Json]:
    """The value in pieces of its own form, each of at most `limit` characters as far as lists and objects allow."""
    if not isinstance(value, list | dict) or len(json.dumps(value, ensure_ascii=False)) <= limit:
        return [value]
    if isinstance(value, list):
        items = [piece for item in value for piece in pieces_of(item, limit)]
        return [list(group) for group in _grouped(items, range(len(items)), limit)]
    entries = [(key, piece) for key, part in value.items() for piece in pieces_of(part, limit)]
    return [dict(group) for group in _grouped(entries, [key for key, _ in entries], limit)]


def _grouped(items: Sequence[T], keys: Sequence[str | int], limit: int) -> list[list[T]]:
    """The items in order, in groups of at most `limit` characters, in none of which a key comes twice."""
    groups: list[list[T]] = [[]]
    size = 0
    seen: set[str | int] = set()
    for item, key in zip(items, keys, strict=True):
        length = len(json.dumps(item, ensure_ascii=False))
        if groups[-1] and (size + length > limit or key in seen):
            groups.append([])
            size = 0
            seen.clear()
        groups[-1].append(item)
        size += length
        seen.add(key)
    return groups
