"""Revisions: a part of a playbook is written again, with all checks, and nothing else of it changes."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from children import QUICK, child
from conftest import Pair, octave
from dealt import dealt_playbook, stored
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
from octave_mcp.copywriting.given_parts import Given
from octave_mcp.domain.diffs import applied, diff
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.playbook import Playbook, TouchDraft
from octave_mcp.domain.run import PlaybookRequest, RevisionRequest, RunRecord
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value
from octave_mcp.domain.verification import Verification
from octave_mcp.errors import InputError, Outdated, UnknownName
from octave_mcp.runs import questions
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
def no_deadline_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)
    monkeypatch.setattr(questions, "LEASE", timedelta(hours=1))
    monkeypatch.setattr(questions, "VERDICT_SECONDS", 3600)


def of_touch(request: Request) -> bool:
    return request.form is TouchDraft[Cite] and not request.is_second


def email(request: Request) -> dict[str, Any]:
    """As long as the longest that is asked for; its claims are in other words than the pages'."""
    said = [
        sentence(f"Plainly, {text[0].lower()}{text[1:]}", at).model_dump(mode="json", exclude={"support"})
        for at, passage in enumerate(request.passages, 1)
        if (text := passage.text).endswith(".") and text.isascii() and not any(map(str.isdigit, text))
    ][:4]
    return {
        "subject": "the rounds",
        "paragraphs": [said[:2], said[2:]],
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
    """All but the touch, the evidence and what the playbook took, byte for byte."""
    rest = {name: part for name, part in playbook.items() if name not in {"cost", "timings", "evidence"}}
    del rest["email_sequences"][0]["touches"][2]
    return json.dumps(rest)


@pytest.mark.parametrize("era", sampled(ERAS, short=lambda era: era == "auto"))
async def test_one_touch_is_written_again_within_its_tokens_and_all_else_stays_byte_for_byte(
    era: Era, pair: Pair, double: Double
) -> None:
    async with Client(make(), mode=era) as client:
        base = await written(client, **pair.few | FEW)
        before, known = await playbook_of(client, base["run_id"]), len(double.asked)
        double.fails(answering(email), of_touch)
        begun = await call(client, "revise_playbook", run_id=base["run_id"], **LIST)
        report = await ended(client, begun["run_id"])
        after = await playbook_of(client, base["run_id"])

    asked, spent = double.asked[known:], [after["cost"][name] - before["cost"][name] for name in TOKENS]
    assert report["status"] == "completed", report
    assert report["session_id"] == base["session_id"]
    assert (report["version"], report["versions"], report["revision"]["run_id"]) == (2, 2, base["run_id"])
    assert f"version 2 of the playbook of {base['run_id']}" in report["message"]
    assert report["section"] == {TOUCH: after["email_sequences"][0]["touches"][2]}
    assert report["section"][TOUCH]["subject"] == "the rounds"
    assert {one["support"]["judge"] for one in report["section"][TOUCH]["sentences"]} == {"openai"}
    assert [request.form for request in asked] == [TouchDraft[Cite], Verification]
    assert sum(len(json.dumps(request.body)) // 4 for request in asked) < sum(spent) <= MAX_TOKENS
    assert before["evidence"].items() <= after["evidence"].items()
    assert rest_of(after) == rest_of(before)


@pytest.mark.long
async def test_a_connected_client_is_asked_one_short_question(pair: Pair, double: Double, tmp_path: Path) -> None:
    async with Client(make()) as client:
        base = await written(client, **pair.few | FEW)
        begun = await call(client, "revise_playbook", run_id=base["run_id"], **LIST, model="host")
        writer = Writer(client, begun["run_id"])
        question = await writer.next()
        assert question
        answer = email(Request(OF_HOST, {}, question))
        verdict = await writer.answer(question, lambda given: given.update(answer))
        report = await ended(client, begun["run_id"])
        await writer.work()
    refreshed = await octave("refresh", report["run_id"], cwd=tmp_path)

    assert begun["status"] == "waiting"
    assert verdict["accepted"], verdict
    assert [asked["prompt"] for asked in writer.asked] == ["playbook/revise"]
    assert question["tokens"] + len(json.dumps(answer)) // 4 <= MAX_TOKENS
    assert (report["status"], report["version"]) == ("completed", 2)
    assert not any(request.form is TouchDraft[Cite] for request in double.asked)
    assert refreshed.code == 0, refreshed.err  # by the model that wrote the playbook


def test_an_ask_for_one_touch_has_the_rules_for_that_touch_alone(revised_asks: list[Asked]) -> None:
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


PARTS = {
    TOUCH: "email_sequences",
    "email_sequences.persona-2.touches[0].subject": "email_sequences",
    "email_sequences.persona-1.touches[1].sentences[0]": "email_sequences",
    "email_sequences.persona-3": "email_sequences",
    "talk_tracks.persona-1.discovery[0].question": "talk_tracks",
    "talk_tracks.persona-1.cold_call": "talk_tracks",
    "battle_cards.why_we_win.reasons[0].text": "battle_cards",
    "battle_cards.objection_handling": "battle_cards",
    "executive_summary.why_now": "executive_summary",
    "priority_personas.persona-1.goals": "priority_personas",
    "priority_personas.persona-1.will_ask[0]": "priority_personas",
    "buying_committee.champion": "buying_committee",
    "quick_wins[1]": "quick_wins",
    "success_metrics": "success_metrics",
    "trial_plan[0]": "trial_plan",
    "fit": "fit",
}
"""Parts that writers write, each with its section."""
FOLLOWING = ("brief", "qualification", "fit.value_map", "evidence")
"""What is put together from other sections."""


@pytest.fixture
async def base(tmp_path: Path) -> Base:
    stage = Stage(tmp_path)
    record, _ = await stage.run(model="scripted", source="scripted")
    return Base(stage, record.run_id)


@dataclass(frozen=True)
class Base:
    """A run by the scripted model whose playbook is revised."""

    stage: Stage
    run_id: str

    @property
    def model(self) -> ScriptedModel:
        assert isinstance(self.stage.scripted, ScriptedModel)
        return self.stage.scripted

    async def revised(self, section: str, instruction: str = "say it in fewer words", **more: Any) -> RunRecord:  # noqa: ANN401 - fields of the request
        """The record of a revision that has ended."""
        wanted = RevisionRequest(run_id=self.run_id, section=section, instruction=instruction, **more)
        record, _ = await self.stage.end_of((await self.stage.runs.revise(wanted)).run_id)
        return record

    async def edit(self, section: str, text: str, base: int) -> None:
        await self.stage.runs.versions.edit(self.run_id, section, Given(text), base=base, by="Ann")

    async def playbook(self, version: int | None = None) -> Playbook:
        return await self.stage.runs.finished(self.run_id, version)

    async def versions(self) -> list[str]:
        """How each was made."""
        return [meta.made for meta in await self.stage.runs.versions.listed(self.run_id)]


@pytest.fixture
async def revised_asks(base: Base) -> list[Asked]:
    await base.revised(TOUCH)
    return base.model.asked


def unit_of(part: str) -> str:
    """What has a score or a text of its own that the part is in: an e-mail, a call script, a card; else the section."""
    found = re.match(r"email_sequences\.[\w-]+(\.touches\[\d\])?|(talk_tracks|battle_cards)\.[\w-]+|\w+", part)
    assert found
    return found[0]


@pytest.mark.long
async def test_every_part_that_a_writer_wrote_can_be_written_again_and_nothing_else_changes(base: Base) -> None:
    for number, part in enumerate(PARTS, 2):
        record = await base.revised(part)
        assert record.status == "completed", (part, record.error)

        before, after = await base.playbook(number - 1), await base.playbook(number)
        changes = diff(before, after)
        gaps = () if part.endswith("]") else ("gaps",)
        expected = (unit_of(part), *gaps, *FOLLOWING, *SPENT)
        assert [one.path for one in changes if not one.path.startswith(expected)] == [], part
        assert applied(changes, before) == after

    assert await base.versions() == ["generated", *("revised" for _ in PARTS)]


async def test_a_sentence_is_replaced_with_its_evidence_and_its_neighbours_stay(base: Base) -> None:
    await base.revised("battle_cards.why_we_win.reasons[0].text")

    changed = {one.path for one in diff(await base.playbook(1), await base.playbook(2))}
    assert "battle_cards.why_we_win.reasons[0].text" in changed
    assert not any(
        path.startswith(("battle_cards.why_we_win.reasons[1]", "battle_cards.why_we_win.proof")) for path in changed
    )


async def test_the_brief_follows_what_it_repeats(base: Base) -> None:
    await base.revised("talk_tracks.persona-1.cold_call")
    playbook = await base.playbook()

    assert playbook.brief
    assert playbook.brief.first_line == playbook.talk_tracks[0].cold_call.opener[0].text
    assert playbook.brief.first_line != (await base.playbook(1)).brief.first_line  # pyright: ignore[reportOptionalMemberAccess]


# What people wrote

EMAIL = "Subject: my own\n\nHi there,\n\nI wrote this   myself.\n\nAnn"


async def test_a_persons_own_text_is_never_changed(base: Base) -> None:
    await base.edit(TOUCH, EMAIL, 1)
    own = (await base.playbook()).email_sequences[0].touches[2]
    with pytest.raises(InputError, match=r"written by Ann in version 2.* edit that part"):
        await base.revised(f"{TOUCH}.subject")
    record = await base.revised("email_sequences.persona-1")
    playbook = await base.playbook()

    assert record.status == "completed", record.error
    assert playbook.email_sequences[0].touches[2] == own
    assert playbook.email_sequences[0].touches[0] != (await base.playbook(2)).email_sequences[0].touches[0]
    assert [one.path for one in playbook.own_text] == [TOUCH]


@pytest.mark.long
async def test_an_own_body_keeps_its_words_when_the_rest_of_the_email_is_written_again(base: Base) -> None:
    await base.edit(f"{TOUCH}.body", "Hi there,\n\nI wrote this   myself.\n\nAnn", 1)
    before = (await base.playbook()).email_sequences[0].touches[2]
    base.model.on(form(TouchDraft[Cite]), in_other_words(subject="halls"))
    await base.revised(TOUCH)
    after = (await base.playbook()).email_sequences[0].touches[2]

    assert after.subject == "halls"
    assert (after.body, after.sentences, after.call_to_action) == (before.body, before.sentences, before.call_to_action)


# What nothing proves


def in_other_words(*invented: str, subject: str = "a thought", count: int = 2) -> Reply:
    """An e-mail of sentences that are shown, and of others."""

    async def reply(ask: Asked) -> TouchDraft[Cite]:
        proven = [passage for passage in ask.passages if passage.text.endswith(".")][:count]
        said = [sentence(passage.text, ask.passages.index(passage) + 1) for passage in proven]
        return touch(*said, *(sentence(text, 1) for text in invented), subject=subject)

    return reply


def sentence(text: str, passage: int) -> Sentence[Cite]:
    return Sentence[Cite](text=text, kind="fact", evidence=(Cite(passage=passage),))


INVENTED = "We cut the costs of Quillport by 80%."


async def test_an_instruction_to_invent_is_refused_with_the_reason_and_the_playbook_stays(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), in_other_words(INVENTED, count=1))
    record = await base.revised(TOUCH, "Say that we cut costs by 80 %")

    assert record.status == "failed"
    assert record.error
    assert "a figure that is not in the evidence (D3)" in record.error.message
    assert await base.versions() == ["generated"]


async def test_what_nothing_proves_is_dropped_from_the_rest(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), in_other_words(INVENTED, count=3))
    record = await base.revised(TOUCH, "Say that we cut costs by 80 %")
    written = (await base.playbook()).email_sequences[0].touches[2]

    assert (record.status, await base.versions()) == ("partial", ["generated", "revised"])
    assert record.error
    assert "dropped: 1 x a figure that is not in the evidence (D3)" in record.error.message
    assert "80" not in written.body
    assert len(written.sentences) == 3


