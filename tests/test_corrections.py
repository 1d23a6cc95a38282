"""Corrections are patches: the model only rewrites the entries that failed, and the rest of the answer is unchanged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import doubles
import pytest
from doubles import Double, Request, Sent, enveloped, good, planted
from matrix import sampled
from scripted import Asked, ScriptedModel, ScriptedSource, Stage, answered, form, invented_sites, paths_in
from test_support import JUDGE, say

from octave_mcp.asks.corrections import Checks
from octave_mcp.asks.decoding import decoded
from octave_mcp.asks.patches import patch_form
from octave_mcp.domain.asks import Answer, Unread, Usage
from octave_mcp.domain.cards import WhyWeWin
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.playbook import CallToAction, Playbook, SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.prospect import ProspectAnswer
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value, changed, part_at
from octave_mcp.errors import BadAnswer

PROVIDERS = ("openai", "anthropic", "compat")
# A patch for one error must not exceed this fraction of the answer's size, if the answer has at least `MIN_FINDINGS`
# findings.
MAX_SHARE = 0.15
MIN_FINDINGS = 8


@pytest.fixture
def stage(tmp_path: Path, double: Double) -> Stage:  # noqa: ARG001 - it answers the requests
    return Stage(tmp_path, source=ScriptedSource(invented_sites()))


def content(playbook: Playbook) -> dict[str, Any]:
    return playbook.model_dump(mode="json", exclude={"generated_at", "cost", "timings"})


def findings_in(answer: dict[str, Any]) -> int:
    return json.dumps(answer).count('"evidence": [{')


@pytest.mark.long
@pytest.mark.parametrize("provider", sampled(PROVIDERS, short=lambda provider: provider == "openai"))
async def test_an_error_planted_in_every_answer_costs_one_short_patch_each_and_changes_nothing_else(
    provider: str, stage: Stage, double: Double, tmp_path: Path
) -> None:
    _, clean = await stage.run(model=provider)
    double.asked.clear()
    answers: list[tuple[Request, dict[str, Any]]] = []

    def spoilt(request: Request, text: str) -> Sent:
        answers.append((request, json.loads(text)))
        return planted(request, text, "7431.5")

    double.fails(spoilt, lambda request: not request.is_second, times=None)
    record, playbook = await Stage(tmp_path / "again", source=ScriptedSource(invented_sites())).run(model=provider)

    assert clean
    assert playbook, record.error
    patches = [request for request in double.asked if request.is_second]
    assert all([*request.schema["properties"]] == ["fix_1"] for request in patches)
    assert len(patches) == len([first for _, first in answers if any(doubles.findings_in(first))])
    assert content(playbook) == content(clean)
    assert "7431.5" not in playbook.model_dump_json()
    shares = [share for request in patches if (share := share_of(request, answers))]
    assert len(shares) > 4
    assert max(shares) <= MAX_SHARE


def share_of(patch: Request, answers: list[tuple[Request, dict[str, Any]]]) -> float:
    """Return the size of the patch divided by the size of the original answer.

    Return 0 if the original answer has fewer than `MIN_FINDINGS` findings.

    To find the original answer, use the fact that a patch request starts with the text of the original request.
    """
    first = next(
        answer
        for request, answer in answers
        if request.form is patch.form and patch.user.startswith(request.user.rstrip())
    )
    return len(json.dumps(good(patch))) / len(json.dumps(first)) if findings_in(first) >= MIN_FINDINGS else 0


async def test_a_patch_request_starts_like_the_first_request_and_its_complaint_shows_what_the_entry_cites(
    stage: Stage, double: Double
) -> None:
    double.fails(
        lambda request, text: planted(request, text, "7431.5"),
        lambda request: "facts" in request.schema["properties"] and not request.is_second,
    )
    await stage.run(model="anthropic")

    (patch,) = [request for request in double.asked if request.is_second]
    first = next(request for request in double.asked if "facts" in request.schema["properties"])
    shared, complaint = patch.body["messages"][0]["content"]
    assert [shared] == first.body["messages"][0]["content"][:1]
    assert shared["cache_control"]
    assert patch.system == first.system
    text = complaint["text"]
    assert "fix_1 replaces facts[0].text (cites [" in text
    assert "That is 7431.5 times." in text
    assert "- D3 " in text
    fence = text.partition("<cited-")[2].partition(">")[0]
    cited = text.partition(f"<cited-{fence}>")[2].partition(f"</cited-{fence}>")[0]
    assert cited.strip().startswith("[")


async def test_a_schema_in_the_text_of_a_patch_request_comes_after_the_cacheable_first_request(
    stage: Stage, double: Double
) -> None:
    double.fails(
        lambda request, text: planted(request, text, "7431.5"),
        lambda request: "facts" in request.schema["properties"] and not request.is_second,
    )
    await stage.run(model="compat")

    (patch,) = [request for request in double.asked if request.is_second]
    first = next(request for request in double.asked if "facts" in request.schema["properties"])
    assert patch.system == first.system
    assert patch.user.startswith(first.user)
    assert patch.user.count("The JSON schema of your answer:") == 1
    assert patch.user.rstrip().endswith(json.dumps(patch.schema, separators=(",", ":")))


Spoil = Callable[[Any], Value]


def at(value: Any, *path: str | int, **update: object) -> Any:  # noqa: ANN401 - a draft
    """Return a copy of the draft in which the part at this path is changed."""
    part = part_at(value, path)
    assert isinstance(part, Value)
    return changed(value, {path: part.model_copy(update=update)})


def worse(sentence: Any) -> dict[str, str]:  # noqa: ANN401 - a sentence
    return {"text": f"{sentence.text} That is 7431.5 times."}


def no_figure(draft: Any) -> Value:  # noqa: ANN401 - a draft
    return at(draft, "touches", 1, "paragraphs", 0, 1, **worse(draft.touches[1].paragraphs[0][1]))


PLACES: list[tuple[type[Value], str, Spoil]] = [
    (SequenceDraft[Cite], "touches[1].paragraphs[0][1].text", no_figure),
    (SequenceDraft[Cite], "touches[2].subject", lambda draft: at(draft, "touches", 2, subject="7431.5 lamps")),
    (SequenceDraft[Cite], "touches[0].opt_out", lambda draft: at(draft, "touches", 0, opt_out="Stop at 7431.5?")),
    (
        SequenceDraft[Cite],
        "touches[0].personalisation[1]",
        lambda draft: at(draft, "touches", 0, personalisation=("Look at it.", "Make 7431.5 of it.")),
    ),
    (
        SequenceDraft[Cite],
        "touches[3].call_to_action.text",
        lambda draft: at(
            draft, "touches", 3, call_to_action=CallToAction(label="interest", text="Is 7431.5 worth a look?")
        ),
    ),
    (TalkTrackDraft[Cite], "cold_call.ask", lambda draft: at(draft, "cold_call", ask="Would 7431.5 help?")),
    (TalkTrackDraft[Cite], "discovery[2].question", lambda draft: at(draft, "discovery", 2, question="Why 7431.5?")),
    (
        TalkTrackDraft[Cite],
        "demo_points[0].because.text",
        lambda draft: at(draft, "demo_points", 0, "because", **worse(draft.demo_points[0].because)),
    ),
    (SummaryDraft[Cite], "quick_wins[3].action", lambda draft: at(draft, "quick_wins", 3, action="Send 7431.5.")),
    (
        SummaryDraft[Cite],
        "success_metrics[0].how_to_measure",
        lambda draft: at(draft, "success_metrics", 0, how_to_measure="7431.5 of them"),
    ),
    (WhyWeWin[Cite], "reasons[1].text", lambda draft: at(draft, "reasons", 1, **worse(draft.reasons[1]))),
]
by_place = pytest.mark.parametrize(
    ("kind", "path", "spoil"),
    sampled(PLACES, lambda place: "." not in place[1] or "touches" in place[1]),
    ids=[path for _, path, _ in PLACES],
)


@pytest.fixture
def scripted_stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def for_first(kind: type[Value]) -> Callable[[Asked], bool]:
    """Return a function that checks whether an ask requests an answer of this type, or a patch for one.

    If there is one ask for each persona, the function returns true only for the first persona.
    """
    return lambda ask: form(kind)(ask) and ask.brief.rank == 0


@by_place
async def test_only_the_smallest_failed_entry_is_named_by_its_path_and_replaced(
    kind: type[Value], path: str, spoil: Spoil, scripted_stage: Stage
) -> None:
    model = cast("ScriptedModel", scripted_stage.scripted)
    corrected: list[Asked] = []

    async def reply(ask: Asked) -> Value:
        draft = answered(ask)
        if ask.complaint:
            corrected.append(ask)
            return repaired(spoil(draft))
        return spoil(draft)

    model.on(for_first(kind), reply)
    record, playbook = await scripted_stage.run()

    assert playbook, record.error
    (ask,) = corrected
    assert paths_in(ask.complaint) == {"fix_1": path}
    assert "7431.5" in ask.complaint
    assert "7431.5" not in playbook.model_dump_json()
    assert record.status == "completed", playbook.gaps


def repaired(draft: Value) -> Value:
    text = draft.model_dump_json().replace(" That is 7431.5 times.", "").replace("7431.5", "more")
    return type(draft).model_validate_json(text)


@by_place
@pytest.mark.parametrize("answer", sampled(["null", "again", "unreadable"], "null".__eq__))
async def test_an_entry_that_is_not_corrected_is_dropped_with_only_what_needs_it(
    answer: str, kind: type[Value], path: str, spoil: Spoil, scripted_stage: Stage
) -> None:
    model = cast("ScriptedModel", scripted_stage.scripted)

    async def reply(ask: Asked) -> Value:
        if not ask.complaint or answer == "again":
            return spoil(answered(ask))
        if answer == "unreadable":
            raise BadAnswer("it is no JSON")
        return ask.answer.model_validate(dict.fromkeys(ask.answer.model_fields))

    model.on(for_first(kind), reply)
    record, playbook = await scripted_stage.run()

    assert playbook, record.error
    assert "7431.5" not in playbook.model_dump_json()
    assert record.status == "partial"
    assert "dropped_by_check" in {gap.code for gap in playbook.gaps}
    touches = [len(sequence.touches) for sequence in playbook.email_sequences]
    costs_an_email = kind is SequenceDraft[Cite] and not path.endswith(("opt_out", "personalisation[1]"))
    assert touches == [3 if costs_an_email else 4, 4, 4]
    assert len(playbook.talk_tracks) == 3
    assert len(playbook.battle_cards) == 3
    assert len(playbook.quick_wins) == (4 if "quick_wins" in path else 5)
    assert [len(track.discovery) for track in playbook.talk_tracks] == [7 if "discovery" in path else 8, 8, 8]


async def test_a_patch_cannot_change_entries_that_were_not_complained_about(stage: Stage, double: Double) -> None:
    def meddling(request: Request, text: str) -> Sent:
        fact = json.loads(text)["fix_1"]
        extra: dict[str, Any] = {"fix_2": {**fact, "text": "Zorblax"}, "facts": [], "fix_99": None, "fix_1": fact}
        return Sent(body=enveloped(request, json.dumps(extra)))

    double.fails(meddling, lambda request: request.is_second)
    double.fails(
        lambda request, text: planted(request, text, "7431.5"),
        lambda request: request.form is ProspectAnswer[Cite] and not request.is_second,
    )
    record, playbook = await stage.run(model="openai")

    assert playbook
    assert "Zorblax" not in playbook.model_dump_json()
    assert playbook.prospect_intelligence.company_profile.facts
    assert [gap.reason for gap in playbook.gaps if gap.code == "ignored"] == [
        "3 changes by the model were ignored, because no check had asked for them"
    ]
    assert record.status == "completed"


@pytest.mark.parametrize(("withdrawn", "left"), [(True, 1), (False, 2)])
def test_a_doubtful_statement_is_dropped_if_the_model_withdraws_it(withdrawn: bool, left: int) -> None:
    doubtful, sound = say("Rework rose at Brassmere at night.", 2), say("Quillport builds ferries.", 4)
    value = WhyWeWin[Cite](kind="why_we_win", reasons=(doubtful, sound), proof=())
    checks = Checks(JUDGE, WhyWeWin[EvidenceId])
    first = checks.read(Answer(value=value, usage=Usage()))
    (fix,) = checks.fixes(first, WhyWeWin[Cite])
    unread = () if withdrawn else (Unread(at=("fix_1",), wrong="missing", said=""),)
    patch = Answer(value=patch_form([fix]).model_validate({"fix_1": None}), usage=Usage(), unread=unread)

    settled, _ = checks.patched(first, [fix], patch)

    assert settled.value
    assert len(settled.value.reasons) == left


def test_a_plain_text_in_a_patch_replaces_the_text_of_the_sentence() -> None:
    doubtful, sound = say("Rework rose at Brassmere at night.", 2), say("Quillport builds ferries.", 4)
    checks = Checks(JUDGE, WhyWeWin[EvidenceId])
    value = WhyWeWin[Cite](kind="why_we_win", reasons=(doubtful, sound), proof=())
    first = checks.read(Answer(value=value, usage=Usage()))
    (fix,) = checks.fixes(first, WhyWeWin[Cite])
    given = decoded('{"fix_1": "Brassmere cut rework by 31%."}', patch_form([fix]))
    patch = Answer(value=given.value, usage=Usage(), wrong=given.wrong, unread=given.unread)

    settled, wrong = checks.patched(first, [fix], patch)

    assert wrong == ""
    assert settled.value
    assert [sentence.text for sentence in settled.value.reasons] == ["Brassmere cut rework by 31%.", sound.text]


@pytest.mark.parametrize("word", ["null", "drop it", "N/A"])
def test_a_word_that_asks_to_drop_a_sentence_is_not_used_as_its_text(word: str) -> None:
    checks = Checks(JUDGE, WhyWeWin[EvidenceId])
    value = WhyWeWin[Cite](kind="why_we_win", reasons=(say("Rework rose at Brassmere at night.", 2),), proof=())
    first = checks.read(Answer(value=value, usage=Usage()))
    (fix,) = checks.fixes(first, WhyWeWin[Cite])
    given = decoded(json.dumps({"fix_1": word}), patch_form([fix]))

    settled, _ = checks.patched(first, [fix], Answer(value=given.value, usage=Usage(), unread=given.unread))

    assert word not in str(settled.value)


BAD: dict[str, str] = {
    "nothing": "",
    "an empty object": "{}",
    "words": "I would rather not.",
    "a wrong type": '{"fix_1": 7}',
    "a list": '{"fix_1": [1, 2]}',
    "another entry": '{"facts": [{"text": "no"}]}',
    "a broken entry": '{"fix_1": {"text": "no"}}',
    "half": '{"fix_1": {"te',
    "not JSON": "{fix_1: None}",
}


@pytest.mark.parametrize("bad", sampled(BAD, {"a wrong type", "half"}.__contains__), ids=str)
async def test_an_unusable_patch_costs_only_the_entry(bad: str, stage: Stage, double: Double) -> None:
    double.fails(lambda request, _: Sent(body=enveloped(request, BAD[bad])), lambda request: request.is_second)
    double.fails(
        lambda request, text: planted(request, text, "7431.5"),
        lambda request: request.form is ProspectAnswer[Cite] and not request.is_second,
    )
    record, playbook = await stage.run(model="compat")

    assert playbook, record.error
    assert "7431.5" not in playbook.model_dump_json()
    assert record.status == "partial"
    assert playbook.prospect_intelligence.company_profile.facts
    assert len(playbook.battle_cards) == len(playbook.email_sequences) == 3


async def test_an_answer_without_any_valid_entry_is_asked_for_again_in_full(stage: Stage, double: Double) -> None:
    def unknown_passages(request: Request, text: str) -> Sent:
        return Sent(body=enveloped(request, re.sub(r'"passage": \d+', '"passage": 98765', text)))

    double.fails(unknown_passages, lambda r: "facts" in r.schema["properties"] and not r.is_second)
    record, playbook = await stage.run(model="openai")

    assert playbook, record.error
    (again,) = [request for request in double.asked if request.is_second]
    assert not again.is_patch
    assert "Answer again in full" in again.user
    assert record.status == "completed"


async def test_text_that_depends_on_a_rejected_sentence_is_asked_for_with_it(scripted_stage: Stage) -> None:
    model = cast("ScriptedModel", scripted_stage.scripted)
    corrected: list[Asked] = []

    async def reply(ask: Asked) -> Value:
        draft: Any = answered(ask)
        if ask.complaint:
            corrected.append(ask)
            return draft
        first, second = draft.reasons
        follows = Sentence[Cite](text=f"That is why: {second.text}", kind=second.kind, evidence=second.evidence)
        return draft.model_copy(update={"reasons": (first.model_copy(update=worse(first)), follows)})

    model.on(form(WhyWeWin[Cite]), reply)
    playbook = await scripted_stage.playbook()

    (ask,) = corrected
    assert paths_in(ask.complaint) == {"fix_1": "reasons[0].text", "fix_2": "reasons[1].text"}
    assert "depends on reasons[0], which may be reworded or dropped: reword this entry" in ask.complaint
    assert "That is why" not in playbook.model_dump_json()


async def test_text_that_depends_on_a_dropped_sentence_is_dropped_too(scripted_stage: Stage) -> None:
    model = cast("ScriptedModel", scripted_stage.scripted)

    async def reply(ask: Asked) -> Value:
        if ask.complaint:
            return ask.answer.model_validate(dict.fromkeys(ask.answer.model_fields))
        draft: Any = answered(ask)
        first, second = draft.reasons
        follows = second.model_copy(update={"text": f"That is why: {second.text}"})
        return draft.model_copy(update={"reasons": (first.model_copy(update=worse(first)), follows)})

    model.on(form(WhyWeWin[Cite]), reply)
    playbook = await scripted_stage.playbook()

    card: Any = next(card for card in playbook.battle_cards if card.kind == "why_we_win")
    assert card.reasons == ()
    assert card.proof
    assert any("1 x a text that makes no sense without a dropped text" in gap.reason for gap in playbook.gaps)
