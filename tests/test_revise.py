"""Tests of revisions. A revision rewrites one part of a playbook, checks the new text, and changes nothing else."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from children import QUICK, child
from conftest import Pair, lift_question_timeouts, octave
from deal_playbook import deal_playbook, stored
from doubles import OF_HOST, Double, Fault, Request, Sent, enveloped
from fastmcp import Client
from matrix import sampled
from mcp_types import TextResourceContents
from scripted import Asked, Reply, ScriptedModel, Stage, answered, form, touch
from test_host import Writer
from test_mcp import ERAS, Era, call, complaint, ended, written
from web import lift_server_timeouts, problem_in, serving

from octave_mcp.app import App
from octave_mcp.asks.rendering import estimated_tokens, rendered
from octave_mcp.domain.diffs import applied, diff
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.parts import Given
from octave_mcp.domain.playbook import Playbook, TouchDraft
from octave_mcp.domain.run import PlaybookRequest, RevisionRequest, RunRecord
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value
from octave_mcp.domain.verification import Verification
from octave_mcp.errors import InputError, Outdated, UnknownName
from octave_mcp.settings import load
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.tools.registry import ignore_event

TOUCH = "email_sequences.persona-1.touches[2]"
LIST = {"section": TOUCH, "instruction": "Offer them a list that they can use at once"}
MAX_TOKENS = 6_000
TOKENS = ("input_tokens", "output_tokens")
SPENT = ("cost", "timings")
FEW = {"model": "openai", "max_pages": 3}


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)
    lift_question_timeouts(monkeypatch)


def of_touch(request: Request) -> bool:
    return request.form is TouchDraft[Cite] and not request.is_second


def email(request: Request) -> dict[str, Any]:
    """Return an e-mail of the maximum length that the prompt allows, with claims that paraphrase the pages."""
    sentences = [
        sentence(f"Plainly, {text[0].lower()}{text[1:]}", at).model_dump(mode="json", exclude={"support"})
        for at, passage in enumerate(request.passages, 1)
        if (text := passage.text).endswith(".") and text.isascii() and not any(map(str.isdigit, text))
    ][:4]
    return {
        "subject": "the rounds",
        "paragraphs": [sentences[:2], sentences[2:]],
        "call_to_action": {"label": "offer", "text": "Shall I send the list?"},
        "opt_out": None,
        "second_opening": [],
        "make_first": "Ask first who plans it, and who looks at it. " * 14,
        "personalisation": ["Look at their page before you send it."],
    }


def answering(answer: Callable[[Request], dict[str, Any]]) -> Fault:
    return lambda request, _: Sent(body=enveloped(request, json.dumps(answer(request))))


async def playbook_of(client: Client[Any], run_id: str) -> dict[str, Any]:
    (content,) = await client.read_resource(f"run://{run_id}/playbook.json")
    assert isinstance(content, TextResourceContents)
    return json.loads(content.text)


def rest_of(playbook: dict[str, Any]) -> str:
    rest = {name: part for name, part in playbook.items() if name not in {"cost", "timings", "evidence"}}
    del rest["email_sequences"][0]["touches"][2]
    return json.dumps(rest)


@pytest.mark.parametrize("era", sampled(ERAS, short=lambda era: era == "auto"))
async def test_revising_one_touch_stays_within_the_token_limit_and_changes_nothing_else(
    era: Era, pair: Pair, double: Double
) -> None:
    async with Client(make(), mode=era) as client:
        base = await written(client, **pair.few | FEW)
        before, asks_before = await playbook_of(client, base["run_id"]), len(double.asked)
        double.fails(answering(email), of_touch)
        started = await call(client, "revise_playbook", run_id=base["run_id"], **LIST)
        report = await ended(client, started["run_id"])
        after = await playbook_of(client, base["run_id"])

    asked, spent = double.asked[asks_before:], [after["cost"][name] - before["cost"][name] for name in TOKENS]
    assert report["status"] == "completed", report
    assert report["session_id"] == base["session_id"]
    assert (report["version"], report["versions"], report["revision"]["run_id"]) == (2, 2, base["run_id"])
    assert f"version 2 of the playbook of {base['run_id']}" in report["message"]
    assert report["section"] == {TOUCH: after["email_sequences"][0]["touches"][2]}
    assert report["section"][TOUCH]["subject"] == "the rounds"
    assert {item["support"]["judge"] for item in report["section"][TOUCH]["sentences"]} == {"openai"}
    assert [request.form for request in asked] == [TouchDraft[Cite], Verification]
    assert sum(len(json.dumps(request.body)) // 4 for request in asked) < sum(spent) <= MAX_TOKENS
    assert before["evidence"].items() <= after["evidence"].items()
    assert rest_of(after) == rest_of(before)


@pytest.mark.long
async def test_a_connected_client_is_asked_one_short_question(pair: Pair, double: Double, tmp_path: Path) -> None:
    async with Client(make()) as client:
        base = await written(client, **pair.few | FEW)
        started = await call(client, "revise_playbook", run_id=base["run_id"], **LIST, model="host")
        writer = Writer(client, started["run_id"])
        question = await writer.next()
        assert question
        answer = email(Request(OF_HOST, {}, question))
        verdict = await writer.answer(question, lambda given: given.update(answer))
        report = await ended(client, started["run_id"])
        await writer.work()
    refreshed = await octave("refresh", report["run_id"], cwd=tmp_path)

    assert started["status"] == "waiting"
    assert verdict["accepted"], verdict
    assert [asked["prompt"] for asked in writer.asked] == ["playbook/revise"]
    assert question["tokens"] + len(json.dumps(answer)) // 4 <= MAX_TOKENS
    assert (report["status"], report["version"]) == ("completed", 2)
    assert not any(request.form is TouchDraft[Cite] for request in double.asked)
    # The refresh uses the provider's model, which wrote the playbook, although the client's model revised it.
    assert refreshed.code == 0, refreshed.err


def test_an_ask_for_one_touch_contains_only_the_rules_for_that_touch(revised_asks: list[Asked]) -> None:
    text = rendered(next(ask for ask in revised_asks if ask.answer is TouchDraft[Cite]))

    assert "Write the part below again" in text.system
    assert "3. An offer" in text.system
    assert "1. The reason" not in text.system
    assert "`make_first`: on touch 3" in text.system
    assert "Write four e-mails" not in text.system
    assert text.system.count("Passages are numbered.") == 1
    assert "<instruction>\nsay it in fewer words\n</instruction>" in text.system
    assert "They are never evidence" in text.system
    assert estimated_tokens(text.system) < 1_700


# A model has written these parts, so a revision can rewrite them.
PARTS = (
    TOUCH,
    "email_sequences.persona-2.touches[0].subject",
    "email_sequences.persona-1.touches[1].sentences[0]",
    "email_sequences.persona-3",
    "talk_tracks.persona-1.discovery[0].question",
    "talk_tracks.persona-1.cold_call",
    "battle_cards.why_we_win.reasons[0].text",
    "battle_cards.objection_handling",
    "executive_summary.why_now",
    "priority_personas.persona-1.goals",
    "priority_personas.persona-1.will_ask[0]",
    "buying_committee.champion",
    "quick_wins[1]",
    "success_metrics",
    "trial_plan[0]",
    "fit",
)
# These parts are assembled from other sections, so they can change when one of those sections is revised.
DERIVED = ("brief", "qualification", "fit.value_map", "evidence")


@pytest.fixture
async def base(tmp_path: Path) -> Base:
    stage = Stage(tmp_path)
    record, _ = await stage.run(model="scripted", source="scripted")
    return Base(stage, record.run_id)


@dataclass(frozen=True)
class Base:
    """A finished run by the scripted model, whose playbook the tests revise."""

    stage: Stage
    run_id: str

    @property
    def model(self) -> ScriptedModel:
        assert isinstance(self.stage.scripted, ScriptedModel)
        return self.stage.scripted

    async def revise(self, section: str, instruction: str = "say it in fewer words", **more: Any) -> RunRecord:  # noqa: ANN401 - fields of the request
        wanted = RevisionRequest(run_id=self.run_id, section=section, instruction=instruction, **more)
        record, _ = await self.stage.end_of((await self.stage.runs.revise(wanted)).run_id)
        return record

    async def edit(self, section: str, text: str, base: int) -> None:
        await self.stage.runs.versions.edit(self.run_id, section, Given(text), base=base, by="Ann")

    async def playbook(self, version: int | None = None) -> Playbook:
        return await self.stage.runs.finished(self.run_id, version)

    async def versions(self) -> list[str]:
        """Return how each version was made, such as 'edited', from the oldest version to the newest."""
        return [meta.made for meta in await self.stage.runs.versions.listed(self.run_id)]


@pytest.fixture
async def revised_asks(base: Base) -> list[Asked]:
    await base.revise(TOUCH)
    return base.model.asked


def unit_of(part: str) -> str:
    """Return the path of the whole e-mail, script, card or section that contains the part.

    A revision of the part is allowed to change this whole e-mail, script, card or section.
    """
    found = re.match(r"email_sequences\.[\w-]+(\.touches\[\d\])?|(talk_tracks|battle_cards)\.[\w-]+|\w+", part)
    assert found
    return found[0]


@pytest.mark.long
async def test_every_part_written_by_a_model_can_be_revised_and_nothing_else_changes(base: Base) -> None:
    for number, part in enumerate(PARTS, 2):
        record = await base.revise(part)
        assert record.status == "completed", (part, record.error)

        before, after = await base.playbook(number - 1), await base.playbook(number)
        changes = diff(before, after)
        gaps = () if part.endswith("]") else ("gaps",)
        expected = (unit_of(part), *gaps, *DERIVED, *SPENT)
        assert [change.path for change in changes if not change.path.startswith(expected)] == [], part
        assert applied(changes, before) == after

    assert await base.versions() == ["generated", *("revised" for _ in PARTS)]


async def test_revising_one_sentence_leaves_its_neighbours_unchanged(base: Base) -> None:
    await base.revise("battle_cards.why_we_win.reasons[0].text")

    changed = {change.path for change in diff(await base.playbook(1), await base.playbook(2))}
    assert "battle_cards.why_we_win.reasons[0].text" in changed
    assert not any(
        path.startswith(("battle_cards.why_we_win.reasons[1]", "battle_cards.why_we_win.proof")) for path in changed
    )


async def test_the_brief_is_updated_when_a_part_that_it_repeats_is_revised(base: Base) -> None:
    await base.revise("talk_tracks.persona-1.cold_call")
    playbook = await base.playbook()

    assert playbook.brief
    assert playbook.brief.first_line == playbook.talk_tracks[0].cold_call.opener[0].text
    assert playbook.brief.first_line != (await base.playbook(1)).brief.first_line  # pyright: ignore[reportOptionalMemberAccess]


# Human edits

EMAIL = "Subject: my own\n\nHi there,\n\nI wrote this   myself.\n\nAnn"


async def test_text_written_by_a_person_is_never_changed(base: Base) -> None:
    await base.edit(TOUCH, EMAIL, 1)
    own = (await base.playbook()).email_sequences[0].touches[2]
    with pytest.raises(InputError, match=r"written by Ann in version 2.* edit this part"):
        await base.revise(f"{TOUCH}.subject")
    record = await base.revise("email_sequences.persona-1")
    playbook = await base.playbook()

    assert record.status == "completed", record.error
    assert playbook.email_sequences[0].touches[2] == own
    assert playbook.email_sequences[0].touches[0] != (await base.playbook(2)).email_sequences[0].touches[0]
    assert [text.path for text in playbook.own_text] == [TOUCH]


@pytest.mark.long
async def test_a_body_written_by_a_person_is_kept_when_the_rest_of_the_email_is_revised(base: Base) -> None:
    await base.edit(f"{TOUCH}.body", "Hi there,\n\nI wrote this   myself.\n\nAnn", 1)
    before = (await base.playbook()).email_sequences[0].touches[2]
    base.model.on(form(TouchDraft[Cite]), draft_with(subject="halls"))
    await base.revise(TOUCH)
    after = (await base.playbook()).email_sequences[0].touches[2]

    assert after.subject == "halls"
    assert (after.body, after.sentences, after.call_to_action) == (before.body, before.sentences, before.call_to_action)


# Unsupported claims


def draft_with(*invented: str, subject: str = "a thought", count: int = 2) -> Reply:
    """Return a reply that writes an e-mail.

    The e-mail contains `count` sentences quoted from the passages, and then the sentences in `invented`.
    """

    async def reply(ask: Asked) -> TouchDraft[Cite]:
        quotable = [passage for passage in ask.passages if passage.text.endswith(".")][:count]
        quoted = [sentence(passage.text, ask.passages.index(passage) + 1) for passage in quotable]
        return touch(*quoted, *(sentence(text, 1) for text in invented), subject=subject)

    return reply


def sentence(text: str, passage: int) -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind="fact", evidence=(Cite(passage=passage),))


INVENTED = "We cut the costs of Quillport by 80%."


async def test_a_revision_that_invents_a_figure_fails_with_the_reason_and_changes_nothing(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), draft_with(INVENTED, count=1))
    record = await base.revise(TOUCH, "Say that we cut costs by 80 %")

    assert record.status == "failed"
    assert record.error
    assert "a figure that is not in the evidence (D3)" in record.error.message
    assert await base.versions() == ["generated"]


async def test_unsupported_sentences_are_dropped_from_a_revision(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), draft_with(INVENTED, count=3))
    record = await base.revise(TOUCH, "Say that we cut costs by 80 %")
    revised = (await base.playbook()).email_sequences[0].touches[2]

    assert (record.status, await base.versions()) == ("partial", ["generated", "revised"])
    assert record.error
    assert "dropped: 1 x a figure that is not in the evidence (D3)" in record.error.message
    assert "80" not in revised.body
    assert len(revised.sentences) == 3


# Concurrent changes


def edits_first(base: Base, section: str, text: str) -> Reply:
    """Return a reply that first edits the section and then answers the ask."""

    async def reply(ask: Asked) -> TouchDraft[Cite]:
        await base.edit(section, text, 1)
        return await draft_with(subject="halls")(ask)  # pyright: ignore[reportReturnType]

    return reply


@pytest.mark.long
async def test_a_revision_is_applied_to_the_newest_version_if_another_section_changed_meanwhile(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), edits_first(base, "trial_plan", "One week.\nTwo weeks."))
    record = await base.revise(TOUCH)
    playbook = await base.playbook()

    assert record.status == "completed", record.error
    assert await base.versions() == ["generated", "edited", "revised"]
    assert playbook.trial_plan == ("One week.", "Two weeks.")
    assert playbook.email_sequences[0].touches[2].subject == "halls"


@pytest.mark.long
async def test_parallel_revisions_of_different_parts_of_one_section_are_both_applied(base: Base) -> None:
    parts = (TOUCH, "email_sequences.persona-2.touches[0]")
    both_asked = asyncio.Barrier(len(parts))

    async def reply(ask: Asked) -> TouchDraft[Cite]:
        await both_asked.wait()
        return await draft_with(subject="halls")(ask)  # pyright: ignore[reportReturnType]

    base.model.on(form(TouchDraft[Cite]), reply)
    records = await asyncio.gather(*map(base.revise, parts))
    first, second, *_ = (await base.playbook()).email_sequences

    assert [(record.status, record.error) for record in records] == [("completed", None)] * len(parts)
    assert await base.versions() == ["generated", "revised", "revised"]
    assert first.touches[2].subject == second.touches[0].subject == "halls"


async def test_an_edit_of_another_part_of_the_section_during_a_revision_is_kept(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), edits_first(base, "email_sequences.persona-2.touches[0]", EMAIL))
    record = await base.revise(TOUCH)
    first, second, *_ = (await base.playbook()).email_sequences

    assert record.status == "completed", record.error
    assert await base.versions() == ["generated", "edited", "revised"]
    assert (first.touches[2].subject, second.touches[0].subject) == ("halls", "my own")


@pytest.mark.long
@pytest.mark.parametrize("part", [f"{TOUCH}.body", "email_sequences.persona-1"])
async def test_a_revision_fails_if_a_part_that_contains_it_or_lies_within_it_changed_meanwhile(
    base: Base, part: str
) -> None:
    async def edits(ask: Asked) -> Value:
        if await base.versions() == ["generated"]:
            await base.edit(TOUCH, EMAIL, 1)
        return answered(ask)

    base.model.on(lambda ask: "<instruction>" in rendered(ask).system, edits)
    record = await base.revise(part)

    assert record.error
    assert record.error.code == "outdated_version"
    assert await base.versions() == ["generated", "edited"]


async def test_a_revision_fails_if_its_part_changed_meanwhile_and_the_edit_is_kept(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), edits_first(base, TOUCH, EMAIL))
    record = await base.revise(TOUCH)

    assert record.status == "failed"
    assert record.error
    assert record.error.code == "outdated_version"
    assert "version 2 by Ann" in record.error.message
    assert await base.versions() == ["generated", "edited"]
    assert (await base.playbook()).email_sequences[0].touches[2].subject == "my own"


async def test_a_revision_based_on_an_outdated_or_unknown_version_is_refused(base: Base) -> None:
    await base.edit("trial_plan", "One week.", 1)

    with pytest.raises(Outdated, match=r"version 1 .* is not the newest: version 2 by Ann"):
        await base.revise(TOUCH, base_version=1)
    with pytest.raises(UnknownName, match="no version 7; choose one of 1, 2"):
        await base.revise(TOUCH, base_version=7)


# Refused revisions


# Parts that do not exist or that no model wrote, each with a text that the error message must contain.
NOT_REVISABLE = {
    "emails": "there is no section 'emails'; choose one of executive_summary, priority_personas",
    "email_sequences.persona-9": "has no part 'persona-9'; choose one of persona-1, persona-2, persona-3",
    "email_sequences.persona-1.touches[9]": "an index from 0 to 3",
    "evidence": "not written by a model; choose one of executive_summary, priority_personas",
    "email_sequences.persona-1.signature": "not written by a model; choose one of touches",
    f"{TOUCH}.score": "not written by a model; choose one of subject, paragraphs",
    "talk_tracks.persona-1.score": "not written by a model; choose one of pitch",
    "priority_personas.persona-1.title": "not written by a model; choose one of goals",
    "fit.value_map": "not written by a model; choose one of reasons_against",
}


async def test_revising_an_unknown_part_or_one_that_no_model_wrote_is_refused_with_the_choices(base: Base) -> None:
    for section, message in NOT_REVISABLE.items():
        with pytest.raises(InputError) as refused:
            await base.revise(section)
        assert message in str(refused.value)


async def test_revising_a_playbook_of_an_earlier_release_is_refused_with_alternatives() -> None:
    run_id = await stored(deal_playbook())
    async with Client(make()) as client:
        message = await complaint(client, "revise_playbook", run_id=run_id, **LIST, model="host")

    assert "[invalid_input]" in message
    assert "generate the playbook again, or edit the part" in message


async def test_a_model_that_cannot_follow_instructions_is_refused_with_alternatives(base: Base) -> None:
    for model in ("extractive", "recorded"):
        with pytest.raises(InputError, match=r"cannot follow an instruction; name 'host'.*OPENAI_API"):
            await base.revise(TOUCH, model=model)


@pytest.mark.long
async def test_a_playbook_of_the_extractive_model_is_revised_by_the_configured_model(
    pair: Pair, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    first = TOUCH.replace("2", "0")
    async with Client(make()) as client:
        base = await written(client, **pair.domains, model="extractive")
        double.fails(answering(email), of_touch)
        started = await call(client, "revise_playbook", run_id=base["run_id"], section=first, instruction="write it")
        report = await ended(client, started["run_id"])
        started = await call(
            client, "revise_playbook", run_id=base["run_id"], section=f"{first}.body", instruction="more"
        )
        again = await ended(client, started["run_id"])
        playbook = await playbook_of(client, base["run_id"])

    assert report["status"] == again["status"] == "completed", report
    assert report["section"][first]["kind"] == playbook["email_sequences"][0]["touches"][0]["kind"] == "email"
    assert again["section"][f"{first}.body"].startswith("Hi ")
    assert again["section"][f"{first}.body"] != report["section"][first]["body"]
    assert {item["kind"] for item in playbook["email_sequences"][1]["touches"]} == {"outline"}


@pytest.mark.long
async def test_without_a_configured_model_the_first_response_says_that_the_clients_model_revises(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTAVE_MODEL")
    part = {"section": TOUCH.replace("2", "0"), "instruction": "write it"}
    async with Client(make()) as client:
        base = await written(client, **pair.domains, model="extractive")
        first = await call(client, "revise_playbook", run_id=base["run_id"], **part)
        named = await call(client, "revise_playbook", run_id=base["run_id"], **part, model="host")

    hint = "no model is configured; your own model answers the questions instead (call next_question)"
    assert first["status"] == named["status"] == "waiting"
    assert first["message"].endswith(f"; {hint}")
    assert "configured" not in named["message"]


# HTTP and CLI


@pytest.mark.long
@pytest.mark.usefixtures("double")
async def test_an_idempotency_key_returns_its_revision_and_is_rejected_for_another_request(pair: Pair) -> None:
    key, asked = {"Idempotency-Key": "shorter"}, LIST | {"wait_seconds": 600}
    async with serving() as client:
        run_id = (await client.post("/runs", json=pair.few | FEW | {"wait_seconds": 600})).json()["run_id"]
        path = f"/runs/{run_id}/revise"
        first = await client.post(path, json=asked, headers=key)
        again = await client.post(path, json=LIST | {"request_id": "shorter"})
        other = await client.post(path, json=LIST | {"instruction": "longer"}, headers=key)
        playbook = await client.post("/runs", json=pair.few | FEW, headers=key)
        refresh = await client.post(f"/runs/{run_id}/refresh", headers=key)
        both = await client.post(path, json=LIST | {"request_id": "longer"}, headers=key)
        listed = (await client.get(f"/runs/{run_id}/versions")).json()["versions"]

    assert again.json()["run_id"] == first.json()["run_id"]
    for refused in (other, playbook, refresh):
        assert (refused.status_code, problem_in(refused)["code"]) == (422, "request_id_reused")
    assert (both.status_code, problem_in(both)["code"]) == (400, "invalid_input")
    assert [version["made"] for version in listed] == ["revised", "generated"]


@pytest.mark.usefixtures("double")
async def test_a_revision_over_http_is_a_separate_run(pair: Pair) -> None:
    async with serving() as client:
        run_id = (await client.post("/runs", json=pair.few | FEW | {"wait_seconds": 600})).json()["run_id"]
        started = await client.post(f"/runs/{run_id}/revise", json=LIST)
        done = await client.get(started.headers["location"], params={"wait_seconds": 600})
        immediate = await client.post(f"/runs/{run_id}/revise", json=LIST | {"wait_seconds": 600, "base_version": 2})
        outdated = await client.post(f"/runs/{run_id}/revise", json=LIST | {"base_version": 1})
        unknown = await client.post("/runs/run_0/revise", json=LIST)
        listed = (await client.get(f"/runs/{run_id}/versions")).json()["versions"]

    assert (started.status_code, immediate.status_code) == (202, 200)
    assert started.json()["run_id"] != run_id
    assert done.json()["version"] == 2
    assert [*done.json()["section"]] == [TOUCH]
    assert (problem_in(outdated)["code"], outdated.status_code) == ("outdated_version", 409)
    assert unknown.status_code == 404
    assert [version["made"] for version in listed] == ["revised", "revised", "generated"]
    assert (listed[0]["by"], listed[0]["instruction"]) == ("openai", LIST["instruction"])


@pytest.mark.long
async def test_the_revise_command_prints_the_revised_part_and_explains_refusals(
    pair: Pair, double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    companies = list(pair.domains.values())
    generated = await octave("generate", *companies, "--max-pages", "3", "--json", cwd=tmp_path)
    run_id = json.loads(generated.out)["run_id"]
    double.fails(answering(email), of_touch)
    done = await octave("revise", run_id, TOUCH, "--instruction", LIST["instruction"], cwd=tmp_path)
    again = await octave("revise", run_id, TOUCH, "--instruction", "again", "--base-version", "1", cwd=tmp_path)
    unable = await octave("revise", run_id, TOUCH, "--instruction", "again", "--model", "host", cwd=tmp_path)
    monkeypatch.setenv("OCTAVE_MODEL", "host")
    outlines = await octave("generate", *companies, "--max-pages", "3", "--json", "--model", "extractive", cwd=tmp_path)
    extractive_run = json.loads(outlines.out)["run_id"]
    by_setting = await octave(
        "revise", extractive_run, TOUCH.replace("2", "0"), "--instruction", "write it", cwd=tmp_path
    )

    assert done.code == 0, done.err
    assert "the rounds" in done.out
    assert "version 2 of the playbook" in done.err
    assert (again.code, unable.code) == (1, 2)
    assert "is not the newest" in again.err
    for refused in (unable, by_setting):
        assert refused.code == 2
        assert "connected over MCP or HTTP" in refused.err
        assert "extractive" not in refused.err


@pytest.mark.long
async def test_a_revision_resumes_after_its_server_was_killed_and_repeats_no_ask(
    pair: Pair, double: Double, home: Path
) -> None:
    app = App(load())
    await app.runs.open()
    sites = dict(zip(("vendor", "prospect"), pair.domains.values(), strict=True))
    generated = await app.runs.start(PlaybookRequest(**sites, model="openai", max_pages=3))
    assert (await app.runs.follow(generated.run_id, math.inf, ignore_event)).status == "completed"
    await app.runs.close()
    double.fails(answering(email), of_touch)
    wanted, log, asks_before = {"run_id": generated.run_id, **LIST}, home.with_name("revision.log"), len(double.asked)
    for orders in ({"dies_after_commits": 1}, {}):
        async with child(log, {}, revises=wanted, patches=QUICK, **orders) as server:
            exit_code = await server.ended()

    store = App(load(), engine="inline").store
    await store.open()
    revision = next(run for run in await store.runs() if run.revision)
    assert (exit_code, revision.status, revision.error) == (0, "completed", None)
    assert [meta.made for meta in await store.versions(generated.run_id)] == ["generated", "revised"]
    assert [request.form for request in double.asked[asks_before:]].count(TouchDraft[Cite]) == 1
    await store.close()