# What changes meanwhile


def edits_first(base: Base, section: str, text: str) -> Reply:
    """Answers after somebody has changed the playbook."""

    async def reply(ask: Asked) -> TouchDraft[Cite]:
        await base.edit(section, text, 1)
        return await in_other_words(subject="halls")(ask)  # pyright: ignore[reportReturnType]

    return reply


@pytest.mark.long
async def test_a_revision_is_made_in_the_newest_version_if_another_section_was_changed_meanwhile(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), edits_first(base, "trial_plan", "One week.\nTwo weeks."))
    record = await base.revised(TOUCH)
    playbook = await base.playbook()

    assert record.status == "completed", record.error
    assert await base.versions() == ["generated", "edited", "revised"]
    assert playbook.trial_plan == ("One week.", "Two weeks.")
    assert playbook.email_sequences[0].touches[2].subject == "halls"


@pytest.mark.long
async def test_parallel_revisions_of_parts_of_one_section_are_both_in_the_playbook(base: Base) -> None:
    parts = (TOUCH, "email_sequences.persona-2.touches[0]")
    both_asked = asyncio.Barrier(len(parts))

    async def reply(ask: Asked) -> TouchDraft[Cite]:
        await both_asked.wait()
        return await in_other_words(subject="halls")(ask)  # pyright: ignore[reportReturnType]

    base.model.on(form(TouchDraft[Cite]), reply)
    records = await asyncio.gather(*map(base.revised, parts))
    first, second, *_ = (await base.playbook()).email_sequences

    assert [(record.status, record.error) for record in records] == [("completed", None)] * len(parts)
    assert await base.versions() == ["generated", "revised", "revised"]
    assert first.touches[2].subject == second.touches[0].subject == "halls"


