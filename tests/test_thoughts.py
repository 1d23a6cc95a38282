"""Tests that a model's reasoning is not mistaken for an answer, whatever markup the model server uses for reasoning."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Pair
from doubles import Double, Fault, Request, Sent, answer_to, enveloped, text_of
from fastmcp import Client
from matrix import sampled
from scripted import ScriptedSource, Stage, invented_sites
from test_host import Writer, begun
from test_mcp import call

from octave_mcp.asks.decoding import Decoded, decoded
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.prospect import ProspectAnswer
from octave_mcp.errors import BadAnswer
from octave_mcp.surfaces.mcp.server import make

FACT = {"topic": "scale", "text": "Nine yards.", "evidence": [{"passage": 1, "sentences": [1]}]}
MARKS = "Close with </think>, [/THINK] or <|channel|>final<|message|>; open with <think>, {x} and ```json"
NOTHING: dict[str, list[Any]] = {
    "triggers": [], "people": [], "integrations": [], "facts": [], "signals": [], "jobs": []
}  # fmt: skip
ANSWER = json.dumps({**NOTHING, "facts": [FACT, FACT]})
ANSWER_WITH_MARKS = json.dumps({**NOTHING, "facts": [{**FACT, "text": MARKS}, FACT]})
DRAFT = json.dumps(NOTHING)
OTHER = json.dumps({"facts": "none", "signals": 3, "jobs": []})


def read(text: str, *, cut_off: bool = False) -> Decoded:
    return decoded(text, ProspectAnswer[Cite], cut_off=cut_off)


TEXTS = {
    "braces in thoughts": f"<think>use {{x}}</think>{ANSWER}",
    "half an object in thoughts": f'<think>I start with {{"facts": [{{"</think>{ANSWER}',
    "a quotation mark in thoughts": f'<think>a 5" screen {{ "</think>{ANSWER}',
    "a draft in fences": f"<think>perhaps\n```json\n{DRAFT}\n```\nno</think>\n```json\n{ANSWER}\n```",
    "no thoughts between the marks": f"<think>\n\n</think>\n\n{ANSWER}",
    "capitals and spaces": f"<THINK>{DRAFT}</Think >{ANSWER}",
    "attributes": f'<thinking mode="deep">{DRAFT}</thinking>{ANSWER}',
    "another pair of tags": f"<reasoning>{DRAFT}</reasoning>{ANSWER}",
    "tags that do not match": f"<think>{DRAFT}</thinking>{ANSWER}",
    "a name space": f"<seed:think>{DRAFT}</seed:think>{ANSWER}",
    "thoughts and an answer in tags": f"<think>{DRAFT}</think><answer>{ANSWER}</answer>",
    "nested": f"<think>a<think>b {DRAFT}</think>c {DRAFT}</think>{ANSWER}",
    "several thoughts": f"<think>a</think><think>{DRAFT}</think>{ANSWER}",
    "the tag is named in thoughts": f"<think>I must write <think> first</think>{ANSWER} I hope this helps!",
    "no opening tag": f"Okay, {{so}} {DRAFT} then\n</think>\n\n{ANSWER}",
    "no closing tag": f"<think>Okay, {{so}} {DRAFT}. Then\n{ANSWER}",
    "no closing tag, in fences": f"<think>Okay\n```json\n{ANSWER}\n```\n",
    "a closing tag too many": f"<think>{DRAFT}</think>{ANSWER}</think>",
    "harmony": f"<|channel|>analysis<|message|>hm {DRAFT}<|end|><|start|>assistant"
    f"<|channel|>final <|constrain|>json<|message|>{ANSWER}<|return|>",
    "harmony, its start cut": f"hm {DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{ANSWER}",
    "harmony without marks": f"analysisWe need {DRAFT}.assistantfinal{ANSWER}",
    "brackets": f"[THINK]a {DRAFT} b[/THINK]{ANSWER}",
    "triangles": f"◁think▷{DRAFT}◁/think▷{ANSWER}",
    "a channel of its own": f"<|channel>thought\n{DRAFT}<channel|>{ANSWER}",
    "words in capitals": f"<|START_THINKING|>{DRAFT}<|END_THINKING|><|START_RESPONSE|>{ANSWER}<|END_RESPONSE|>",
    "a solution": f"<|begin_of_thought|>{DRAFT}<|end_of_thought|><|begin_of_solution|>{ANSWER}<|end_of_solution|>",
    "thoughts after the answer": f"{ANSWER}<think>x<think>was that all? {DRAFT}</think>y</think>",
    "thoughts after the answer, not closed": f"{ANSWER}<think>was that all? {DRAFT} and",
    "words only": f"My first try: {DRAFT}. Better:\n{ANSWER}\nI hope {{this}} helps.",
    "an object after the answer": f'{ANSWER}\nCounts: {{"found": 2}}',
    "an object of another form after the answer": f"{ANSWER}\n{OTHER}",
    "marks in the strings": ANSWER_WITH_MARKS,
    "another pair of tags, after the answer": f"{ANSWER}<thought_process>or {DRAFT}</thought_process>",
    "a monologue after the answer": f"{ANSWER}<inner_monologue>or {DRAFT}</inner_monologue>",
    "a plan after the answer": f"{ANSWER}\n<plan>or {DRAFT}</plan>",
    "tags that are escaped": f"{ANSWER}&lt;think&gt;or {DRAFT}&lt;/think&gt;",
    "signs that look like those of tags": f"{ANSWER}<｜begin▁of▁thought｜>{DRAFT}<｜end▁of▁thought｜>",
    "thoughts to unfold": f'{ANSWER}\n<details type="reasoning" done="true">\n{DRAFT}\n</details>',
    "notes to unfold, which are no thoughts": f"{ANSWER}\n<details><summary>Notes</summary>none</details>",
    "a field of thoughts around it": f'{{"thinking": {DRAFT}, "answer": {ANSWER}, "reasoning": {DRAFT}}}',
    "thoughts, then marks in the strings": f"<think>hm {DRAFT}</think>{ANSWER_WITH_MARKS}",
    "no opening tag, then marks in the strings": f"hm {DRAFT}</think>{ANSWER_WITH_MARKS}",
    "marks in the strings, then thoughts": f"{ANSWER_WITH_MARKS}<think>hm {DRAFT}</think>",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_last_answer_outside_thoughts_is_read_completely(text: str) -> None:
    found = read(text)

    assert (len(found.value.facts), found.wrong, found.fault) == (2, "", "")
    assert found.value.facts[0].text == (MARKS if ANSWER_WITH_MARKS in text else "Nine yards.")


@pytest.mark.parametrize(
    "text",
    [
        f"<think>{DRAFT}</think>",
        f"<think>{DRAFT}, or rather",
        f"so I answer {ANSWER}, or rather\n</think>\n",
        f"<|channel|>analysis<|message|>hm {DRAFT}<|end|>",
        f"[THINK]{ANSWER}[/THINK]\n\n",
        f"<chain_of_thought>{ANSWER}</chain_of_thought>",
        f'<details type="reasoning">{ANSWER}</details>',
        "<think>",
    ],
)
def test_a_draft_in_thoughts_is_not_an_answer(text: str) -> None:
    with pytest.raises(BadAnswer, match="the answer contains only thoughts") as failed:
        read(text)
    assert failed.value.fault == "thoughts"


def test_thoughts_that_are_cut_off_contain_no_answer() -> None:
    with pytest.raises(BadAnswer, match="the answer contains only thoughts"):
        read(f"<think>Okay: {ANSWER}", cut_off=True)


def test_thought_marks_in_an_answer_that_is_cut_off_are_part_of_it() -> None:
    found = read(f"<think>hm {DRAFT}</think>" + ANSWER_WITH_MARKS[:-40], cut_off=True)

    assert [fact.text for fact in found.value.facts] == [MARKS]
    assert found.fault == "cut_off"


def test_a_complete_draft_does_not_replace_an_answer_that_breaks_off() -> None:
    found = read(f"First: {DRAFT}\nNow all of it: {ANSWER[:-60]}")

    assert (len(found.value.facts), found.wrong) == (1, "it is no complete JSON object")


HOSTILE = {
    "braces": "{" * 300_000,
    "levels": '{"a":' * 60_000,
    "spaces in a tag": "<think" + " " * 300_000,
    "levels in lists": '{"facts": [{"facts": [1]}, ' * 15_000,
    "braces and quotation marks": '{"' * 150_000,
    "escapes": '{"\\"' * 75_000,
    "objects": '{"a":1}' * 45_000,
    "opening tags": "<think>" * 45_000,
    "closing tags": "</think>" * 36_000,
    "angles": "<" * 300_000,
    "spaces in an object": "{" + " " * 300_000,
    "digits": '{"a":' + "9" * 300_000 + "}",
    "channels": "<|channel|>" * 30_000,
}


@pytest.mark.parametrize(
    "text",
    [*HOSTILE.values()][:3] + [pytest.param(text, marks=pytest.mark.long) for text in [*HOSTILE.values()][3:]],
    ids=HOSTILE,
)
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    started = time.thread_time()
    found = read(f"{text}</think>{ANSWER}")

    assert len(found.value.facts) == 2
    # Linear time takes a few seconds at most. A parser that tried every brace as the start of a JSON object could take
    # longer than the limit.
    assert time.thread_time() - started < 20


# Through providers


def _drafting(draft: Callable[[str], str]) -> Fault:
    return text_of(lambda text: draft(json.dumps({key: [] for key in json.loads(text)})) + text)


def _apart(request: Request, text: str) -> Sent:
    """Send an answer, with a draft of the answer in the field for reasoning.

    Each API has its own field for reasoning, outside the text of the answer.
    """
    body: dict[str, Any] = enveloped(request, text)
    if request.path.endswith("/responses"):
        thoughts = [{"type": "reasoning_text", "text": DRAFT}]
        body["output"].insert(0, {"type": "reasoning", "id": "r", "summary": [], "content": thoughts})
    elif request.path.endswith("/chat/completions"):
        body["choices"][0]["message"] |= {"reasoning_content": DRAFT, "reasoning": DRAFT}
    else:
        body["content"].insert(0, {"type": "thinking", "thinking": DRAFT, "signature": "s"})
    return Sent(body=body)


THINKING: dict[str, Fault] = {
    "a draft": _drafting(lambda draft: f"<think>use {{x}}, so\n```json\n{draft}\n```\nor not</think>\n"),
    "no opening tag": _drafting(lambda draft: f"so {draft}\n</think>\n\n"),
    "channels": _drafting(lambda draft: f"<|channel|>analysis<|message|>{draft}<|end|><|channel|>final<|message|>"),
    "apart": _apart,
}
CASES = [(provider, kind) for provider in ("compat", "openai", "anthropic") for kind in THINKING]


async def test_a_connected_client_may_leave_thoughts_in_its_answer(pair: Pair) -> None:
    async with Client(make()) as client:
        writer = Writer(client, (await begun(client, pair))["run_id"])
        question = await writer.next()
        assert question
        text = f"<think>use {{x}}, or {DRAFT}</think>\n{json.dumps(answer_to(question))}"
        asked = {"run_id": writer.run_id, "question_id": question["question_id"]}
        verdict = await call(client, "answer_question", **asked, answer=text)

    assert (verdict["accepted"], verdict["wrong"]) == (True, "")


@pytest.mark.parametrize(("provider", "kind"), sampled(CASES, short=lambda case: case == ("compat", "a draft")))
async def test_thoughts_in_answers_cause_no_corrections_in_a_complete_run(
    provider: str, kind: str, double: Double, tmp_path: Path
) -> None:
    double.fails(THINKING[kind], times=None)
    record, playbook = await Stage(tmp_path, source=ScriptedSource(invented_sites())).run(model=provider)

    assert playbook, record.error
    assert record.status == "completed"
    assert not any(request.is_second for request in double.asked)
