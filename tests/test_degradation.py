"""A failure only affects the parts that depend on the failed work, and the playbook or the error names the failure."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import matrix
import pytest
import stamina
from scripted import (
    PROSPECT,
    VENDOR,
    Asked,
    ScriptedModel,
    ScriptedSource,
    Stage,
    Written,
    answered,
    asked_for,
    form,
    invented_sites,
    says,
    shows,
)

from octave_mcp.domain.asks import HomepageAnswer, Usage
from octave_mcp.domain.cards import CompetitivePositioning, ObjectionHandling, WhyWeWin
from octave_mcp.domain.company import Site
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.page import PageFailure
from octave_mcp.domain.playbook import CallToAction, Playbook, SequenceDraft, SummaryDraft, TalkTrackDraft, TouchDraft
from octave_mcp.domain.prospect import ProspectAnswer, Understanding
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import ValueProposition, VendorAnswer
from octave_mcp.errors import (
    BadAnswer,
    BadKey,
    ModelRefuses,
    NoAccess,
    NoQuota,
    RateLimited,
    SetupError,
    SiteUnreachable,
    Transient,
    UnknownModel,
    UpstreamError,
)
from octave_mcp.settings import Settings

SECRET = "a-key-that-nobody-may-see"  # noqa: S105 - invented
STORIES = "/customers/brassmere"
WRITERS = [
    (SummaryDraft[Cite], "executive_summary"),
    (WhyWeWin[Cite], "battle_cards"),
    (ObjectionHandling[Cite], "battle_cards"),
    (CompetitivePositioning[Cite], "battle_cards"),
    (SequenceDraft[Cite], "email_sequences"),
    (TalkTrackDraft[Cite], "talk_tracks"),
]
# The answer types of a mandatory section, of an optional section, and of a section with an entry for each persona.
EACH_KIND = (SummaryDraft[Cite], WhyWeWin[Cite], SequenceDraft[Cite])


@pytest.fixture(autouse=True)
def without_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
def stage(tmp_path: Path, model: ScriptedModel) -> Stage:
    return Stage(tmp_path, model=model)


def gaps(playbook: Playbook | None) -> dict[str, str]:
    assert playbook
    return {gap.section: gap.code for gap in playbook.gaps}


async def test_missing_and_empty_pages_are_named_and_the_run_completes(tmp_path: Path) -> None:
    sites = invented_sites()
    paths = ("/product/gone", "/product/app", "/product/walled", "/pricing")
    gone, app, walled, pricing = (f"https://{VENDOR}{path}" for path in paths)
    failures = {
        gone: PageFailure(url=gone, code="http_404", reason="Not there"),
        app: PageFailure(url=app, code="needs_js", reason="Empty"),
        walled: PageFailure(url=walled, code="bot_wall", reason="Are you human?"),
    }
    sites[VENDOR] = tuple(
        page.model_copy(update={"text": "# Pricing"}) if page.ref.url == pricing else page for page in sites[VENDOR]
    )
    record, playbook = await Stage(tmp_path, source=ScriptedSource(sites, failures=failures)).run()
    assert playbook
    assert record.status == "completed"
    assert {(failure.url, failure.code) for failure in playbook.failed_pages} == {
        (gone, "http_404"),
        (app, "needs_js"),
        (walled, "bot_wall"),
        (pricing, "thin"),
    }
    assert playbook.cost.pages_failed == 4
    gap = next(gap for gap in playbook.gaps if gap.section == "pages")
    assert gap.code == "pages_failed"
    assert "FIRECRAWL_API_KEY" in gap.would_fill


@pytest.mark.parametrize(
    "code",
    matrix.sampled(
        ["timeout", "connection_failed", "http_408", "http_425", "http_429", "http_500", "http_503"],
        short=lambda code: code == "http_503",
    ),
)
async def test_a_temporary_page_failure_makes_the_run_partial(tmp_path: Path, code: str) -> None:
    url = f"https://{VENDOR}/pricing"
    source = ScriptedSource(invented_sites(), failures={url: PageFailure(url=url, code=code, reason="It failed")})
    record, playbook = await Stage(tmp_path, source=source).run()
    assert record.status == "partial"
    assert gaps(playbook)["pages"] == "pages_failed"


async def test_a_playbook_is_written_even_if_only_the_home_page_of_a_company_is_readable(tmp_path: Path) -> None:
    failing = {
        page.ref.url: PageFailure(url=page.ref.url, code="timeout", reason="Too slow")
        for page in invented_sites()[VENDOR][1:]
    }
    record, playbook = await Stage(tmp_path, source=ScriptedSource(invented_sites(), failures=failing)).run()
    assert playbook
    assert record.status == "partial"
    assert [page.url for page in playbook.pages if page.role == "vendor"] == [f"https://{VENDOR}/"]
    assert "low_confidence" in {flag.code for flag in playbook.flags}


@pytest.mark.parametrize("missing", [VENDOR, PROSPECT])
async def test_the_error_of_a_run_names_the_site_that_does_not_answer(tmp_path: Path, missing: str) -> None:
    sites = {domain: found for domain, found in invented_sites().items() if domain != missing}
    record, playbook = await Stage(tmp_path, source=ScriptedSource(sites)).run()
    assert record.error
    assert (record.status, record.error.code, playbook) == ("failed", "site_unreachable", None)
    assert missing in record.error.message


async def test_a_site_without_a_home_page_fails_the_run(tmp_path: Path) -> None:
    record, _ = await Stage(tmp_path, source=ScriptedSource({**invented_sites(), PROSPECT: ()})).run()
    assert record.error
    assert record.error.code == SiteUnreachable.code


async def test_a_failed_pack_is_asked_once_and_leaves_a_named_gap_and_the_other_findings(
    stage: Stage, model: ScriptedModel
) -> None:
    model.fail(shows(STORIES, VendorAnswer[Cite]), UpstreamError("the provider is down"))
    record, playbook = await stage.run()
    assert playbook
    assert record.status == "partial"
    assert gaps(playbook)["vendor_elements"] == "upstream_unavailable"
    assert "the provider is down" in next(gap.reason for gap in playbook.gaps if gap.section == "vendor_elements")
    assert all(gap.section and gap.code and gap.reason and gap.would_fill for gap in playbook.gaps)
    assert playbook.vendor_elements.offerings
    assert [story.customer for story in playbook.vendor_elements.case_studies] == ["Tidewell"]
    assert playbook.prospect_intelligence.company_profile.facts
    assert len([ask for ask in model.asked if shows(STORIES, VendorAnswer[Cite])(ask)]) == 1


async def test_a_prospect_without_a_readable_persona_fails_the_run_with_the_reason(
    stage: Stage, model: ScriptedModel
) -> None:
    model.fail(shows("/about", ProspectAnswer[Cite]), BadAnswer("it was no answer"))
    record, playbook = await stage.run()
    assert record.error
    assert (record.status, record.error.code, playbook) == ("failed", "bad_answer", None)
    assert "prospect_intelligence" in record.error.message
    assert "did not have the required format" in record.error.message


async def test_a_run_whose_vendor_packs_all_fail_still_writes_emails_from_prospect_findings(
    stage: Stage, model: ScriptedModel
) -> None:
    model.fail(form(VendorAnswer[Cite]), UpstreamError("the provider is down"))
    record, playbook = await stage.run()
    assert playbook
    assert record.status == "partial"
    assert playbook.email_sequences
    assert not any(getattr(playbook.vendor_elements, name) for name in type(playbook.vendor_elements).model_fields)


@pytest.mark.parametrize(("kind", "section"), matrix.sampled(WRITERS, short=lambda writer: writer[0] in EACH_KIND))
async def test_a_failed_writer_leaves_a_gap_or_fails_the_run_if_its_section_is_mandatory(
    stage: Stage, model: ScriptedModel, kind: type[Value], section: str
) -> None:
    failures = Counter[bool]()

    async def fail_once(ask: Asked) -> Value:
        failures[True] += 1
        if failures[True] == 1:
            raise UpstreamError("the writer is away")
        return answered(ask)

    model.on(form(kind), fail_once)
    record, playbook = await stage.run()
    if kind is SummaryDraft[Cite]:
        assert record.error
        assert (record.status, record.error.code, playbook) == ("failed", "upstream_unavailable", None)
        assert "the writer is away" in record.error.message
        return
    assert record.status == "partial"
    found = [gap for gap in playbook.gaps if gap.code == "upstream_unavailable"] if playbook else []
    assert len(found) == 1
    assert section in found[0].section
    assert "the writer is away" in found[0].reason


@pytest.mark.parametrize(
    ("error", "message"),
    matrix.sampled(
        [
            (UpstreamError("down"), "down"),
            (BadAnswer("no answer"), "required format"),
            (RateLimited("slow down"), "slow down"),
        ],
        short=lambda case: isinstance(case[0], BadAnswer),
    ),
)
async def test_a_run_whose_writers_all_fail_ends_with_their_code(
    stage: Stage, model: ScriptedModel, error: UpstreamError, message: str
) -> None:
    model.fail(lambda ask: ask.prompt.startswith("playbook/"), error)
    record, playbook = await stage.run()
    assert record.error
    assert (record.status, record.error.code, playbook) == ("failed", error.code, None)
    assert message in record.error.message


async def test_a_company_is_named_by_its_domain_if_its_home_page_cannot_be_understood(
    stage: Stage, model: ScriptedModel
) -> None:
    model.fail(form(HomepageAnswer[Cite]), UpstreamError("the provider is down"))
    record, playbook = await stage.run()
    assert playbook
    assert (record.status, playbook.vendor.name, playbook.vendor.evidence) == ("partial", VENDOR, ())
    assert "the provider is down" in next(gap.reason for gap in playbook.gaps if gap.section == "vendor")


@pytest.mark.parametrize("refused", matrix.sampled([BadKey, NoQuota, UnknownModel], short=lambda kind: kind is BadKey))
async def test_a_provider_that_denies_access_fails_the_run_with_its_code(
    stage: Stage, model: ScriptedModel, refused: type[NoAccess]
) -> None:
    model.fail(form(VendorAnswer[Cite]), refused("not for you"))
    record, _ = await stage.run()
    assert record.error
    assert (record.status, record.error.code) == ("failed", refused.code)


async def test_losing_access_while_writing_costs_only_the_unwritten_sections(
    stage: Stage, model: ScriptedModel
) -> None:
    model.fail(form(WhyWeWin[Cite]), NoQuota("the account has no credit left"))
    record, playbook = await stage.run()
    assert playbook
    assert record.status == "partial"
    assert ("battle_cards", "no_quota") in {(gap.section, gap.code) for gap in playbook.gaps}


async def test_an_unreadable_answer_is_asked_for_again_with_the_complaint_and_also_paid_for(
    stage: Stage, model: ScriptedModel
) -> None:
    bad = BadAnswer("it is no JSON", usage=Usage(input_tokens=7, output_tokens=1, usd=0.5))
    broken = [bad]

    async def reply(ask: Asked) -> Value:
        if broken:
            raise broken.pop()
        assert "it is no JSON" in ask.complaint
        return answered(ask)

    model.on(form(SummaryDraft[Cite]), reply)
    record, playbook = await stage.run()
    assert playbook
    assert (record.status, broken) == ("completed", [])
    assert playbook.cost.usd == pytest.approx(0.5 + 0.001 * (playbook.cost.asks - 1))


async def test_a_model_that_declines_is_asked_once_more(stage: Stage, model: ScriptedModel) -> None:
    model.fail(form(SummaryDraft[Cite]), ModelRefuses("I would rather not"))
    record, _ = await stage.run()
    assert record.error
    assert (record.status, record.error.code) == ("failed", "model_refuses")
    assert len([ask for ask in model.asked if form(SummaryDraft[Cite])(ask)]) == 2


def test_a_run_closes_its_model_and_source_at_the_end(plain: Written) -> None:
    assert isinstance(plain.stage.scripted, ScriptedModel)
    assert isinstance(plain.stage.site_source, ScriptedSource)
    assert (plain.stage.scripted.closed, plain.stage.site_source.closed) == (1, 1)


async def test_a_prospect_that_cannot_be_understood_has_no_personas_and_no_playbook(
    stage: Stage, model: ScriptedModel
) -> None:
    model.fail(form(Understanding[Cite]), BadAnswer("it was no answer"))
    record, playbook = await stage.run()
    assert (record.status, playbook) == ("failed", None)


def invention(ask: Asked, text: str = "Globex cut rework by 99%.") -> Value:
    found = cast("VendorAnswer[Cite]", answered(ask))
    made_up = ValueProposition[Cite](title="invented", text=text, evidence=(Cite(passage=1, sentences=(1,)),))
    return found.model_copy(update={"value_propositions": (*found.value_propositions, made_up)})


async def test_an_answer_that_fails_its_checks_is_asked_for_again_once_with_the_complaint(
    stage: Stage, model: ScriptedModel
) -> None:
    async def corrected(ask: Asked) -> Value:
        return invention(ask, ask.passages[0].sentence(1)) if ask.complaint else invention(ask)

    model.on(shows("/product/planner", VendorAnswer[Cite]), corrected)
    record, playbook = await stage.run()
    asks = [ask for ask in model.asked if shows("/product/planner", VendorAnswer[Cite])(ask)]
    assert [bool(ask.complaint) for ask in asks] == [False, True]
    assert "D3 the figure '99%' is not in the quotation" in asks[1].complaint
    assert "D4 the name 'Globex' is not in the evidence" in asks[1].complaint
    assert "fix_1 replaces value_propositions[" in asks[1].complaint
    assert [*asks[1].answer.model_fields] == ["fix_1"]
    same = {"complaint": "", "answer": asks[0].answer, "patched": None, "cited": ()}
    assert asks[0] == asks[1].model_copy(update=same)
    assert record.status == "completed"
    assert "dropped_by_check" not in gaps(playbook).values()


async def test_an_email_that_breaks_several_rules_of_style_is_asked_for_again(
    stage: Stage, model: ScriptedModel
) -> None:
    async def improved(ask: Asked) -> Value:
        draft = cast("SequenceDraft[Cite]", answered(ask))
        if ask.complaint:
            return draft
        first, *others = draft.touches
        closing = CallToAction(
            label="meeting", text="I hope this finds you well! Do you have 30 minutes to discuss about it?"
        )
        weak = first.model_copy(
            update={
                "subject": "Quick question about your very important plans for next year!!",
                "call_to_action": closing,
            }
        )
        return draft.model_copy(update={"touches": (weak, *others)})

    model.on(form(SequenceDraft[Cite]), improved)
    playbook = await stage.playbook()

    again = [ask.complaint for ask in model.asked if ask.whole is SequenceDraft[Cite] and ask.complaint]
    assert again
    assert all("Shorten the subject: it has 10 words" in complaint for complaint in again)
    weak = [touch for sequence in playbook.email_sequences for touch in sequence.touches if "!!" in touch.subject]
    assert len(weak) == len(playbook.email_sequences) - len(again)


async def test_a_finding_that_fails_twice_is_dropped_and_named_and_the_rest_is_kept(
    stage: Stage, model: ScriptedModel
) -> None:
    async def stubborn(ask: Asked) -> Value:
        return invention(ask)

    model.on(shows("/product/planner", VendorAnswer[Cite]), stubborn)
    record, playbook = await stage.run()
    assert playbook
    assert len([ask for ask in model.asked if shows("/product/planner", VendorAnswer[Cite])(ask)]) == 2
    assert record.status == "partial"
    (gap,) = [gap for gap in playbook.gaps if gap.code == "dropped_by_check"]
    assert "1 x a figure that is not in the evidence (D3)" in gap.reason
    assert "99%" not in gap.reason
    assert "invented" not in {v.title for v in playbook.vendor_elements.value_propositions}
    assert playbook.vendor_elements.offerings
    assert "99%" not in playbook.model_copy(update={"gaps": ()}).model_dump_json()


async def test_a_worse_second_answer_is_not_used(stage: Stage, model: ScriptedModel) -> None:
    async def worse(ask: Asked) -> Value:
        if not ask.complaint:
            return invention(ask)
        empty: dict[str, object] = dict.fromkeys(VendorAnswer[Cite].model_fields, ())
        bad = ValueProposition[Cite](title="worse", text="Globex met Initech and Hooli.", evidence=(Cite(passage=1),))
        return VendorAnswer[Cite].model_validate({**empty, "value_propositions": (bad, bad, bad)})

    model.on(shows("/product/planner", VendorAnswer[Cite]), worse)
    _, playbook = await stage.run()
    assert playbook
    assert playbook.vendor_elements.offerings


async def test_a_failed_second_ask_costs_only_the_errors_of_the_first_answer(
    stage: Stage, model: ScriptedModel
) -> None:
    async def once(ask: Asked) -> Value:
        if ask.complaint:
            raise UpstreamError("the provider is down")
        return invention(ask)

    model.on(shows("/product/planner", VendorAnswer[Cite]), once)
    record, playbook = await stage.run()
    assert playbook
    assert record.status == "partial"
    assert playbook.vendor_elements.offerings
    assert "dropped_by_check" in gaps(playbook).values()


async def test_a_passage_that_was_not_shown_supports_nothing(stage: Stage, model: ScriptedModel) -> None:
    nowhere = ValueProposition[Cite](title="a", text="b", evidence=(Cite(passage=10_000),))
    empty: dict[str, object] = dict.fromkeys(VendorAnswer[Cite].model_fields, ())
    answer = VendorAnswer[Cite].model_validate({**empty, "value_propositions": (nowhere,)})
    model.on(form(VendorAnswer[Cite]), says(answer))
    _, playbook = await stage.run()
    assert playbook
    assert playbook.vendor_elements.value_propositions == ()
    assert "1 x a claim without evidence (D1)" in next(g.reason for g in playbook.gaps if g.code == "dropped_by_check")


def a_touch(text: str, *, subject: str = "a thought", ask: str = "Worth a look?") -> TouchDraft[Cite]:
    sentence = Sentence[Cite](text=text, kind="courtesy", evidence=())
    return TouchDraft[Cite](
        subject=subject,
        paragraphs=((sentence,),),
        call_to_action=CallToAction(label="interest", text=ask),
        opt_out=None,
        second_opening=(),
        make_first=None,
        personalisation=(),
    )


UNTRUE = [
    (a_touch("Dear [name], it is time."), "D15"),
    (a_touch("You are {{nice}}."), "D15"),
    (a_touch("I can send you a report."), "D20"),
    (a_touch("It is time.", subject="40% less rework"), "D3"),
    (a_touch("It is time.", subject="a word on Globex"), "D4"),
    (a_touch("It is time.", ask="Do you know Globex?"), "D4"),
]
MINUTES = CallToAction(label="meeting", text="Would 15 minutes on day 3 suit?")


@pytest.mark.parametrize("bad", [UNTRUE[:3], UNTRUE[3:]], ids=["in the text", "in the subject or the call to action"])
async def test_an_untrue_touch_is_dropped_and_named_but_the_length_of_a_meeting_is_not_a_claim(
    stage: Stage, model: ScriptedModel, bad: list[tuple[TouchDraft[Cite], str]]
) -> None:
    async def one_bad(ask: Asked) -> Value:
        """Return e-mails that propose a 15-minute meeting. The second e-mail instead contains an untrue statement."""
        draft = cast("SequenceDraft[Cite]", answered(ask))
        touches = [touch.model_copy(update={"call_to_action": MINUTES}) for touch in draft.touches]
        touches[1] = bad[ask.brief.rank][0]
        return draft.model_copy(update={"touches": tuple(touches)})

    model.on(form(SequenceDraft[Cite]), one_bad)
    record, playbook = await stage.run()
    assert playbook
    assert record.status == "partial"
    assert [[touch.day for touch in s.touches] for s in playbook.email_sequences] == [[1, 7, 14]] * 3
    reasons = [
        gap.reason for gap in playbook.gaps if gap.section == "email_sequences" and gap.code == "dropped_by_check"
    ]
    for number, (reason, (_, rule)) in enumerate(zip(reasons, bad, strict=True), 1):
        assert reason.startswith(f"touch 2 for persona-{number} was dropped: ")
        assert f"({rule})" in reason


async def test_an_answer_of_an_unexpected_type_is_a_bad_answer(stage: Stage, model: ScriptedModel) -> None:
    model.on(shows("/product/planner", VendorAnswer[Cite]), says(CallToAction(label="interest", text="?")))
    record, playbook = await stage.run()
    assert record.status == "partial"
    assert gaps(playbook)["vendor_elements"] == "bad_answer"


async def test_a_transient_error_is_retried(stage: Stage, model: ScriptedModel) -> None:
    soon = Transient("overloaded", retry_after_seconds=0)
    model.fail(form(SummaryDraft[Cite]), soon, RateLimited("slow down", retry_after_seconds=0))
    record, playbook = await stage.run()
    assert record.status == "completed"
    asks = [ask for ask in model.asked if ask.answer is SummaryDraft[Cite]]
    assert len(asks) == 3
    assert len(set(asks)) == 1
    assert playbook


async def test_a_transient_error_that_persists_fails_after_three_attempts(stage: Stage, model: ScriptedModel) -> None:
    model.fail(shows(STORIES, VendorAnswer[Cite]), RateLimited("slow down", retry_after_seconds=0))
    record, playbook = await stage.run()
    assert record.status == "partial"
    assert gaps(playbook)["vendor_elements"] == "rate_limited"
    assert len([ask for ask in model.asked if shows(STORIES, VendorAnswer[Cite])(ask)]) == 3


async def test_a_missing_key_fails_the_run_as_a_setup_error(stage: Stage, model: ScriptedModel) -> None:
    model.fail(form(VendorAnswer[Cite]), SetupError("set OPENAI_API_KEY"))
    record, _ = await stage.run()
    assert record.error
    assert (record.status, record.error.code, record.error.message) == ("failed", "setup", "set OPENAI_API_KEY")


async def test_an_unexpected_error_fails_the_run_leaks_nothing_and_does_not_affect_the_next(
    stage: Stage, model: ScriptedModel
) -> None:
    failing = [RuntimeError(SECRET)]

    async def fail_once(ask: Asked) -> Value:
        if failing:
            raise failing.pop()
        return answered(ask)

    model.on(form(SummaryDraft[Cite]), fail_once)
    record, playbook = await stage.run()
    assert record.error
    assert (record.status, record.error.code, playbook) == ("failed", "internal", None)
    assert SECRET not in record.model_dump_json()
    last = await (await stage.opened()).progress(record.run_id)
    assert last
    assert SECRET not in last.model_dump_json()
    assert [event.error for event in stage.events if event.event == "call_failed"] == ["RuntimeError"]
    assert not any(SECRET in event.model_dump_json() for event in stage.events)
    assert isinstance(stage.site_source, ScriptedSource)
    assert stage.site_source.closed == 1
    assert (await stage.run())[0].status == "completed"


async def test_a_source_that_breaks_its_contract_fails_the_run_as_internal(tmp_path: Path) -> None:
    async def breaks(_: Site, __: Sequence[str]) -> None:
        raise ValueError(SECRET)

    record, _ = await Stage(tmp_path, source=ScriptedSource(invented_sites(), hold=breaks)).run()
    assert record.error
    assert (record.status, record.error.code) == ("failed", "internal")
    assert SECRET not in json.dumps(record.model_dump(mode="json"))


async def test_a_source_that_cannot_be_closed_does_not_fail_the_run(tmp_path: Path) -> None:
    async def broken() -> None:
        raise OSError(SECRET)

    source = ScriptedSource(invented_sites(), on_close=broken)
    record, playbook = await Stage(tmp_path, source=source).run()
    assert record.status == "completed"
    assert playbook


async def never_answered(model: ScriptedModel) -> asyncio.Event:
    """Make the model never answer an ask for the summary. Return an event that is set at the first such ask."""
    under_way = asyncio.Event()

    async def never(_: Asked) -> Value:
        under_way.set()
        await asyncio.Event().wait()
        raise AssertionError

    model.on(form(SummaryDraft[Cite]), never)
    return under_way


async def test_cancelling_a_run_stops_it_and_closes_its_source(stage: Stage, model: ScriptedModel) -> None:
    under_way, runs = await never_answered(model), await stage.opened()
    started = await runs.start(asked_for())
    await under_way.wait()
    record = await runs.cancel(started.run_id)
    assert record.status == "cancelled"
    assert record.finished_at
    assert record.error is None
    assert isinstance(stage.site_source, ScriptedSource)
    assert stage.site_source.closed == 1
    assert stage.events[-1].event == "run_finished"
    assert await runs.cancel(started.run_id) == record


async def test_a_run_can_be_cancelled_before_it_starts(stage: Stage) -> None:
    runs = await stage.opened()
    started = await runs.start(asked_for())
    assert (await runs.cancel(started.run_id)).status == "cancelled"
    assert (await stage.end_of(started.run_id))[0].status == "cancelled"


async def test_cancelling_a_queued_run_does_not_affect_other_runs(tmp_path: Path, model: ScriptedModel) -> None:
    under_way = await never_answered(model)
    stage = Stage(tmp_path, model=model, settings=Settings.model_validate({"home": tmp_path, "max_runs": 1}))
    runs = await stage.opened()
    first = await runs.start(asked_for())
    await under_way.wait()
    second, third = [await runs.start(asked_for()) for _ in range(2)]
    assert (await runs.cancel(second.run_id)).status == "cancelled"
    assert {(await runs.get(record.run_id)).status for record in (first, third)} == {"running", "queued"}


async def test_a_server_that_shuts_down_leaves_its_run_to_be_resumed(stage: Stage, model: ScriptedModel) -> None:
    under_way, runs = await never_answered(model), await stage.opened()
    started = await runs.start(asked_for())
    await under_way.wait()
    await runs.close()
    successor = await Stage(stage.settings.home).opened()
    assert (await successor.get(started.run_id)).status == "running"
    last = await successor.progress(started.run_id)
    assert last
    assert last.event != "run_finished"


async def test_a_failed_step_stops_the_steps_that_run_in_parallel(stage: Stage, model: ScriptedModel) -> None:
    stopped, started = asyncio.Event(), asyncio.Event()

    async def long(_: Asked) -> Value:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    async def fails(_: Asked) -> Value:
        await started.wait()
        raise SetupError("no key")

    model.on(form(ProspectAnswer[Cite]), long)
    model.on(form(VendorAnswer[Cite]), fails)
    record, _ = await stage.run()
    assert record.status == "failed"
    assert stopped.is_set()
