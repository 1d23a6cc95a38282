"""Questions to a connected client: each question is asked once, in order of rank, and within the limits of the run."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from conftest import Pair, lift_question_timeouts
from doubles import FORMS, answer_to, findings_in
from matrix import sampled
from scripted import ScriptedSource, Stage, asked_for, invented_sites, paths_in

from octave_mcp.app import App, EngineName
from octave_mcp.asks.compact_schema import compact_schema_of
from octave_mcp.asks.rendering import Rendered, estimated_tokens, rendered
from octave_mcp.asks.schema import schema_of
from octave_mcp.domain.asks import Ask
from octave_mcp.domain.company import Site
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import PlaybookRequest, RunRecord
from octave_mcp.domain.value import Value
from octave_mcp.models import allowance, host
from octave_mcp.models.allowance import (
    ANSWERING_A_PERSONA,
    CORRECTION_TOKENS,
    FIRST,
    MAX_TOKENS,
    SELF_CHECK,
    VERIFICATION,
    Allowance,
    expected,
)
from octave_mcp.runs import questions
from octave_mcp.settings import Settings


def unchanged(_: QuestionRecord, __: dict[str, Any]) -> None:
    """Do nothing."""


Spoil = Callable[[QuestionRecord, dict[str, Any]], object]
RESERVED = (CORRECTION_TOKENS + VERIFICATION.both) / MAX_TOKENS
PERSONAS, DEAL = "playbook/email_sequence", "playbook/summary"


@pytest.fixture(autouse=True)
def no_verdict_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_question_timeouts(monkeypatch)


@dataclass
class Transcript:
    """The questions that a client received in one run, and the resulting playbook.

    `checks`: the questions that ask the client to verify its own sales copy.
    `asked`: all questions except those in `checks`.
    """

    record: RunRecord
    asked: list[QuestionRecord] = field(default_factory=list[QuestionRecord])
    checks: list[QuestionRecord] = field(default_factory=list[QuestionRecord])
    playbook: Playbook | None = None

    @property
    def prompts(self) -> list[str]:
        return [question.prompt for question in self.asked]

    @property
    def result(self) -> Playbook:
        assert self.playbook, self.record.error
        return self.playbook

    def of(self, prompt: str) -> list[QuestionRecord]:
        return [question for question in self.asked if question.prompt == prompt]


class Client:
    """A client that answers the questions of all runs about one deal."""

    def __init__(self, app: App, pair: Pair) -> None:
        self.app, self.domains = app, pair.domains

    async def run(self, spoil: Spoil = unchanged, *, refresh: bool = False) -> Transcript:
        vendor, prospect = self.domains.values()
        request = PlaybookRequest(vendor=vendor, prospect=prospect, max_pages=4, model="host", refresh=refresh)
        return await self.finished(Transcript(await self.app.runs.start(request)), spoil)

    async def finished(self, transcript: Transcript, spoil: Spoil = unchanged) -> Transcript:
        while not transcript.record.is_final:
            transcript.record, question, _ = await self.app.runs.next_question(transcript.record.run_id, 3600)
            if question:
                kind = transcript.checks if question.prompt == SELF_CHECK else transcript.asked
                kind.append(await self.answered(question, transcript, spoil))
        if transcript.record.status != "failed":
            transcript.playbook = await self.app.runs.playbook(transcript.record.run_id)
        return transcript

    async def answered(self, question: QuestionRecord, transcript: Transcript, spoil: Spoil) -> QuestionRecord:
        whole = question
        if not question.material:
            _, earlier, _ = await self.app.runs.next_question(transcript.record.run_id, 0, question.corrects)
            assert earlier
            whole = question.model_copy(update={"material": earlier.material})
        answer = answer_to(whole.model_dump())
        spoil(question, answer)
        # Pad the answer to its expected length. The answer then does not change the remaining budget, so it makes no
        # difference whether the run asks the next question before or after it receives this answer.
        text = json.dumps(answer).ljust(4 * expected(question))
        return (await self.app.runs.answer(transcript.record.run_id, question.question_id, text))[1]


@pytest.fixture
async def client_with(pair: Pair, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    opened: list[App] = []

    async def client(engine: EngineName = "inline", **settings: object) -> Client:
        given = {"home": tmp_path, "allow_hosts": tuple(pair.hosts.split(",")), "fetch_timeout_seconds": 3600}
        app = App(Settings.model_validate(given | {"site_timeout_seconds": 3600} | settings), engine=engine)
        opened.append(app)
        await app.runs.open()
        return Client(app, pair)

    yield client
    for app in opened:
        await app.runs.close()


def without(name: str) -> Spoil:
    """Return a function that removes the sales copy for this persona from an answer."""

    def spoil(_: QuestionRecord, answer: dict[str, Any]) -> None:
        if name in answer:
            answer[name] = None

    return spoil


def without_persona_2(question: QuestionRecord, answer: dict[str, Any]) -> None:
    for fix, path in paths_in(question.complaint).items():
        if path == "persona_2":
            answer[fix] = None
    without("persona_2")(question, answer)


@pytest.mark.long
async def test_all_personas_share_one_question_after_that_about_the_deal_and_a_second_run_asks_nothing(
    client_with: Callable[..., Any],
) -> None:
    client = await client_with()
    first = await client.run()
    second = await client.run()
    await client.app.runs.delete_session(first.record.session_id)
    third = await client.run()

    assert first.prompts[-2:] == [DEAL, PERSONAS]
    assert sorted(first.of(PERSONAS)[0].answer_schema["properties"]) == ["persona_1", "persona_2", "persona_3"]
    assert len(first.result.email_sequences) == len(first.result.talk_tracks) == 3
    assert second.asked == []
    assert second.record.status == "completed"
    assert second.result.cost.reused
    assert second.result.email_sequences == first.result.email_sequences
    assert {question.question_id for question in third.asked} == {question.question_id for question in first.asked}


@pytest.mark.long
async def test_an_omitted_persona_is_corrected_alone_then_named_in_a_gap_and_asked_for_in_the_next_run(
    client_with: Callable[..., Any],
) -> None:
    client = await client_with()
    transcript = await client.run(without_persona_2)
    again = await client.run()

    whole, correction = transcript.of(PERSONAS)
    assert "persona_2 is left out" in (whole.wrong or "")
    assert whole.dropped == ""
    assert paths_in(correction.complaint) == {"fix_1": "persona_2"}
    assert (correction.corrects, correction.material) == (whole.question_id, "")
    assert correction.tokens < whole.tokens / 3
    assert "persona_2 is left out" in (correction.dropped or "")
    assert [sequence.persona_id for sequence in transcript.result.email_sequences] == ["persona-1", "persona-3"]
    assert transcript.record.status == "partial"
    (gap,) = [gap for gap in transcript.result.gaps if gap.code == "bad_answer"]
    assert gap.section == "email_sequences and talk_tracks"
    assert "(persona-2)" in gap.reason
    assert [(question.prompt, *paths_in(question.complaint).values()) for question in again.asked] == [
        (PERSONAS, "persona_2")
    ]
    assert again.asked[0].material
    assert again.record.status == "completed"


@pytest.mark.long
async def test_a_resumed_run_repeats_no_question_even_if_the_run_with_the_answers_is_deleted(
    client_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "LEASE", timedelta())
    client = await client_with(engine="durable")
    first = await client.run(without_persona_2)
    vendor, prospect = client.domains.values()
    request = PlaybookRequest(vendor=vendor, prospect=prospect, max_pages=4, model="host")
    second = Transcript(await client.app.runs.start(request))
    _, left_open, _ = await client.app.runs.next_question(second.record.run_id, 3600)
    await client.app.runs.delete_session(first.record.session_id)
    await client.app.runs.close()

    restarted = await client_with(engine="durable")
    transcript = await restarted.finished(second)

    assert [question.question_id for question in transcript.asked] == [left_open.question_id]
    assert transcript.result.cost.reused
    assert transcript.record.status == "completed"


async def test_a_question_is_rendered_once(client_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(ask: Ask[Any, Any], max_characters: int | None) -> Rendered:
        made.append(f"{ask.prompt} {ask.brief.domain if ask.prompt == 'research/urls' else ask.answer.model_fields}")
        return rendered(ask, max_characters)

    monkeypatch.setattr(host, "rendered", counted)
    transcript = await (await client_with()).run()

    assert {question.prompt for question in transcript.asked} <= {entry.partition(" ")[0] for entry in made}
    assert Counter(made).most_common(1)[0][1] == 1


def invented_figure(question: QuestionRecord, answer: dict[str, Any]) -> None:
    if question.prompt == DEAL:
        reason = answer["why_we_win"]["reasons"][0] if "why_we_win" in answer else answer["fix_1"]
        reason["text"] += " That is 7431.5 times."


def invented_facts(question: QuestionRecord, answer: dict[str, Any]) -> None:
    """Add an invented figure to one fact, and remove the sales copy for the second persona.

    The change also applies to the answer to a correction.
    """
    fixes = [answer[fix] for fix, path in paths_in(question.complaint).items() if path.startswith("facts")]
    for fact in (*fixes, *answer.get("facts", ())[:1]):
        fact["text"] += " That is 7431.5 times."
    without_persona_2(question, answer)


@pytest.mark.long
async def test_an_entry_that_failed_twice_is_not_asked_for_again_after_a_partial_run(
    client_with: Callable[..., Any],
) -> None:
    client = await client_with()
    transcript = await client.run(invented_facts)
    again = await client.run()

    assert any("7431.5" in (question.dropped or "") for question in transcript.asked)
    assert transcript.record.status == "partial"
    assert [(question.prompt, *paths_in(question.complaint).values()) for question in again.asked] == [
        (PERSONAS, "persona_2")
    ]


async def test_no_tokens_are_reserved_for_pages_known_from_another_deal(client_with: Callable[..., Any]) -> None:
    usual = await (await client_with()).run()
    read = next(question for question in usual.asked if question.prompt == "vendor/offerings")
    spent = sum(question.tokens + expected(question) for question in usual.asked) - read.tokens - expected(read)
    limit = Allowance(tokens=int(spent / (1 - RESERVED)) + 100)
    others = [question for question in usual.asked if question.prompt not in {"vendor/offerings", PERSONAS}]

    assert limit.refusal(usual.of(PERSONAS)[0], others) == ""


@pytest.mark.long
async def test_the_first_verdict_says_what_is_wrong_and_the_second_what_was_dropped(
    client_with: Callable[..., Any],
) -> None:
    transcript = await (await client_with()).run(invented_figure)

    first, second = transcript.of(DEAL)
    assert "7431.5" in (first.wrong or "")
    assert first.dropped == ""
    # The second reason starts with the word "it", so it depends on the first reason.
    dependent = "why_we_win.reasons[1].text"
    assert [*paths_in(second.complaint).values()] == ["why_we_win.reasons[0].text", dependent]
    assert "7431.5" in (second.dropped or "")
    assert transcript.result.executive_summary.whom_to_approach
    assert len(transcript.result.battle_cards) == 3


PROFILE = "prospect/company_profile"


def two_invented_facts(question: QuestionRecord, answer: dict[str, Any]) -> None:
    if question.prompt == PROFILE and not question.corrects:
        for fact in answer["facts"][:2]:
            fact["text"] += " That is 7431.5 times."


def no_corrected_fact(question: QuestionRecord, answer: dict[str, Any]) -> None:
    two_invented_facts(question, answer)
    if question.prompt == PROFILE and question.corrects:
        answer.update(fix_1=None, fix_2=None)


def one_corrected_fact(question: QuestionRecord, answer: dict[str, Any]) -> None:
    two_invented_facts(question, answer)
    if question.prompt == PROFILE and question.corrects:
        answer.update(fix_2=None)


def one_reason_less(question: QuestionRecord, answer: dict[str, Any]) -> None:
    if question.prompt == DEAL and question.corrects:
        answer.update(fix_1=None)
    else:
        invented_figure(question, answer)


@pytest.mark.parametrize(
    ("spoil", "prompt", "lost"),
    sampled(
        [
            (no_corrected_fact, PROFILE, ["facts[0]", "facts[1]"]),
            (one_corrected_fact, PROFILE, ["facts[1]"]),
            (two_invented_facts, PROFILE, list[str]()),
            (one_reason_less, DEAL, ["why_we_win.reasons[0]", "why_we_win.reasons[1]"]),
        ],
        short=lambda case: case[0] is no_corrected_fact,
    ),
)
@pytest.mark.long
async def test_entries_that_a_correction_omits_are_reported_as_dropped_and_not_asked_for_again(
    spoil: Spoil, prompt: str, lost: list[str], client_with: Callable[..., Any]
) -> None:
    client = await client_with()
    transcript = await client.run(spoil)
    again = await client.run()

    first, second = transcript.of(prompt)
    assert (first.dropped, second.wrong) == ("", "")
    dropped = [entry.partition(": ") for entry in (second.dropped or "").split("; ") if entry]
    assert [at for at, _, _ in dropped] == lost
    assert all("the figure '7431.5" in why or "depends" in why for _, _, why in dropped)
    assert transcript.record.status == ("partial" if lost else "completed")
    assert again.asked == []


@pytest.mark.long
async def test_without_room_for_a_correction_the_first_verdict_says_what_was_dropped(
    client_with: Callable[..., Any],
) -> None:
    transcript = await (await client_with(max_run_asks=7)).run(invented_figure)

    (deal,) = transcript.of(DEAL)
    assert "7431.5" in (deal.dropped or "")


def used(transcript: Transcript) -> float:
    return sum(question.tokens + estimated_tokens(question.answer or "") for question in transcript.asked)


def tokens_for(personas: int, usual: Transcript) -> int:
    """Return a token limit that is high enough to write the sales copy for this number of personas.

    `usual`: a run whose token limit was high enough for all personas.
    """
    return int((used(usual) - (2.5 - personas) * ANSWERING_A_PERSONA) / (1 - RESERVED))


@pytest.mark.long
@pytest.mark.parametrize("served", sampled([2, 1], short=lambda served: served == 2))
async def test_a_small_budget_serves_the_first_personas_and_each_other_one_is_named_in_a_gap(
    served: int, client_with: Callable[..., Any]
) -> None:
    tokens = tokens_for(served, await (await client_with()).run())

    transcript = await (await client_with(max_run_tokens=tokens)).run(refresh=True)

    ids = ["persona-1", "persona-2", "persona-3"]
    assert [sequence.persona_id for sequence in transcript.result.email_sequences] == ids[:served]
    refused = [gap for gap in transcript.result.gaps if gap.code == "budget_exceeded"]
    assert [gap.section for gap in refused] == ["email_sequences and talk_tracks"] * (3 - served)
    assert all(f"({name})" in gap.reason for name, gap in zip(ids[served:], refused, strict=True))
    assert transcript.result.executive_summary.whom_to_approach
    assert used(transcript) <= tokens * (1 - RESERVED)


@pytest.mark.long
async def test_the_run_after_one_with_a_small_budget_asks_only_for_the_missing_personas(
    client_with: Callable[..., Any], tmp_path: Path
) -> None:
    tokens = tokens_for(1, await (await client_with(home=tmp_path / "usual")).run())
    transcript = await (await client_with(max_run_tokens=tokens)).run()

    again = await (await client_with()).run()

    assert [[*question.answer_schema["properties"]] for question in transcript.of(PERSONAS)] == [["persona_1"]]
    assert [(question.prompt, [*question.answer_schema["properties"]]) for question in again.asked] == [
        (PERSONAS, ["persona_2", "persona_3"])
    ]
    assert "`persona_3` is the persona `persona-3`, number 3 of the list" in again.asked[0].material
    assert [sequence.persona_id for sequence in again.result.email_sequences] == ["persona-1", "persona-2", "persona-3"]
    assert again.record.status == "completed"


@pytest.mark.long
async def test_a_run_without_room_for_any_persona_fails_and_loses_no_answer(client_with: Callable[..., Any]) -> None:
    tokens = tokens_for(0, await (await client_with()).run())

    transcript = await (await client_with(max_run_tokens=tokens)).run(refresh=True)
    again = await (await client_with()).run()

    assert transcript.record.error
    assert transcript.record.error.code == "budget_exceeded"
    assert "(persona-1)" in transcript.record.error.message
    assert again.prompts in ([], [PERSONAS])
    assert again.record.status == "completed"


async def test_extra_pages_leave_room_for_every_persona_and_refused_ones_are_one_gap_per_company(
    client_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "ASK_CHARACTERS", 800)

    transcript = await (await client_with(shown_characters=31_000, max_run_tokens=60_000)).run()

    assert [sequence.persona_id for sequence in transcript.result.email_sequences] == [
        "persona-1",
        "persona-2",
        "persona-3",
    ]
    refused = [gap for gap in transcript.result.gaps if gap.code == "budget_exceeded"]
    assert [gap.section for gap in refused] == ["vendor_elements", "prospect_intelligence"]
    assert all("reserved for other questions" in gap.reason for gap in refused)
    assert transcript.record.status == "partial"


async def test_the_error_about_a_too_large_question_says_how_to_make_it_smaller(
    client_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowance, "QUESTION_TOKENS", 3000)

    transcript = await (await client_with()).run()

    assert transcript.record.error
    assert "a client gets at most 3000 per question: lower OCTAVE_SHOWN_CHARACTERS" in transcript.record.error.message
    assert "raise" not in transcript.record.error.message


@pytest.mark.parametrize(
    ("refused", "section"),
    sampled(
        [
            ("vendor/offerings", "vendor_elements"),
            (PROFILE, "prospect_intelligence"),
            ("prospect/pain_points", "prospect_intelligence"),
            (DEAL, "executive_summary"),
        ],
        short=lambda case: case[0] == PROFILE,
    ),
)
async def test_a_run_with_too_small_a_budget_stops_asking_and_says_which_setting_to_raise(
    refused: str, section: str, client_with: Callable[..., Any]
) -> None:
    usual: Transcript = await (await client_with()).run()
    before = list(takewhile(lambda question: question.prompt != refused, usual.asked))
    tokens = (used(Transcript(usual.record, [*before, *usual.of(refused)])) - 100) / (1 - RESERVED)

    transcript = await (await client_with(max_run_tokens=int(tokens))).run(refresh=True)

    assert transcript.prompts == [question.prompt for question in before]
    assert transcript.record.error
    assert transcript.record.error.code == "budget_exceeded"
    assert transcript.record.error.message.startswith(f"{section} could not be written: ")
    assert "raise OCTAVE_MAX_RUN_TOKENS (a complete run takes up to 80000)" in transcript.record.error.message


@pytest.mark.parametrize("form", [form for form in FORMS if len(form.model_fields) > 1])
def test_the_compact_schema_names_every_field_of_the_strict_one(form: type[Value]) -> None:
    strict, short = schema_of(form), compact_schema_of(form)

    assert fields(short, short) == fields(strict, strict)
    assert len(json.dumps(short)) < 0.75 * len(json.dumps(strict))


def fields(part: Any, schema: dict[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    """Return the field names of a JSON object as nested dicts, given the schema of the object.

    Return None if the schema does not describe an object.
    """
    if "$ref" in part:
        return fields(schema["$defs"][part["$ref"].rpartition("/")[2]], schema)
    if "properties" in part:
        return {name: fields(inner, schema) for name, inner in part["properties"].items()}
    within: list[Any] = [*part.get("anyOf", ()), *([part["items"]] if "items" in part else [])]
    return next((found for inner_part in within if (found := fields(inner_part, schema))), None)


async def test_questions_keep_their_order_even_if_the_site_of_the_prospect_answers_first(tmp_path: Path) -> None:
    prospect_is_read = asyncio.Event()

    async def hold(site: Site, _: Sequence[str]) -> None:
        if site.company.role == "vendor":
            await prospect_is_read.wait()
        prospect_is_read.set()

    stage = Stage(tmp_path, source=ScriptedSource(invented_sites(), hold=hold))
    runs = await stage.opened()
    record = await runs.start(asked_for(model="host"))
    asked: list[str] = []
    while not record.is_final:
        record, question, _ = await runs.next_question(record.run_id, 3600)
        if question and not question.corrects:
            asked.append(question.prompt)
        if question:
            await runs.answer(record.run_id, question.question_id, json.dumps(answer_to(question.model_dump())))

    assert asked == [prompt for prompt in FIRST if prompt in asked]
    assert len(asked) > 3


def planted_everywhere(question: QuestionRecord, answer: dict[str, Any]) -> None:
    """Add an invented figure to the first finding of the answer, unless the answer is a correction."""
    # Copy the answer. If several findings were the same object, a change of one would change all of them.
    answer.update(json.loads(json.dumps(answer)))
    if not question.corrects and (finding := next(findings_in(answer), None)):
        finding["text"] += " That is 7431.5 times."


@pytest.mark.long
async def test_an_error_in_every_answer_costs_one_short_correction_each_and_changes_nothing_else(
    client_with: Callable[..., Any], tmp_path: Path
) -> None:
    clean = await (await client_with(home=tmp_path / "clean")).run()
    transcript = await (await client_with(home=tmp_path / "spoilt", max_run_tokens=2 * MAX_TOKENS)).run(
        planted_everywhere
    )

    firsts = {question.question_id: question for question in transcript.asked if not question.corrects}
    patches = [question for question in transcript.asked if question.corrects]
    spoilt = [question for question in firsts.values() if "7431.5" in (question.answer or "")]
    assert {patch.corrects for patch in patches} == {question.question_id for question in spoilt}
    for patch in patches:
        assert patch.complaint.count("- D3") == 1
        assert patch.complaint.count("- depends") == len(patch.answer_schema["properties"]) - 1
        first = (firsts[patch.corrects].answer or "").rstrip()
        assert len((patch.answer or "").rstrip()) <= 0.15 * len(first)
        assert patch.tokens < 1_200
    read_at = {"generated_at", "cost", "timings", "evidence", "pages"}
    assert transcript.result.model_dump(exclude=read_at) == clean.result.model_dump(exclude=read_at)
    assert transcript.result.evidence.keys() == clean.result.evidence.keys()
