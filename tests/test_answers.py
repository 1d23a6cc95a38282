"""Schemas of answers, and the decoding of answers that deviate from their schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import Field

from octave_mcp.asks.decoding import decoded
from octave_mcp.asks.patches import Fix, patch_form
from octave_mcp.asks.schema import schema_name, schema_of
from octave_mcp.domain.asks import AddressesAnswer, HomepageAnswer
from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import ColdCall, SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.prospect import Fact, ProspectAnswer, Understanding
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer
from octave_mcp.errors import BadAnswer

FORMS: tuple[type[Value], ...] = (
    AddressesAnswer,
    HomepageAnswer[Cite],
    VendorAnswer[Cite],
    ProspectAnswer[Cite],
    Understanding[Cite],
    SummaryDraft[Cite],
    SequenceDraft[Cite],
    TalkTrackDraft[Cite],
    WhyWeWin[Cite],
    ObjectionHandling[Cite],
    CompetitivePositioning[Cite],
)
# Anthropic rejects a schema with more than this number of nullable fields.
MAX_NULLABLE = 16
FACT = {"topic": "scale", "text": "Nine yards.", "evidence": [{"passage": 1, "sentences": [1]}]}
READING: dict[str, Any] = {
    "facts": [FACT, FACT], "signals": [], "jobs": [], "triggers": [], "people": [], "integrations": []
}  # fmt: skip

every_form = pytest.mark.parametrize("form", FORMS, ids=schema_name)


def nodes(part: object) -> list[dict[str, Any]]:
    if isinstance(part, dict):
        return [part, *(node for inner in part.values() for node in nodes(inner))]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return [node for inner in part for node in nodes(inner)] if isinstance(part, list) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


@every_form
def test_every_object_of_an_answer_is_closed_and_requires_every_field(form: type[Value]) -> None:
    objects = [node for node in nodes(schema_of(form)) if node.get("type") == "object"]

    assert objects
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])


@every_form
def test_every_schema_stays_within_the_limits_of_providers(form: type[Value]) -> None:
    text = json.dumps(schema_of(form))

    assert text.count('"null"') <= MAX_NULLABLE
    assert not [key for key in ('"default"', '"const"', '"oneOf"', '"minimum"', '"format"') if key in text]


class Open(Value):
    counts: dict[str, int]


class Chosen(Value):
    one: int | None = Field(default=None, ge=1)


def test_a_form_with_an_open_object_is_rejected() -> None:
    with pytest.raises(TypeError, match=r"Open\.counts: open object"):
        schema_of(Open)


def test_bounds_that_providers_do_not_enforce_are_left_out_of_the_schema() -> None:
    assert schema_of(Chosen)["properties"]["one"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(READING),
        f"```json\n{json.dumps(READING)}\n```",
        f"```\n{json.dumps(READING, indent=1)}",
        f"Here is what I found:\n{json.dumps(READING)}\nLet me know!",
        f"\ufeff {json.dumps(READING)}",
        json.dumps({**READING, "facts": [{**FACT, "evidence": [{"passage": "1", "sentences": [1]}]}, FACT]}),
    ],
)
def test_an_answer_is_found_inside_fences_and_surrounding_text(text: str) -> None:
    found = decoded(text, ProspectAnswer[Cite])

    assert (len(found.value.facts), found.wrong) == (2, "")


def test_fences_inside_a_text_field_are_kept() -> None:
    fact = {**FACT, "text": "Run ```npm i``` first."}

    found = decoded(json.dumps({**READING, "facts": [fact]}), ProspectAnswer[Cite])

    assert (found.value.facts[0].text, found.wrong) == ("Run ```npm i``` first.", "")


@pytest.mark.parametrize("cut", range(1, len(json.dumps(FACT)), 5))
def test_a_cut_off_answer_keeps_its_complete_items(cut: int) -> None:
    text = '{"facts": [' + json.dumps(FACT) + ", " + json.dumps(FACT)[:cut]

    found = decoded(text, ProspectAnswer[Cite], cut_off=True)

    assert len(found.value.facts) == 1
    assert found.value.jobs == ()
    assert found.wrong.startswith("it was cut off")


def test_an_incomplete_answer_keeps_its_complete_items_and_is_reported() -> None:
    found = decoded('{"facts": [' + json.dumps(FACT) + ', {"topic": "sc', ProspectAnswer[Cite])

    assert (len(found.value.facts), found.wrong) == (1, "it is no complete JSON object")


def test_invalid_items_are_left_out_and_reported() -> None:
    wrong = {**READING, "facts": [FACT, {**FACT, "topic": "weather"}, FACT], "jobs": [{"title": "Pilot"}], "note": "hi"}

    found = decoded(json.dumps(wrong), ProspectAnswer[Cite])

    assert (len(found.value.facts), found.value.jobs) == (2, ())
    for message in (
        "facts.1.topic: Input should be 'business'",
        "jobs.0.function: Field required",
        "note: Extra inputs",
    ):
        assert message in found.wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the answer is empty"),
        ("I cannot do that.", "the answer is words"),
        ("<html><body>busy</body></html>", "the answer is words"),
        ('{"name": {"text": 3}}', r"name.evidence: Field required"),
        ('{"name": "Lumenforge", "summary": null}', "name: Input should be a valid"),
        ('{"na', "it is no complete JSON object"),
    ],
)
def test_an_unusable_answer_is_rejected_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(BadAnswer, match=message):
        decoded(text, HomepageAnswer[Cite])


def test_unreadable_parts_are_reported_with_their_location_in_the_original_answer() -> None:
    bad = {**FACT, "topic": "weather"}
    answer = {**READING, "facts": [bad, FACT, {**FACT, "text": 3}, FACT], "note": "hi"}
    del answer["jobs"]

    found = decoded(json.dumps(answer), ProspectAnswer[Cite])

    places = {part.at: part for part in found.unread}
    assert [*places] == [("facts", 0), ("facts", 2), ("jobs",), ("note",)]
    assert "weather" in places["facts", 0].said
    assert [at for at, part in places.items() if part.is_extra] == [("note",)]
    assert len(found.value.facts) == 2


PATCH = patch_form([Fix(("facts", 0), Fact[Cite], ()), Fix(("facts", 1), Fact[Cite], ()), Fix(("subject",), str, ())])


@pytest.mark.parametrize(
    ("given", "readable"),
    [
        ({"fix_1": FACT, "fix_2": None, "fix_3": "hi"}, ["fix_1", "fix_3"]),
        ({"fix_1": FACT}, ["fix_1"]),
        ({"fix_1": 3, "fix_2": {"text": "x"}, "fix_3": "hi"}, ["fix_3"]),
        ({"fix_1": [FACT], "fix_2": FACT, "fix_3": ["hi"], "fix_9": FACT, "facts": []}, ["fix_2"]),
        ({"fix_1": None, "fix_2": None, "fix_3": None}, []),
        ({"fix_1": {**FACT, "note": "hi"}, "fix_2": FACT, "fix_3": None}, ["fix_1", "fix_2"]),
    ],
)
def test_a_patch_keeps_every_readable_replacement(given: dict[str, Any], readable: list[str]) -> None:
    found = decoded(json.dumps(given), PATCH)

    assert [name for name, part in found.value if part] == readable


def test_patches_of_equal_entries_share_one_form_with_a_strict_schema() -> None:
    again = patch_form([Fix(at, form, ()) for at, form in ((("x",), Fact[Cite]), (("y",), Fact[Cite]), ((), str))])

    assert again is PATCH
    assert schema_name(PATCH) == "Patch"
    assert schema_of(PATCH)["required"] == ["fix_1", "fix_2", "fix_3"]
    assert json.dumps(schema_of(PATCH)).count('"null"') == 3


@pytest.mark.parametrize("given", [{"text": "When would suit you?"}, [{"text": "When would"}, {"text": "suit you?"}]])
def test_a_sentence_object_in_place_of_a_text_is_read_as_its_text(given: object) -> None:
    call: dict[str, object] = {"opener": [], "value": [], "ask": "Shall we talk?", "if_not_now": given}

    found = decoded(json.dumps(call), ColdCall[Cite])

    assert found.wrong == ""
    assert found.value.if_not_now == "When would suit you?"
