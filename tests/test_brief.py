"""The brief of a playbook, and what it is based on: triggers, buying committee, fit, qualification and sender."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playbooks import export
from scripted import (
    PROSPECT,
    VENDOR,
    Asked,
    ScriptedModel,
    ScriptedSource,
    Stage,
    answered,
    form,
    invented_sites,
    page,
)

from octave_mcp.asks.rendering import rendered
from octave_mcp.copywriting import outlines
from octave_mcp.copywriting.committee import committee
from octave_mcp.copywriting.letterhead import first_name, letterhead
from octave_mcp.domain.deal import Brief, Seat
from octave_mcp.domain.evidence import Cite, EvidenceId
from octave_mcp.domain.findings import CompanyPerson, Integration, NamedPerson, Trigger
from octave_mcp.domain.playbook import Playbook, SequenceDraft, SummaryDraft, TalkTrackDraft
from octave_mcp.domain.prospect import Buyer, ProspectAnswer, Understanding
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.sentence import Sentence
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorAnswer

DOCK = "Quillport opened a dry dock on 12 March 2026."
CRANE = "Quillport bought a floating crane on 4 June 2021."
MOORED = "Quillport opened a ferry museum on 3 May 2026."
VOSS = "Mara Voss is Head of Facilities."
TOOL = "We run on Docklane."
BYLINE = "2026-10-01 · by Ida Berg, Quillport"
TEAM = f"# Team\n\n{VOSS} {TOOL}"
OURS = "# Integrations\n\nLumenforge connects to Docklane."
SIGNED = "Ada Lind, VP Operations at Brassmere, praises Lumenforge."

Change = Callable[[Asked, Any], dict[str, Any]]


def citing(ask: Asked, text: str) -> tuple[Cite, ...]:
    return next(
        (
            (Cite(passage=at, sentences=(number,)),)
            for at, passage in enumerate(ask.passages, 1)
            for number in range(1, len(passage.sentences) + 1)
            if passage.sentence(number) == text
        ),
        (),
    )


def sentence_with(ask: Asked, text: str, *cited: str, kind: Any = "fact") -> tuple[Sentence[Cite], ...]:  # noqa: ANN401 - a kind
    """Return a tuple with a sentence that cites the quotations in `cited`.

    Return () if the ask contains none of these quotations.
    """
    evidence = tuple(cite for quotation in cited for cite in citing(ask, quotation))
    return (Sentence[Cite](text=text, kind=kind, evidence=evidence),) if evidence or not cited else ()


def change_prospect(ask: Asked, _: object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    triggers = [
        Trigger[Cite](kind="launch", what=text, date=text.partition(" on ")[2].rstrip("."), evidence=cites)
        for text in (DOCK, MOORED, CRANE)
        if (cites := citing(ask, text))
    ]
    if triggers:
        found["triggers"] = tuple(triggers)
    if cites := citing(ask, VOSS):
        voss = NamedPerson[Cite](
            name="Mara Voss", title="Head of Facilities", where="leadership", employer=None, evidence=cites
        )
        found["people"] = (voss,)
    if cites := citing(ask, TOOL):
        found["integrations"] = (Integration[Cite](name="Docklane", relation="uses", evidence=cites),)
    return found


def change_vendor(ask: Asked, _: object) -> dict[str, Any]:
    cites = citing(ask, "Lumenforge connects to Docklane.")
    return {"integrations": (Integration[Cite](name="Docklane", relation="sells", evidence=cites),)} if cites else {}


def change_buyers(ask: Asked, answer: Understanding[Cite]) -> dict[str, Any]:
    first, *others = answer.buyers
    buyer = first.model_copy(update={"contact": "Mara Voss, Head of Facilities"})
    buyer = buyer.model_copy(update={"evidence": (*first.evidence, *citing(ask, VOSS))})
    return {"buyers": (buyer, *others)}


def change_summary(ask: Asked, _: object) -> dict[str, Any]:
    seats = [
        Seat[Cite](
            seat="champion",
            person="Mara Voss",
            title="Head of Facilities",
            how_known="named",
            evidence=citing(ask, VOSS),
        ),
        Seat[Cite](seat="blocker", person=None, title="", how_known="missing", evidence=()),
    ]
    means = sentence_with(ask, "A dry dock needs light at night.", DOCK, kind="inference")
    return {"trigger_meanings": means, "committee": tuple(seat for seat in seats if seat.evidence or not seat.title)}


def change_talk_track(ask: Asked, answer: TalkTrackDraft[Cite]) -> dict[str, Any]:
    opener = (*sentence_with(ask, DOCK, DOCK), *sentence_with(ask, "Who plans its lamps?", kind="question"))
    first, *others = answer.discovery
    named = first.model_copy(update={"question": "Who signs for lamps?", "uncovers": "Economic buyer"})
    call = answer.cold_call.model_copy(update={"opener": opener})
    return {"cold_call": call, "discovery": (named, *others)}


def change_emails(ask: Asked, answer: SequenceDraft[Cite]) -> dict[str, Any]:
    first, *others = answer.touches
    reason = (*sentence_with(ask, DOCK, DOCK), *sentence_with(ask, "Who plans its lamps?", kind="question"))
    proof = sentence_with(ask, "At Brassmere, rework was down by 31%.", "After 6 weeks rework was down by 31%.")
    return {"touches": (first.model_copy(update={"paragraphs": (reason, proof)}), *others)}


async def briefed(
    home: Path,
    *,
    day: date | None = date(2026, 10, 1),
    changes: dict[type[Value], Change] | None = None,
    context: str = "",
    sender: Sender | None = None,
) -> Playbook:
    """Return a playbook about a prospect that has a news page and a team page."""
    sites = invented_sites()
    news = page(f"https://{PROSPECT}/news/dock", f"# News\n\n{BYLINE}\n\n{DOCK} {MOORED} {CRANE}", published_on=day)
    team = page(f"https://{PROSPECT}/team", TEAM, published_on=day)
    sites[PROSPECT] = (*sites[PROSPECT], news, team)
    sites[VENDOR] = (*sites[VENDOR], page(f"https://{VENDOR}/integrations", OURS))
    model = ScriptedModel()
    usual: dict[type[Value], Change] = {
        ProspectAnswer[Cite]: change_prospect,
        VendorAnswer[Cite]: change_vendor,
        Understanding[Cite]: change_buyers,
        SummaryDraft[Cite]: change_summary,
        TalkTrackDraft[Cite]: change_talk_track,
        SequenceDraft[Cite]: change_emails,
    }
    for answer, change in {**usual, **(changes or {})}.items():
        model.on(form(answer), _reply(change))
    return await Stage(home, model=model, source=ScriptedSource(sites)).playbook(context=context, sender=sender)


def _reply(change: Change) -> Callable[[Asked], Any]:
    async def reply(ask: Asked) -> Value:
        answer = answered(ask)
        return answer.model_copy(update=change(ask, answer))

    return reply


def brief_of(playbook: Playbook) -> Brief:
    assert playbook.brief
    return playbook.brief


async def test_a_brief_says_whom_to_call_why_now_and_what_to_say_first(home: Path) -> None:
    playbook = await briefed(home)

    brief = brief_of(playbook)
    assert (brief.person, brief.title) == ("Mara Voss", "Head of Facilities")
    assert brief.why_now
    assert (brief.why_now.text, brief.date) == (DOCK, "2026-03-12")
    assert brief.means
    assert brief.means.text == "A dry dock needs light at night."
    assert brief.first_line == f"{DOCK} Who plans its lamps?"
    assert brief.proof
    assert brief.proof.text == "At Brassmere, rework was down by 31%."
    assert brief.question == "Who plans its lamps?"
    assert brief.email == "email_sequences.0.touches.0"
    cited = {*brief.why_now.evidence, *brief.means.evidence, *brief.proof.evidence}
    assert cited <= playbook.evidence.keys()


async def test_why_now_is_the_trigger_that_matters_most_not_the_newest(home: Path) -> None:
    playbook = await briefed(home, changes={SequenceDraft[Cite]: lambda _, __: {}})

    assert [trigger.what for trigger in playbook.triggers[:2]] == [MOORED, DOCK]
    assert [bool(trigger.means) for trigger in playbook.triggers[:2]] == [False, True]
    why_now = brief_of(playbook).why_now
    assert why_now
    assert why_now.text == DOCK


@pytest.mark.parametrize(("opened_with", "expected"), [(MOORED, (MOORED, "2026-05-03")), (CRANE, (DOCK, "2026-03-12"))])
async def test_why_now_is_the_trigger_that_opens_the_first_email_unless_it_is_years_old(
    home: Path, opened_with: str, expected: tuple[str, str]
) -> None:
    def opening(ask: Asked, answer: Any) -> dict[str, Any]:  # noqa: ANN401 - a SequenceDraft
        first, *others = answer.touches
        paragraph = (
            *sentence_with(ask, opened_with, opened_with),
            *sentence_with(ask, "Who lights it?", kind="question"),
        )
        return {"touches": (first.model_copy(update={"paragraphs": (paragraph, *first.paragraphs[1:])}), *others)}

    brief = brief_of(await briefed(home, changes={SequenceDraft[Cite]: opening}))

    assert brief.question == "Who lights it?"
    assert brief.why_now
    assert (brief.why_now.text, brief.date) == expected


@pytest.mark.parametrize(("event", "is_warned"), [(DOCK, False), (CRANE, True)])
async def test_a_brief_warns_if_its_event_is_over_a_year_old(home: Path, event: str, is_warned: bool) -> None:
    def one_event(ask: Asked, answer: object) -> dict[str, Any]:
        found = change_prospect(ask, answer)
        triggers = tuple(trigger for trigger in found.get("triggers", ()) if trigger.what == event)
        return {**found, "triggers": triggers} if triggers else {key: found[key] for key in found if key != "triggers"}

    brief = brief_of(await briefed(home, changes={ProspectAnswer[Cite]: one_event}))

    assert brief.why_now
    assert brief.why_now.text == event
    warning = "Nothing of the last year was found at Quillport: start with the question, not with the event."
    assert (warning in brief.warnings) is is_warned


async def test_a_brief_never_contains_a_claim_that_a_check_dropped(home: Path) -> None:
    def invented(ask: Asked, answer: Any) -> dict[str, Any]:  # noqa: ANN401 - a SequenceDraft
        first, *others = answer.touches
        figure = sentence_with(ask, "At Brassmere, rework was down by 87%.", "After 6 weeks rework was down by 31%.")
        opening = (*sentence_with(ask, DOCK, DOCK), *sentence_with(ask, "Who plans its lamps?", kind="question"))
        return {"touches": (first.model_copy(update={"paragraphs": (opening, figure)}), *others)}

    playbook = await briefed(home, changes={SequenceDraft[Cite]: invented}, context="Say that we cut rework by 87%.")

    assert "87" not in brief_of(playbook).model_dump_json()
    reasons = [gap.reason for gap in playbook.gaps if gap.section == "context"]
    assert "the context mentions 87 %, but no page that was read states it, so the copy leaves it out" in reasons
    assert any("a figure that is not in the evidence" in gap.reason for gap in playbook.gaps)


async def test_an_email_greets_by_first_name_if_the_site_names_the_contact(home: Path) -> None:
    first, second, *_ = (await briefed(home)).email_sequences

    assert first.first_name == "Mara"
    assert all(touch.body.startswith("Hi Mara,\n") for touch in first.touches)
    assert second.first_name is None
    assert all(touch.body.startswith("Hi {{first_name}},\n") for touch in second.touches)


async def test_a_known_sender_signs_every_e_mail(home: Path) -> None:
    sender = Sender(name="Ida Berg", title="Account Executive", sign_off="Best,")
    playbook = await briefed(home, sender=sender)

    bodies = [touch.body for sequence in playbook.email_sequences for touch in sequence.touches]
    assert bodies
    assert all(body.endswith("\n\nBest,\nIda Berg\nAccount Executive, Lumenforge") for body in bodies)
    assert all("{{sender" not in body for body in bodies)


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("Mara Voss, Head of Yards", "Mara"),
        ("Dr. Mara Voss", "Mara"),
        ("Jean-Luc Picard (CTO)", "Jean-Luc"),
        ("O'Neil", None),
        ("Hieu Pham or Ida Berg, Engineering", None),
        ("Hieu Pham & Ida Berg", None),
        ("Hieu Pham, CTO, and Ida Berg, CEO", None),
        ("Hieu Pham, CEO and Ida Berg", None),
        ("Hieu Pham, CEO / Ida Berg, CTO", None),
        ("Hieu Pham, Founder and CTO", "Hieu"),
        ("Hieu Pham, Head of Risk, and Chief Compliance Officer", "Hieu"),
        ("Hieu Pham, Founder & Growth Lead", "Hieu"),
        ("Hieu Pham, Sales & Marketing", "Hieu"),
        ("Head", None),
        ("王小明, CTO", None),
        ("", None),
    ],
)
def test_a_first_name_is_used_only_if_it_is_unambiguous(contact: str, expected: str | None) -> None:
    assert first_name(contact) == expected


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (None, "{{sender_first_name}}, {{sender_company}}"),
        (Sender(company="Acme"), "{{sender_first_name}}, Acme"),
        (Sender(sign_off="Best,"), "Best,\n{{sender_first_name}}, {{sender_company}}"),
        (Sender(name="Ida Berg"), "Ida Berg\nLumenforge"),
        (Sender(name="Ida Berg", company="Acme", title="AE"), "Ida Berg\nAE, Acme"),
    ],
)
def test_unknown_parts_of_a_sender_are_merge_fields_or_left_out(sender: Sender | None, expected: str) -> None:
    assert letterhead(None, sender, "Lumenforge").signature == expected


async def test_a_committee_says_which_name_to_check_first(home: Path) -> None:
    fresh = await briefed(home / "fresh", day=date(2030, 1, 1))
    old = await briefed(home / "old", day=date(2020, 1, 1))

    assert [seat.check_first for seat in fresh.buying_committee] == ["", ""]
    champion, blocker = old.buying_committee
    assert champion.check_first == "the page that names Mara Voss is from 1 January 2020"
    assert (blocker.how_known, blocker.person, blocker.evidence) == ("missing", None, ())
    assert "Check Mara Voss first: the page that names Mara Voss is from 1 January 2020." in brief_of(old).warnings


@pytest.mark.parametrize(
    ("title", "is_checked"), [("Head of Facilities", True), ("Partner Manager", True), ("Cofounder", False)]
)
def test_a_title_held_by_two_people_is_checked_unless_it_is_usually_shared(title: str, is_checked: bool) -> None:
    named = Seat[EvidenceId](seat="champion", person="Mara Voss", title=title, how_known="named", evidence=())
    other = CompanyPerson(
        company="prospect", name="Ida Berg", title=title, where="leadership", employer=None, date="undated", evidence=()
    )

    (seat,) = committee([named], [other], {}, date(2026, 11, 1))

    assert bool(seat.check_first) is is_checked


async def test_the_committee_never_contains_a_name_that_is_on_no_page(home: Path) -> None:
    def invented(ask: Asked, answer: object) -> dict[str, Any]:
        seat = change_summary(ask, answer)["committee"][0]
        return {"committee": (seat.model_copy(update={"person": "Otto Brandt"}),)}

    playbook = await briefed(home, changes={SummaryDraft[Cite]: invented})

    assert playbook.buying_committee == ()


async def test_the_fit_lists_tools_that_both_companies_name_with_the_relation_of_each(home: Path) -> None:
    (shared,) = (await briefed(home)).fit.stack_overlap

    assert (shared.name, shared.vendor, shared.prospect) == ("Docklane", "sells", "uses")


async def test_each_letter_of_meddpicc_has_known_facts_and_questions(home: Path) -> None:
    letters = (await briefed(home)).qualification

    assert letters.economic_buyer.to_find_out == ("Who signs for lamps?",)
    assert letters.paper_process.to_find_out == ("What do legal and security need before you can sign?",)
    assert [sentence.text for sentence in letters.champion.known] == ["Mara Voss, Head of Facilities"]
    assert letters.economic_buyer.known == ()


async def test_a_brief_warns_of_old_news(home: Path) -> None:
    playbook = await briefed(home, day=date(2020, 1, 1))

    warning = "The newest dated page read of Quillport is from 1 January 2020: look for news before you write."
    assert warning in brief_of(playbook).warnings


async def test_a_prospect_with_one_thin_page_gets_an_honest_brief_and_outlines(home: Path) -> None:
    def add_owner(ask: Asked, _: object) -> dict[str, Any]:
        cites = citing(ask, "Our customers sail on every coast of the north.")
        owner = Buyer[Cite](
            title="Owner",
            contact=None,
            function="leadership",
            why_they_care="Customers sail the north.",
            inferred=True,
            evidence=cites or (Cite(passage=1),),
        )
        return {"buyers": (owner,)}

    sites = invented_sites()
    sites[PROSPECT] = sites[PROSPECT][:1]
    model = ScriptedModel()
    model.on(form(Understanding[Cite]), _reply(add_owner))

    playbook = await Stage(home, model=model, source=ScriptedSource(sites)).playbook()

    assert {touch.kind for sequence in playbook.email_sequences for touch in sequence.touches} == {"outline"}
    assert {track.kind for track in playbook.talk_tracks} == {"outline"}
    brief = brief_of(playbook)
    assert "Nothing dated was found on the pages of Quillport: start with the question." in brief.warnings
    assert brief.question
    assert brief.email is None
    writer = next(ask for ask in model.asked if ask.answer is SequenceDraft[Cite])
    assert "Little was found of Quillport" in rendered(writer).prefix
    assert outlines.notice(playbook).endswith("Say in the context what you know about it, or start with the question.")
    assert outlines.how(playbook) in export("markdown").render(playbook)


async def test_a_voicemail_names_the_contact_and_the_sender_if_known(home: Path) -> None:
    def greeting(ask: Asked, _: object) -> dict[str, Any]:
        hello = sentence_with(ask, "Hi {{first_name}}, it's {{sender_first_name}} from Lumenforge.", kind="courtesy")
        return {"voicemail": hello}

    changes: dict[type[Value], Change] = {TalkTrackDraft[Cite]: greeting}
    first, second, *_ = (await briefed(home, changes=changes, sender=Sender(name="Ida Berg"))).talk_tracks

    assert [sentence.text for sentence in first.voicemail] == ["Hi Mara, it's Ida from Lumenforge."]
    assert [sentence.text for sentence in second.voicemail] == ["Hi {{first_name}}, it's Ida from Lumenforge."]


async def test_the_proof_of_a_brief_makes_sense_on_its_own_and_is_not_about_the_prospect(home: Path) -> None:
    result = "After 6 weeks rework was down by 31%."

    def leaning(ask: Asked, answer: Any) -> dict[str, Any]:  # noqa: ANN401 - a SequenceDraft
        first, *others = answer.touches
        paragraph = (
            *sentence_with(ask, DOCK, DOCK),
            *sentence_with(ask, "With it, Brassmere saw rework down by 31%.", result),
            *sentence_with(ask, "Quillport can have that, too.", kind="question"),
            *sentence_with(ask, "At Brassmere, rework was down by 31%.", result),
        )
        return {"touches": (first.model_copy(update={"paragraphs": (paragraph,)}), *others)}

    brief = brief_of(await briefed(home, changes={SequenceDraft[Cite]: leaning}))

    assert brief.proof
    assert brief.proof.text == "At Brassmere, rework was down by 31%."


async def test_the_first_quotation_of_why_now_is_not_a_byline(home: Path) -> None:
    def cite_byline(ask: Asked, answer: object) -> dict[str, Any]:
        found = change_prospect(ask, answer)
        cites = citing(ask, BYLINE)
        triggers = (
            trigger.model_copy(update={"evidence": (*cites, *trigger.evidence)})
            for trigger in found.get("triggers", ())
        )
        return found | {"triggers": tuple(triggers)} if cites else found

    playbook = await briefed(home, changes={ProspectAnswer[Cite]: cite_byline})

    why_now = brief_of(playbook).why_now
    assert why_now
    first, *others = (playbook.evidence[id_].quote for id_ in why_now.evidence)
    assert first == DOCK
    assert BYLINE in others
