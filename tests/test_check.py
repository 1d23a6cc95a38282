"""The command `octave-mcp check` reads one claim per line and prints one verdict per line.

An invalid line does not affect other lines.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Ended, command, octave
from doubles import FOR_GOOD, Double, Fault, Request, Sent, enveloped, error
from matrix import sampled

from octave_mcp.tools.claims import MAX_LINE_BYTES

QUOTE = "Quarry Bank saves 40+ hours every month since it moved to Northlight."
TRUE: dict[str, Any] = {
    "vendor": "Northlight",
    "prospect": "Cedarbay",
    "claim": "Quarry Bank saved more than 40 hours a month with Northlight.",
    "evidence": [{"quote": QUOTE, "role": "vendor", "title": "Customers"}],
}
FALSE = TRUE | {"claim": "Quarry Bank saved 60 hours a month with Northlight."}
DOUBTFUL = TRUE | {
    "claim": "Pellworth cut its costs with Northlight.",
    "evidence": [{"quote": "Pellworth may cut its costs with Northlight.", "role": "vendor"}],
}
HEAVY = ("openai", "anthropic", "dbos", "sqlalchemy", "fastmcp", "starlette", "lxml", "octave_mcp.app")
PRINT_LOADED_MODULES = f"""
import sys
sys.argv = ["octave-mcp", "check", "claims.jsonl", "--json"]
from octave_mcp.__main__ import main
code = main()
print(*(name for name in {HEAVY!r} if name in sys.modules))
sys.exit(code)
"""


def lines(*claims: Mapping[str, Any] | str | bytes) -> bytes:
    return b"\n".join(_line(claim) for claim in claims) + b"\n"


def _line(claim: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(claim, bytes):
        return claim
    return (claim if isinstance(claim, str) else json.dumps(claim)).encode()


async def check(folder: Path, *claims: Mapping[str, Any] | str | bytes, options: Sequence[str] = ("--json",)) -> Ended:
    (folder / "claims.jsonl").write_bytes(lines(*claims))
    return await octave("check", "claims.jsonl", *options, cwd=folder)


def results(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


async def test_a_supported_claim_stands_and_exits_0(tmp_path: Path) -> None:
    ended = await check(tmp_path, TRUE)

    assert (ended.code, ended.err) == (0, "")
    (result,) = results(ended)
    assert [*result] == ["line", "stands", "support", "problems"]
    assert (result["line"], result["stands"], result["problems"]) == (1, True, [])
    assert result["support"]["judge"] == "rules"
    assert result["support"]["verdict"] in {"supported", "unjudged"}


async def test_a_claim_with_a_wrong_figure_fails_with_the_rule_and_a_reason_and_exits_1(tmp_path: Path) -> None:
    ended = await check(tmp_path, TRUE, FALSE)

    assert (ended.code, ended.err) == (1, "")
    first, second = results(ended)
    assert (first["stands"], second["stands"]) == (True, False)
    assert second["support"]["verdict"] == "not"
    assert "60" in second["support"]["reason"]
    assert [problem["code"] for problem in second["problems"]] == ["D3"]


async def test_a_doubtful_claim_is_partly_supported_and_does_not_stand(tmp_path: Path) -> None:
    (result,) = results(ended := await check(tmp_path, DOUBTFUL))

    assert ended.code == 1
    assert (result["stands"], result["support"]["verdict"]) == (False, "partly")
    assert {problem["code"] for problem in result["problems"]} == {"D40"}


async def test_a_fact_without_a_quotation_fails_and_a_question_needs_none(tmp_path: Path) -> None:
    without: dict[str, Any] = TRUE | {"evidence": ()}
    question = without | {"claim": "How do you hand a lead over today?", "kind": "question"}
    fact, asked = results(await check(tmp_path, without, question))

    assert [problem["code"] for problem in fact["problems"]] == ["D1"]
    assert not fact["stands"]
    assert asked["stands"]


@pytest.mark.parametrize("value", ["c-7", 7, None, ["a", {"b": 1}]], ids=str)
async def test_an_id_is_returned_as_it_is_and_other_keys_are_ignored(value: object, tmp_path: Path) -> None:
    (result,) = results(await check(tmp_path, TRUE | {"id": value, "stands": False, "why": "40+ is more than 40"}))

    assert next(iter(result)) == "id"
    assert result["id"] == value
    assert result["stands"]


async def test_optional_fields_may_be_null(tmp_path: Path) -> None:
    evidence = [{"quote": QUOTE, "role": "vendor", "title": None}]
    (result,) = results(await check(tmp_path, TRUE | {"context": None, "kind": None, "evidence": evidence}))

    assert result["stands"]


BROKEN: dict[str, tuple[Mapping[str, Any] | str | bytes, str]] = {
    "no JSON": ("that is no JSON", "invalid JSON at character 2"),
    "cut off": ('{"vendor": "Northlight', "invalid JSON: EOF while parsing a string at character"),
    "no object": ("[1, 2]", "not a JSON object"),
    "nested too deeply": ('{"id": ' + "[" * 5000, "invalid JSON: recursion limit exceeded"),
    "no claim": ({name: TRUE[name] for name in TRUE if name != "claim"}, "claim: missing"),
    "an empty claim": (TRUE | {"claim": " \t"}, "claim: empty"),
    "a claim that is a number": (TRUE | {"claim": 40}, "claim: should be a string"),
    "a claim as long as a page": (TRUE | {"claim": "word " * 1000}, "claim: longer than 1,000 characters"),
    "another kind": (TRUE | {"kind": "rumour"}, "kind: should be 'fact', 'inference', 'question' or 'copy'"),
    "no words": (TRUE | {"claim": "?!"}, "claim: contains no words"),
    "more quotations than anyone reads": (TRUE | {"evidence": TRUE["evidence"] * 21}, "evidence: more than 20 entries"),
    "an id that JSON does not have": (TRUE | {"id": float("nan")}, "id: NaN and Infinity are not valid JSON"),
    "no evidence": ({name: TRUE[name] for name in TRUE if name != "evidence"}, "evidence: missing"),
    "evidence that is a text": (TRUE | {"evidence": QUOTE}, "evidence: should be a list"),
    "an empty quotation": (TRUE | {"evidence": [{"quote": "", "role": "vendor"}]}, "evidence[0].quote: empty"),
    "another role": (
        TRUE | {"evidence": [{"quote": QUOTE, "role": "press"}]},
        "evidence[0].role: should be 'vendor' or 'prospect'",
    ),
    "half a character": (TRUE | {"claim": "\ud800"}, "invalid JSON: "),
    "not UTF-8": (b'{"claim": "caf\xe9"}', "invalid UTF-8: byte 0xe9 at position 15"),
    "UTF-16": ("{}".encode("utf-16"), "invalid UTF-8: byte 0xff at position 1"),
    "absurdly long": (b'{"claim": "' + b"a" * 3 * MAX_LINE_BYTES, "longer than 200,000 bytes"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_a_broken_line_is_reported_with_number_and_reason_and_the_others_are_judged(
    kind: str, tmp_path: Path
) -> None:
    broken, reason = BROKEN[kind]
    ended = await check(tmp_path, TRUE, broken, FALSE)

    assert ended.code == 1
    first, second, third = results(ended)
    assert [*second] == ["line", "error"]
    assert second["line"] == 2
    assert reason in second["error"]
    assert len(second["error"]) < 200
    assert [result["stands"] for result in (first, third)] == [True, False]
    assert third["line"] == 3


async def test_a_broken_line_alone_exits_1_and_the_report_counts_it(tmp_path: Path) -> None:
    ended = await check(tmp_path, TRUE, "{", options=())

    assert ended.code == 1
    assert "line 2: cannot be read: invalid JSON: " in ended.out
    assert ended.out.splitlines()[-1] == "1 line could not be read"


async def test_randomly_corrupted_lines_get_one_result_each_and_no_traceback(tmp_path: Path) -> None:
    rng = random.Random(16)  # noqa: S311 - not for secrets
    whole = json.dumps(FALSE | {"id": 1}).encode()
    broken: list[bytes] = []
    for _ in range(300):
        changed, at = bytearray(whole), rng.randrange(len(whole))
        changed[at : at + rng.randrange(4)] = rng.randbytes(rng.randrange(4)).replace(b"\n", b"")
        broken.append(bytes(changed))
    ended = await check(tmp_path, *broken)

    assert (ended.code, ended.err) == (1, "")
    assert [result["line"] for result in results(ended)] == [*range(1, 301)]


async def test_a_byte_order_mark_blank_lines_and_both_kinds_of_line_ends_are_accepted(tmp_path: Path) -> None:
    claim = json.dumps(TRUE).encode()
    (tmp_path / "claims.jsonl").write_bytes(b"\xef\xbb\xbf" + claim + b"\r\n\r\n \n" + claim)
    ended = await octave("check", "claims.jsonl", "--json", cwd=tmp_path)

    assert ended.code == 0
    assert [result["line"] for result in results(ended)] == [1, 4]


async def test_a_line_of_exactly_the_maximum_length_is_read(tmp_path: Path) -> None:
    claim = json.dumps(TRUE).encode()
    longest = claim + b" " * (MAX_LINE_BYTES - len(claim))
    first, second, third = results(await check(tmp_path, longest, longest + b" ", longest))

    assert first["stands"]
    assert second["error"] == "longer than 200,000 bytes"
    assert third["stands"]


@pytest.mark.parametrize(
    ("file", "message"),
    [("none.jsonl", "cannot read 'none.jsonl': No such file"), (".", "cannot read '.': Is a directory")],
)
async def test_a_file_that_cannot_be_read_is_named_and_exits_2(file: str, message: str, tmp_path: Path) -> None:
    ended = await octave("check", file, cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1


async def test_an_empty_file_has_no_claims_and_exits_0(tmp_path: Path) -> None:
    (tmp_path / "claims.jsonl").write_bytes(b"")
    ended = await octave("check", "claims.jsonl", cwd=tmp_path)

    assert (ended.code, ended.err) == (
        0, "the input has no claims: each line must be one JSON object; see docs/evidence.md\n"
    )  # fmt: skip
    assert ended.out.startswith("0 claims: ")


async def test_a_list_instead_of_lines_gets_a_hint_at_the_format(tmp_path: Path) -> None:
    (tmp_path / "claims.jsonl").write_text(json.dumps([TRUE, FALSE], indent=1), "utf-8")
    ended = await octave("check", "claims.jsonl", cwd=tmp_path)

    assert ended.code == 1
    assert ended.err.startswith("no line could be checked: each line must be one JSON object")


async def test_claims_can_be_read_from_standard_input(tmp_path: Path) -> None:
    ended = await command("-m", "octave_mcp", "check", "-", "--json", cwd=tmp_path, stdin=lines(TRUE, FALSE))

    assert ended.code == 1
    assert [result["stands"] for result in results(ended)] == [True, False]


async def test_each_line_is_answered_before_the_next_is_read(tmp_path: Path) -> None:
    """The command prints each verdict immediately, so it needs memory for only one line at a time."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "octave_mcp", "check", "-", "--json"),
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=pipe, stdout=pipe,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    for number in range(1, 4):
        process.stdin.write(lines(TRUE))
        assert json.loads(await process.stdout.readline())["line"] == number
    process.stdin.close()
    assert await process.wait() == 0