async def test_an_edit_of_another_part_of_the_section_and_the_revision_under_way_are_both_kept(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), edits_first(base, "email_sequences.persona-2.touches[0]", EMAIL))
    record = await base.revised(TOUCH)
    first, second, *_ = (await base.playbook()).email_sequences

    assert record.status == "completed", record.error
    assert await base.versions() == ["generated", "edited", "revised"]
    assert (first.touches[2].subject, second.touches[0].subject) == ("halls", "my own")


@pytest.mark.long
@pytest.mark.parametrize("part", [f"{TOUCH}.body", "email_sequences.persona-1"])
async def test_a_revision_whose_part_holds_or_is_within_what_was_changed_meanwhile_fails(base: Base, part: str) -> None:
    async def edits(ask: Asked) -> Value:
        if await base.versions() == ["generated"]:
            await base.edit(TOUCH, EMAIL, 1)
        return answered(ask)

    base.model.on(lambda ask: "<instruction>" in rendered(ask).system, edits)
    record = await base.revised(part)

    assert record.error
    assert record.error.code == "outdated_version"
    assert await base.versions() == ["generated", "edited"]


async def test_a_revision_of_what_was_changed_meanwhile_fails_and_nothing_is_lost(base: Base) -> None:
    base.model.on(form(TouchDraft[Cite]), edits_first(base, TOUCH, EMAIL))
    record = await base.revised(TOUCH)

    assert record.status == "failed"
    assert record.error
    assert record.error.code == "outdated_version"
    assert "version 2 by Ann" in record.error.message
    assert await base.versions() == ["generated", "edited"]
    assert (await base.playbook()).email_sequences[0].touches[2].subject == "my own"


