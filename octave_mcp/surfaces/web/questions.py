"""The page Questions: a person passes the questions of a run to a model of their choice, and pastes its answers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from octave_mcp.asks import prompts
from octave_mcp.asks.untrusted import without_fences
from octave_mcp.domain.questions import Question
from octave_mcp.domain.run import FINAL
from octave_mcp.errors import InputError
from octave_mcp.surfaces.web.paths import PLAYBOOKS
from octave_mcp.surfaces.web.site import OUTDATED_FORM, Site, faults_of, redirect
from octave_mcp.tools.questions import Verdict

# The name of the rule in a complaint about the form of an answer.
_RULE = re.compile(r"(?:^|(?<=: )|(?<=; ))form ")


async def waiting(site: Site, request: Request) -> Response:
    found = await site.call("list_runs", {"status": "waiting", "limit": "100"})
    return await site.page(request, "waiting", runs=found.runs)


async def form(site: Site, request: Request) -> Response:
    return await _page(site, request, {})


async def answer(site: Site, request: Request) -> Response:
    sent, run_id = await site.read_form(request), request.path_params["run_id"]
    if not sent.is_ours:
        return await _page(site, request, sent.fields, {"": OUTDATED_FORM}, status=400)
    try:
        verdict = await site.call("answer_question", sent.given("question_id", "answer") | {"run_id": run_id})
    except InputError as refused:
        return await _page(site, request, sent.fields, faults_of(refused, ("answer",)), status=400)
    if verdict.wrong or verdict.dropped:
        return await _page(site, request, {}, verdict=verdict, refused=sent.fields.get("answer", ""))
    return redirect(f"{PLAYBOOKS}{run_id}/questions")


async def _shown(site: Site, run_id: str, question: Question) -> dict[str, str]:
    """Return the texts of a question that the page shows, by their names in the template."""
    first = None
    if question.corrects and not question.material:
        first = (await site.call("look_at_question", {"run_id": run_id, "question_id": question.corrects})).question
    return {
        "title": (await asyncio.to_thread(prompts.load, question.prompt)).title,
        "text": _text(question, question),
        "for_new_chat": _text(first, question) if first else "",
        "complaint": without_fences(question.complaint),
    }


def _text(asked: Question, question: Question) -> str:
    """Return the question as a text for a chat.

    `asked`: the question itself, or the one that it corrects. A correction does not repeat the instructions and the
    material, so a chat that has not seen them needs this text.
    """
    schema = json.dumps(question.answer_schema, ensure_ascii=False)
    parts = (
        asked.instructions,
        asked.material,
        question.complaint,
        f"Answer with one JSON object of this JSON Schema:\n{schema}",
    )
    return "\n\n".join(filter(None, parts))


async def _page(
    site: Site,
    request: Request,
    given: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
    *,
    verdict: Verdict | None = None,
    refused: str = "",
    status: int = 200,
) -> Response:
    run_id = request.path_params["run_id"]
    # While the person corrects an answer, show the question to which the answer belongs.
    again = {"question_id": given["question_id"]} if given.get("question_id") else {}
    report = await site.call("look_at_question", again | {"run_id": run_id})
    is_final = report.status in FINAL
    if is_final and verdict is None:
        return redirect(f"{PLAYBOOKS}{run_id}")
    shown = await _shown(site, run_id, report.question) if report.question else {}
    return await site.page(
        request,
        "questions",
        status,
        record=await (await site.app()).runs.get(run_id),
        report=report,
        question=report.question,
        given=given,
        faults=faults or {},
        wrong=_RULE.sub("", verdict.wrong) if verdict else "",
        verdict=verdict,
        is_final=is_final,
        refused=refused,
        at=f"{PLAYBOOKS}{run_id}",
        **shown,
    )