async def test_the_report_shows_failing_claims_with_their_reasons_and_then_the_counts(tmp_path: Path) -> None:
    ended = await check(tmp_path, TRUE, FALSE, DOUBTFUL, options=())

    assert (ended.code, ended.err) == (1, "")
    shown = ended.out.splitlines()
    assert shown[0] == f"line 2: not supported, judged by rules: {FALSE['claim']}"
    assert shown[1].startswith("  D3 ")
    assert shown[2] == f"line 3: partly supported, judged by rules: {DOUBTFUL['claim']}"
    assert re.fullmatch(r"3 claims: \d supported, 1 partly supported, 1 not supported, \d unjudged", shown[-1])
    assert TRUE["claim"] not in ended.out


async def test_the_report_shows_text_on_one_line_without_control_characters(tmp_path: Path) -> None:
    ended = await check(tmp_path, FALSE | {"claim": "Quarry Bank\x1b[2J saved\n60 hours.\u202e"}, options=())

    assert ended.out.splitlines()[0].endswith(": Quarry Bank [2J saved 60 hours. ")
    assert "\x1b" not in ended.out


async def test_rules_alone_load_neither_database_nor_models(tmp_path: Path) -> None:
    (tmp_path / "claims.jsonl").write_bytes(lines(TRUE))
    ended = await command("-c", PRINT_LOADED_MODULES, cwd=tmp_path)

    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[1:] == [""]