async def test_a_revision_of_a_version_that_is_not_the_newest_is_refused(base: Base) -> None:
    await base.edit("trial_plan", "One week.", 1)

    with pytest.raises(Outdated, match=r"version 1 .* is not the newest: version 2 by Ann"):
        await base.revised(TOUCH, base_version=1)
    with pytest.raises(UnknownName, match="no version 7; choose one of 1, 2"):
        await base.revised(TOUCH, base_version=7)


# What cannot be revised


UNWRITTEN = {
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
"""Parts that are not there, or that no model wrote, with what the error says."""


async def test_what_is_not_there_or_not_written_is_refused_with_what_is(base: Base) -> None:
    for section, told in UNWRITTEN.items():
        with pytest.raises(InputError) as refused:
            await base.revised(section)
        assert told in str(refused.value)


async def test_a_playbook_of_an_earlier_release_says_what_to_do_instead() -> None:
    run_id = await stored(dealt_playbook())
    async with Client(make()) as client:
        told = await complaint(client, "revise_playbook", run_id=run_id, **LIST, model="host")

    assert "[invalid_input]" in told
    assert "generate the playbook again, or edit the part" in told


async def test_a_model_that_follows_no_instruction_is_refused_with_those_that_do(base: Base) -> None:
    for model in ("extractive", "recorded"):
        with pytest.raises(InputError, match=r"cannot follow an instruction: name 'host'.*OPENAI_API"):
            await base.revised(TOUCH, model=model)


@pytest.mark.long
async def test_a_run_by_rules_is_revised_by_the_model_that_is_configured(
    pair: Pair, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_MODEL", "openai")
    first = TOUCH.replace("2", "0")
    async with Client(make()) as client:
        base = await written(client, **pair.domains, model="extractive")
        double.fails(answering(email), of_touch)
        begun = await call(client, "revise_playbook", run_id=base["run_id"], section=first, instruction="write it")
        report = await ended(client, begun["run_id"])
        begun = await call(
            client, "revise_playbook", run_id=base["run_id"], section=f"{first}.body", instruction="more"
        )
        again = await ended(client, begun["run_id"])
        playbook = await playbook_of(client, base["run_id"])

    assert report["status"] == again["status"] == "completed", report
    assert report["section"][first]["kind"] == playbook["email_sequences"][0]["touches"][0]["kind"] == "email"
    assert again["section"][f"{first}.body"].startswith("Hi ")
    assert again["section"][f"{first}.body"] != report["section"][first]["body"]
    assert {one["kind"] for one in playbook["email_sequences"][1]["touches"]} == {"outline"}


@pytest.mark.long
async def test_where_no_model_is_configured_the_first_answer_says_that_the_clients_own_revises(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTAVE_MODEL")
    part = {"section": TOUCH.replace("2", "0"), "instruction": "write it"}
    async with Client(make()) as client:
        base = await written(client, **pair.domains, model="extractive")
        first = await call(client, "revise_playbook", run_id=base["run_id"], **part)
        named = await call(client, "revise_playbook", run_id=base["run_id"], **part, model="host")

    own = "no model is configured, and none is needed: your own model answers the questions (call next_question)"
    assert first["status"] == named["status"] == "waiting"
    assert first["message"].endswith(f"; {own}")
    assert "configured" not in named["message"]


# HTTP and the command line


@pytest.mark.long
@pytest.mark.usefixtures("double")
async def test_the_same_key_finds_the_same_revision_and_is_rejected_with_another_request(pair: Pair) -> None:
    key, asked = {"Idempotency-Key": "shorter"}, LIST | {"wait_seconds": 600}
    async with serving() as client:
        run_id = (await client.post("/runs", json=pair.few | FEW | {"wait_seconds": 600})).json()["run_id"]
        at = f"/runs/{run_id}/revise"
        first = await client.post(at, json=asked, headers=key)
        again = await client.post(at, json=LIST | {"request_id": "shorter"})
        other = await client.post(at, json=LIST | {"instruction": "longer"}, headers=key)
        playbook = await client.post("/runs", json=pair.few | FEW, headers=key)
        refresh = await client.post(f"/runs/{run_id}/refresh", headers=key)
        both = await client.post(at, json=LIST | {"request_id": "longer"}, headers=key)
        listed = (await client.get(f"/runs/{run_id}/versions")).json()["versions"]

    assert again.json()["run_id"] == first.json()["run_id"]
    for refused in (other, playbook, refresh):
        assert (refused.status_code, problem_in(refused)["code"]) == (422, "request_id_reused")
    assert (both.status_code, problem_in(both)["code"]) == (400, "invalid_input")
    assert [one["made"] for one in listed] == ["revised", "generated"]


@pytest.mark.usefixtures("double")
async def test_over_http_a_revision_is_a_run_of_its_own(pair: Pair) -> None:
    async with serving() as client:
        run_id = (await client.post("/runs", json=pair.few | FEW | {"wait_seconds": 600})).json()["run_id"]
        begun = await client.post(f"/runs/{run_id}/revise", json=LIST)
        done = await client.get(begun.headers["location"], params={"wait_seconds": 600})
        at_once = await client.post(f"/runs/{run_id}/revise", json=LIST | {"wait_seconds": 600, "base_version": 2})
        outdated = await client.post(f"/runs/{run_id}/revise", json=LIST | {"base_version": 1})
        unknown = await client.post("/runs/run_0/revise", json=LIST)
        listed = (await client.get(f"/runs/{run_id}/versions")).json()["versions"]

    assert (begun.status_code, at_once.status_code) == (202, 200)
    assert begun.json()["run_id"] != run_id
    assert done.json()["version"] == 2
    assert [*done.json()["section"]] == [TOUCH]
    assert (problem_in(outdated)["code"], outdated.status_code) == ("outdated_version", 409)
    assert unknown.status_code == 404
    assert [one["made"] for one in listed] == ["revised", "revised", "generated"]
    assert (listed[0]["by"], listed[0]["instruction"]) == ("openai", LIST["instruction"])


@pytest.mark.long
async def test_the_command_prints_the_part_as_it_reads_now(
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
    of_rules = json.loads(outlines.out)["run_id"]
    by_setting = await octave("revise", of_rules, TOUCH.replace("2", "0"), "--instruction", "write it", cwd=tmp_path)

    assert done.code == 0, done.err
    assert "the rounds" in done.out
    assert "version 2 of the playbook" in done.err
    assert (again.code, unable.code) == (1, 2)
    assert "is not the newest" in again.err
    for refused in (unable, by_setting):
        assert refused.code == 2
        assert "connected over MCP or HTTP" in refused.err
        assert "extractive" not in refused.err


# Kills


@pytest.mark.long
async def test_a_revision_goes_on_after_its_server_was_killed_and_asks_nothing_again(
    pair: Pair, double: Double, home: Path
) -> None:
    app = App(load())
    await app.runs.open()
    sites = dict(zip(("vendor", "prospect"), pair.domains.values(), strict=True))
    begun = await app.runs.start(PlaybookRequest(**sites, model="openai", max_pages=3))
    assert (await app.runs.follow(begun.run_id, math.inf, ignore_event)).status == "completed"
    await app.runs.close()
    double.fails(answering(email), of_touch)
    wanted, log, known = {"run_id": begun.run_id, **LIST}, home.with_name("revision.log"), len(double.asked)
    for orders in ({"dies_after_commits": 1}, {}):
        async with child(log, {}, revises=wanted, patches=QUICK, **orders) as server:
            ended = await server.ended()

    store = App(load(), engine="inline").store
    await store.open()
    revision = next(run for run in await store.runs() if run.revision)
    assert (ended, revision.status, revision.error) == (0, "completed", None)
    assert [meta.made for meta in await store.versions(begun.run_id)] == ["generated", "revised"]
    assert [request.form for request in double.asked[known:]].count(TouchDraft[Cite]) == 1
    await store.close()
