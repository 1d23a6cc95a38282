"""If the model's answers make a run fail, the run's error blames the model, not the sites, and says what to do."""

from __future__ import annotations

import json
import re
from itertools import cycle
from pathlib import Path

import pytest
from conftest import Pair, octave
from doubles import READ, Double, Fault, Request, Sent, enveloped, text_of
from fastmcp import Client
from matrix import sampled
from scripted import ScriptedSource, Stage, invented_sites
from test_mcp import call

from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.prospect import Understanding
from octave_mcp.surfaces.mcp.server import make

PROVIDERS = ("compat", "openai", "anthropic")


def thinks(*, cut_off: bool = False, has_text: bool = True) -> Fault:
    """Return a fault that sends reasoning but no answer, in the format of the API that was called.

    If `has_text` is false, the text of the reasoning is missing, and only the token usage shows that the model has
    reasoned.
    """

    def fault(request: Request, text: str) -> Sent:
        body = enveloped(request, "", cut_off=cut_off)
        if request.path.endswith("/responses"):
            thoughts = [{"type": "reasoning_text", "text": text}] if has_text else []
            body["output"] = [{"type": "reasoning", "id": "r", "summary": [], "content": thoughts}]
            body["usage"]["output_tokens_details"] = {"reasoning_tokens": 900}
        elif request.path.endswith("/chat/completions"):
            body["choices"][0]["message"] |= {"content": None, "reasoning_content": text if has_text else None}
            body["usage"]["completion_tokens_details"] = {"reasoning_tokens": 900}
        else:
            body["content"] = [{"type": "thinking", "thinking": text, "signature": "s"}] if has_text else []
            body["usage"]["output_tokens_details"] = {"thinking_tokens": 900}
        return Sent(body=body)

    return fault


def finishing_with(finish_reason: str) -> Fault:
    """Return a fault that sends a response without text.

    In OpenAI's chat.completions format, the response contains `finish_reason`. The value can be one that only another
    API uses.
    """

    def fault(request: Request, _: str) -> Sent:
        body = enveloped(request, "", cut_off=True)
        for choice in body.get("choices", ()):
            choice["finish_reason"] = finish_reason
        return Sent(body=body)

    return fault


def in_turns(*faults: Fault) -> Fault:
    turns = cycle(faults)

    def fault(request: Request, text: str) -> Sent:
        return next(turns)(request, text)

    return fault


ONLY_THOUGHTS = "all 13 answers contained only the model's thoughts"
KINDS: dict[str, tuple[Fault, str, str]] = {
    "cut off": (text_of(lambda text: text[:30], cut_off=True), "bad_answer", "all 13 answers were cut off"),
    "cut off before a word": (text_of(lambda _: "", cut_off=True), "bad_answer", "all 13 answers were cut off"),
    "cut off, but not reported": (
        text_of(lambda text: text[:30].rstrip("}")),
        "bad_answer",
        "all 13 answers were cut off",
    ),
    "cut off, in the word of another API": (finishing_with("MAX_TOKENS"), "bad_answer", "all 13 answers were cut off"),
    "empty": (text_of(lambda _: ""), "bad_answer", "all 13 answers were empty"),
    "blank": (text_of(lambda _: " \n"), "bad_answer", "all 13 answers were empty"),
    "thoughts": (thinks(), "bad_answer", ONLY_THOUGHTS),
    "thoughts, cut off": (thinks(cut_off=True), "bad_answer", ONLY_THOUGHTS),
    "thoughts, only counted": (thinks(has_text=False), "bad_answer", ONLY_THOUGHTS),
    "thoughts in the text": (text_of(lambda text: f"<think>{text}</think>"), "bad_answer", ONLY_THOUGHTS),
    "thoughts in the text, cut off": (
        text_of(lambda text: f"<think>{text}", cut_off=True),
        "bad_answer",
        ONLY_THOUGHTS,
    ),
    "refused": (
        text_of(lambda _: "I cannot help.", refused=True),
        "model_refuses",
        "all 13 answers were refused by the model",
    ),
    "words": (
        text_of(lambda _: "I would be glad to help."),
        "bad_answer",
        "all 13 answers did not have the required format",
    ),
}
TO_DO = {
    ("cut off", "compat"): "raise the server's context length (Ollama: OLLAMA_CONTEXT_LENGTH",
    ("cut off", "openai"): "use a model that can give longer answers",
    ("empty", "compat"): "check the server's log",
    ("thoughts", "compat"): "turn the model's thinking off on the server",
    ("thoughts", "anthropic"): "use a model that thinks less",
    ("refused", "openai"): "use another model (OCTAVE_FAST_MODEL",
}
CASES = [(kind, provider) for kind in KINDS for provider in PROVIDERS]
SHORT = {("cut off", "compat"), ("refused", "openai")}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path, source=ScriptedSource(invented_sites()))