def answering(supported: Sequence[int], **others: tuple[int, str]) -> Fault:
    """Return a fault that makes the model give these verdicts on the claims.

    `others`: for each verdict except `supported`, the number of the claim with this verdict, and a reason.
    """
    listed = [
        {"claim": claim, "verdict": verdict, "reason": reason, "better": None}
        for verdict, (claim, reason) in {name.rstrip("_"): judgement for name, judgement in others.items()}.items()
    ]

    def answer(request: Request, _: str) -> Sent:
        text = json.dumps({"supported": [*supported], "others": listed})
        return Sent(body=enveloped(request, text))

    return answer


WITH_MODEL = ("--json", "--model", "openai")


async def test_a_model_has_the_last_word_on_claims_that_the_rules_do_not_reject(double: Double, tmp_path: Path) -> None:
    double.fails(answering([2], not_=(1, "the quotation is about another month")))
    ended = await check(tmp_path, TRUE, FALSE, DOUBTFUL, options=WITH_MODEL)

    assert ended.code == 1
    first, second, third = results(ended)
    assert (first["stands"], first["support"]["verdict"]) == (False, "not")
    assert first["problems"] == [{"code": "D40", "text": "the quotation is about another month"}]
    assert (second["support"]["verdict"], second["support"]["judge"]) == ("not", "rules")
    assert (third["stands"], third["support"]["verdict"], third["problems"]) == (True, "supported", [])
    assert first["support"]["judge"] == third["support"]["judge"] == "openai"
    assert FALSE["claim"] not in json.dumps(double.asked[-1].body)


async def test_a_claim_that_the_model_leaves_out_keeps_the_verdict_of_the_rules_and_exits_4(
    double: Double, tmp_path: Path
) -> None:
    double.fails(answering([1]))
    first, second = results(ended := await check(tmp_path, TRUE, TRUE | {"id": 2}, options=WITH_MODEL))

    assert ended.code == 4
    assert "model_error" not in first
    assert second["support"]["judge"] == "rules"
    assert second["stands"]
    assert second["model_error"]


async def test_a_model_may_reject_every_claim_of_a_file(double: Double, tmp_path: Path) -> None:
    rejected = [{"claim": at, "verdict": "not", "reason": "another bank", "better": None} for at in range(1, 21)]
    double.fails(lambda request, _: Sent(body=enveloped(request, json.dumps({"supported": [], "others": rejected}))))
    ended = await check(tmp_path, *[TRUE] * 20, options=WITH_MODEL)

    assert ended.code == 1
    assert {result["support"]["verdict"] for result in results(ended)} == {"not"}


@pytest.mark.parametrize("model", sampled(["openai", "anthropic", "compat"], short=lambda model: model == "openai"))
async def test_a_rejected_key_is_an_error_before_anything_is_judged(model: str, double: Double, tmp_path: Path) -> None:
    double.fails(FOR_GOOD["wrong key"][0], times=None)
    ended = await check(tmp_path, TRUE, "{", options=("--json", "--model", model))

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {model} does not accept ")
    assert ended.err.count("\n") == 1


async def test_claims_after_a_failure_of_the_model_keep_the_verdicts_of_the_rules_and_say_so(
    double: Double, tmp_path: Path
) -> None:
    double.fails(FOR_GOOD["no quota"][0], times=None)
    double.fails(answering([*range(1, 61)]))
    ended = await check(tmp_path, *[TRUE] * 130, options=WITH_MODEL)

    assert ended.code == 4
    judges = [result["support"]["judge"] for result in results(ended)]
    assert judges == ["openai"] * 60 + ["rules"] * 70
    assert all(("model_error" in result) == (result["support"]["judge"] == "rules") for result in results(ended))


async def test_a_provider_that_is_down_leaves_the_verdicts_of_the_rules(double: Double, tmp_path: Path) -> None:
    double.fails(error(400, "invalid_request_error", "no"), times=None)
    ended = await check(tmp_path, TRUE, FALSE, options=("--model", "openai"))

    assert ended.code == 1
    assert ended.out.splitlines()[-1].startswith("1 claim could be judged only by rules: ")


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        (
            "openai",
            3,
            "OPENAI_API_KEY not found: set it in the environment or in .env; without --model, the claims are judged",
        ),
        ("auto", 3, "no model is configured"),
        ("host", 2, "the model 'host' does not judge claims; choose one of auto, openai, anthropic, compat"),
        ("extractive", 2, "the model 'extractive' does not judge claims"),
        ("gpt", 2, "the model 'gpt' does not judge claims; choose one of auto, openai, anthropic, compat"),
    ],
)
async def test_a_model_that_cannot_judge_is_named_before_anything_is_judged(
    model: str, code: int, message: str, tmp_path: Path
) -> None:
    ended = await check(tmp_path, TRUE, options=("--model", model))

    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert ended.err.count("\n") == 1