@pytest.mark.parametrize(("kind", "provider"), sampled(CASES, short=SHORT.__contains__))
async def test_a_run_without_a_usable_answer_says_what_was_wrong_with_the_answers(
    kind: str, provider: str, double: Double, stage: Stage
) -> None:
    fault, code, summary = KINDS[kind]
    double.fails(fault, times=None)
    record, playbook = await stage.run(model=provider)

    assert playbook is None
    assert record.error
    assert record.error.code == code
    assert record.error.message.startswith(f"no playbook could be written: {summary}: ")
    assert TO_DO.get((kind, provider), "") in record.error.message
    assert "site" not in record.error.message
    assert len(double.asked) == 2 * 13


@pytest.mark.long
async def test_answers_that_fail_in_different_ways_are_counted_separately(double: Double, stage: Stage) -> None:
    cut_off, empty = (KINDS[kind][0] for kind in ("cut off", "empty"))
    double.fails(in_turns(cut_off, empty, empty), times=None)
    record, _ = await stage.run(model="compat")

    assert record.error
    for part in ("answers were cut off: raise", "answers were empty: check"):
        assert part in record.error.message


async def test_the_sites_alone_are_not_blamed_if_one_answer_was_cut_off(double: Double, stage: Stage) -> None:
    def cut_off(request: Request, _: str) -> Sent:
        return Sent(body=enveloped(request, '{"summary": null, "pains": [], "buyers": [', cut_off=True))

    double.fails(cut_off, lambda request: request.form is Understanding[Cite], times=None)
    record, _ = await stage.run(model="compat")

    assert record.error
    assert "1 of 11 answers was cut off: raise the server's context length" in record.error.message


async def test_the_sites_are_not_blamed_if_the_answers_failed_their_checks(double: Double, stage: Stage) -> None:
    def reads(request: Request) -> bool:
        return request.form in (*READ, Understanding[Cite])

    double.fails(text_of(lambda text: re.sub(r'"passage": \d+', '"passage": 98765', text)), reads, times=None)
    record, _ = await stage.run(model="compat")

    assert record.error
    assert (record.error.code, "site" in record.error.message) == ("bad_answer", False), record.error


async def test_a_playbook_from_cut_off_answers_says_what_to_do(double: Double, stage: Stage) -> None:
    double.fails(text_of(lambda text: text[: len(text) * 2 // 3], cut_off=True), times=None)
    record, playbook = await stage.run(model="compat")

    assert playbook, record.error
    (gap,) = [gap for gap in playbook.gaps if gap.section == "model"]
    assert "answers were cut off" in gap.reason
    assert gap.would_fill.startswith("raise the server's context length")
    assert "form" not in " ".join(gap.reason for gap in playbook.gaps if "(length)" in gap.reason)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_fixed_by_a_correction_is_not_reported(kind: str, double: Double, stage: Stage) -> None:
    double.fails(KINDS[kind][0], lambda request: not request.is_second, times=None)
    record, playbook = await stage.run(model="compat")

    assert playbook, record.error
    assert (record.status, [gap for gap in playbook.gaps if gap.section == "model"]) == ("completed", [])


async def test_every_surface_says_what_was_wrong_with_the_answers(double: Double, pair: Pair, tmp_path: Path) -> None:
    double.fails(KINDS["thoughts"][0], times=None)
    few = (pair.vendor.host, pair.prospect.host, "--max-pages", "4")
    ended = await octave("generate", *few, "--model", "compat", cwd=tmp_path)
    (run,) = json.loads((await octave("runs", "--json", cwd=tmp_path)).out)["runs"]
    async with Client(make()) as client:
        report = await call(client, "get_run", run_id=run["run_id"])

    assert ended.code == 1
    for text in (ended.err, json.dumps(report["error"])):
        assert "answers contained only the model's thoughts: turn the model's thinking off on the server" in text
