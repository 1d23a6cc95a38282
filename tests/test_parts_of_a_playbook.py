"""Parts of a playbook from get_run, as JSON or Markdown.

A part is a section, an entry of a section, or one persona's content in a section.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest
from conftest import Finished
from deal_playbook import deal_playbook, stored
from fastmcp import Client
from matrix import sampled
from playbooks import fact, outlined_playbook, sample_playbook
from test_mcp import call, complaint
from web import serving

from octave_mcp.domain.evidence import Evidence, Support
from octave_mcp.domain.findings import CompanyPerson
from octave_mcp.domain.playbook import SECTIONS, Playbook, Touch
from octave_mcp.surfaces.mcp.server import make
from octave_mcp.tools.markdown import markdown
from octave_mcp.tools.markdown.quotations import plain, shortened
from octave_mcp.tools.parts import PERSONA_IN, parts_of

FIRST_E_MAILS = {"section": "email_sequences", "persona": "1", "format": "markdown"}


@pytest.fixture
async def client() -> AsyncGenerator[Client[Any]]:
    async with Client(make()) as client:
        yield client


@pytest.fixture
async def run_id() -> str:
    return await stored(deal_playbook())


@pytest.fixture
def whole() -> dict[str, Any]:
    return deal_playbook().model_dump(mode="json")


def read(playbook: Playbook, section: str | None = None, persona: str | None = None) -> str:
    return markdown(parts_of(playbook, section, persona), playbook)


def tokens(answer: dict[str, Any]) -> float:
    return len(json.dumps(answer, ensure_ascii=False)) / 4


async def test_get_run_returns_each_section_as_in_the_playbook(
    client: Client[Any], run_id: str, whole: dict[str, Any]
) -> None:
    for name in SECTIONS:
        answer = await call(client, "get_run", run_id=run_id, section=name)
        assert answer["section"] == {name: whole[name]}
        assert answer["markdown"] == ""
        assert answer["overview"] is None


def path(*steps: str | int) -> Callable[[dict[str, Any]], Any]:
    def followed(value: Any) -> Any:  # noqa: ANN401 - JSON
        for step in steps:
            value = value[step]
        return value

    return followed


PARTS: tuple[tuple[str, Callable[[dict[str, Any]], Any]], ...] = (
    ("battle_cards.why_we_win", path("battle_cards", 0)),
    ("battle_cards.Why_We_Win.proof.0.text", path("battle_cards", 0, "proof", 0, "text")),
    ("email_sequences.persona-1", path("email_sequences", 0)),
    ("email_sequences.0.touches.0", path("email_sequences", 0, "touches", 0)),
    ("talk_tracks.persona-2.voicemail", path("talk_tracks", 1, "voicemail")),
    ("vendor_elements.case_studies.1", path("vendor_elements", "case_studies", 1)),
    ("vendor_elements.case_studies.öresund ferries", path("vendor_elements", "case_studies", 1)),
    ("people.marit janssen.title", path("people", 0, "title")),
    ("buying_committee.champion", path("buying_committee", 0)),
    ("fit.stack_overlap", path("fit", "stack_overlap")),
    ("qualification.metrics.known", path("qualification", "metrics", "known")),
    ("brief.email", path("brief", "email")),
    ("battle_cards.0.dated_on", path("battle_cards", 0, "dated_on")),
    ("evidence.p_goal", path("evidence", "p_goal")),
    ("evidence.p_goal.fetched_at", path("evidence", "p_goal", "fetched_at")),
    (
        "triggers.regulation",
        lambda playbook: [trigger for trigger in playbook["triggers"] if trigger["kind"] == "regulation"],
    ),
)


@pytest.mark.parametrize(("section", "value_in"), sampled(PARTS, lambda part: part[0].count(".") == 2))
async def test_a_part_is_selected_by_its_index_or_by_its_name(
    section: str, value_in: Callable[[dict[str, Any]], Any], client: Client[Any], run_id: str, whole: dict[str, Any]
) -> None:
    answer = await call(client, "get_run", run_id=run_id, section=section)

    assert answer["section"] == {section: value_in(whole)}


async def test_the_brief_has_the_path_of_the_first_e_mail(client: Client[Any], run_id: str) -> None:
    brief = (await call(client, "get_run", run_id=run_id, section="brief"))["section"]["brief"]
    first = await call(client, "get_run", run_id=run_id, section=brief["email"])

    assert first["section"][brief["email"]]["subject"] == "80% without calls"


NO_PARTS = (
    (
        "battle_cards.prices",
        "choose one of why_we_win, objection_handling, competitive_positioning, or an index from 0 to 2",
    ),
    ("email_sequences.0.touches.4", "choose an index from 0 to 3"),
    ("email_sequences.0.touches.99999999999999999999", "choose an index from 0 to 3"),
    ("email_sequences.0.touches.-1", "choose an index from 0 to 3"),
    ("fit.price", "choose one of value_map, stack_overlap, reasons_against, when_not_to_sell"),
    ("talk_tracks.persona-9", "choose one of persona-1, persona-2, persona-3, or an index from 0 to 2"),
    ("prospect_intelligence.signals.0", "it is empty"),
    ("brief.date.year", "this value has no parts"),
    ("evidence.nothing", "and 4 more"),
)


@pytest.mark.parametrize(
    ("section", "message"), sampled(NO_PARTS, lambda part: part[0].startswith(("battle", "brief")))
)
async def test_the_error_about_an_unknown_part_lists_the_existing_ones(
    section: str, message: str, client: Client[Any], run_id: str
) -> None:
    text = await complaint(client, "get_run", run_id=run_id, section=section)

    assert text.startswith(f"[unknown_name] {section!r} has no part")
    assert repr(section.rpartition(".")[2]) in text
    assert message in text


@pytest.mark.parametrize("persona", ["2", 2, "persona-2", "Head of Data", " head of  DATA"])
async def test_a_persona_is_selected_by_its_number_its_id_or_its_title(
    persona: str | int, client: Client[Any], run_id: str, whole: dict[str, Any]
) -> None:
    for section in PERSONA_IN:
        answer = await call(client, "get_run", run_id=run_id, section=section, persona=persona)
        assert answer["section"] == {section: [whole[section][1]]}


@pytest.mark.long
async def test_a_persona_is_selected_by_the_name_of_its_contact(client: Client[Any], run_id: str) -> None:
    answer = await call(client, "get_run", run_id=run_id, section="talk_tracks", persona="Marit Janssen")

    assert [track["persona_id"] for track in answer["section"]["talk_tracks"]] == ["persona-1"]


async def test_a_persona_is_selected_by_the_name_of_its_contact_without_the_job_title(finished: Finished) -> None:
    async with Client(make()) as client:
        report = await call(client, "get_run", run_id=finished.run_id, section="priority_personas")
        [persona] = [one for one in report["section"]["priority_personas"] if "," in (one["contact"] or "")][:1]
        name = persona["contact"].partition(",")[0]
        answer = await call(client, "get_run", run_id=finished.run_id, section="priority_personas", persona=name)

    assert [one["id"] for one in answer["section"]["priority_personas"]] == [persona["id"]]


async def test_indexes_with_a_persona_count_only_the_entries_of_that_persona(
    client: Client[Any], run_id: str, whole: dict[str, Any]
) -> None:
    section = "talk_tracks.0.close"
    answer = await call(client, "get_run", run_id=run_id, section=section, persona="3")

    assert answer["section"] == {section: whole["talk_tracks"][2]["close"]}


async def test_without_a_section_a_persona_is_returned_with_its_e_mails(
    client: Client[Any], run_id: str, whole: dict[str, Any]
) -> None:
    answer = await call(client, "get_run", run_id=run_id, persona="1")

    assert answer["section"] == {name: [whole[name][0]] for name in ("priority_personas", "email_sequences")}


async def test_the_error_about_an_unknown_persona_lists_the_existing_ones(client: Client[Any], run_id: str) -> None:
    text = await complaint(client, "get_run", run_id=run_id, section="talk_tracks", persona="CFO")

    assert text == (
        "[unknown_name] unknown persona 'CFO'; choose one of 1 (persona-1, Chief Product Officer), "
        "2 (persona-2, Head of Data), 3 (persona-3, VP Engineering)"
    )


async def test_a_section_about_the_whole_deal_cannot_be_limited_to_a_persona(client: Client[Any], run_id: str) -> None:
    text = await complaint(client, "get_run", run_id=run_id, section="fit.value_map", persona="1")

    assert text.startswith("[invalid_input] persona: 'fit' is for the whole deal")
    assert "talk_tracks" in text


async def test_one_short_call_returns_the_e_mails_for_the_first_persona_as_markdown(
    client: Client[Any], run_id: str
) -> None:
    answer = await call(client, "get_run", run_id=run_id, **FIRST_E_MAILS)
    text = answer["markdown"]

    assert tokens(answer) < 2500
    assert answer["section"] is None
    assert not answer["files"]
    assert not answer["links"]
    for touch in deal_playbook().email_sequences[0].touches:
        assert f"Day {touch.day}" in text
        assert f"Subject: {touch.subject}" in text
        assert f"```text\n{touch.body}\n```" in text
        assert f"({touch.call_to_action.label}): {touch.call_to_action.text}" in text
    assert "Make this first: A list of the fields of the public booking form" in text
    assert "Alternative opening, without a date: You are hiring your first Senior Product Analyst." in text
    assert "Data" not in text


def test_the_markdown_of_an_e_mail_says_what_to_check_before_sending() -> None:
    playbook = deal_playbook()
    sequence = playbook.email_sequences[0]
    first, *others = sequence.touches
    doubt = Support(verdict="partly", judge="rules", reason="the page is about somebody else")
    stated = next(sentence for sentence in first.sentences if sentence.kind == "fact")
    sentences = tuple(
        sentence.model_copy(update={"support": doubt}) if sentence is stated else sentence
        for sentence in first.sentences
    )
    touched = first.model_copy(update={"sentences": sentences, "personalisation": ("See who signs today.",)})
    sequences = (sequence.model_copy(update={"touches": (touched, *others)}), *playbook.email_sequences[1:])

    text = read(playbook.model_copy(update={"email_sequences": sequences}), "email_sequences", "1")

    assert "Note for you: See who signs today." in text
    check = re.search(r"^- Check first: (.*)$", text, re.MULTILINE)
    assert check
    assert check[1].startswith(stated.text)
    assert "partly supported: the page is about somebody else" in check[1]


async def test_each_quotation_is_listed_once_with_the_title_the_url_and_the_date_of_its_page(
    client: Client[Any], run_id: str
) -> None:
    playbook = deal_playbook()
    text = (await call(client, "get_run", run_id=run_id, **FIRST_E_MAILS))["markdown"]
    touches = playbook.email_sequences[0].touches
    sentences = [sentence for touch in touches for sentence in (*touch.sentences, *touch.second_opening)]
    cited = {id_ for sentence in sentences for id_ in sentence.evidence}

    for quote in (playbook.evidence[id_].quote for id_ in cited):
        assert text.count(f"“{quote}”") == 1
    assert text.count("https://www.kestrel-freight.example/en/news/self-service") == 1
    assert (
        "“By the end of 2027 we want 80% of all bookings to be made in the portal without a call.” (Kestrel Freight "
        "sets its course for self-service, 2026-09-30, https://www.kestrel-freight.example/en/news/self-service)"
    ) in text
    assert "(Pricing | Lumenboard, undated, https://lumenboard.example/pricing)" in text


def wordy(evidence: Evidence, number: int) -> Evidence:
    """Return the evidence with a quotation of 100 words, a long page title and a long URL."""
    words = " ".join(f"{evidence.quote.split()[0]} went through {number} and more of them before".split() * 10)
    address = f"{evidence.url.rstrip('/')}/{'-'.join(words.lower().split()[:12])}?utm_campaign={'x' * 90}&n={number}"
    return evidence.model_copy(update={"quote": f"{words}.", "url": address, "page_title": f"{words}"})


def citing(touch: Touch, ids: Sequence[str]) -> Touch:
    return touch.model_copy(update={"sentences": (*touch.sentences, fact("And more.", *ids)), "second_opening": ()})


async def test_long_quotations_and_urls_are_shortened_so_that_four_e_mails_stay_short(client: Client[Any]) -> None:
    playbook = deal_playbook()
    evidence = {id_: wordy(item, number) for number, (id_, item) in enumerate(playbook.evidence.items())}
    sequence = playbook.email_sequences[0]
    touches = tuple(citing(touch, [*evidence][4 * at : 4 * at + 4]) for at, touch in enumerate(sequence.touches))
    sequences = (sequence.model_copy(update={"touches": touches}),)
    run_id = await stored(playbook.model_copy(update={"evidence": evidence, "email_sequences": sequences}))
    answer = await call(client, "get_run", run_id=run_id, **FIRST_E_MAILS)

    assert tokens(answer) < 2500
    assert len(re.findall(r"^- \[\d+\] “.* …” \(", answer["markdown"], re.MULTILINE)) >= 16
    assert "utm_campaign" not in answer["markdown"]


async def test_the_markdown_of_the_brief_ends_with_the_first_e_mail(client: Client[Any], run_id: str) -> None:
    answer = await call(client, "get_run", run_id=run_id, format="markdown")
    text = answer["markdown"]

    assert tokens(answer) < 1500
    assert text.index("**Call:** Marit Janssen, Chief Product Officer") < text.index("**Why now (2026-09-30):**")
    assert "**Say first:** Half of your bookings" in text
    assert "**Beware**\n- Do not say 'migration'" in text
    assert "Subject: 80% without calls" in text


def test_an_old_playbook_without_a_brief_returns_its_summary() -> None:
    old = sample_playbook().model_copy(update={"brief": None, "schema_version": 1})
    assert read(old).startswith("## Executive summary\n\n**Whom to approach:** Start with Marit Janssen")


@pytest.mark.parametrize(
    "playbook", [deal_playbook(), sample_playbook(), outlined_playbook()], ids=["new", "old", "outline"]
)
def test_the_markdown_of_each_section_has_no_codes_ids_or_empty_fields(playbook: Playbook) -> None:
    for name in SECTIONS:
        text = read(playbook, name)
        assert text.startswith("## ")
        assert not re.search(
            r"\b(None|True|False|\(\)|v_[a-z]+|p_[a-z]+|persona-\d|[a-z]+_[a-z]+)\b", without_names(text)
        )
        assert "{" not in re.sub(r"\{\{\w+\}\}", "", text)


def without_names(text: str) -> str:
    """Return the text without placeholders, URLs, and paths such as `vendor_elements.offerings`."""
    return re.sub(r"\{\{\w+\}\}|https?://\S+|\((?:vendor_elements|prospect_intelligence)\.\w+", "", text)


@pytest.mark.parametrize(("section", "value_in"), PARTS)
def test_each_part_has_markdown(section: str, value_in: Callable[[dict[str, Any]], Any]) -> None:
    playbook = deal_playbook()
    value = value_in(playbook.model_dump(mode="json"))
    text = read(playbook, section)

    assert len(text.splitlines()) > 1
    assert not isinstance(value, str) or value[:10] in text


def test_an_empty_section_says_so_and_what_would_fill_it() -> None:
    playbook = sample_playbook().model_copy(update={"battle_cards": ()})

    assert read(playbook, "battle_cards") == (
        "## Battle cards\n\nThis section is empty.\n\n- A claim about a competitor had no source and was left out "
        "(battle cards, dropped by check)\n  - Would fill: A dated comparison page."
    )


def test_a_quotation_that_two_pieces_of_evidence_share_is_listed_once() -> None:
    playbook = sample_playbook()
    again = playbook.evidence["p_goal"].model_copy(update={"id": "p_goal_again"})
    text = read(playbook.model_copy(update={"evidence": playbook.evidence | {"p_goal_again": again}}), "evidence")

    assert text == read(playbook, "evidence")


def test_an_outline_is_marked_as_not_finished() -> None:
    text = read(outlined_playbook(), "email_sequences", "1")

    assert "Day 1, outline" in text
    assert "not finished copy" in text
    assert "- You want 80% of bookings made in the portal by the end of 2027. [1]" in text


def test_a_line_that_is_a_quotation_is_not_repeated_in_its_reference() -> None:
    playbook = outlined_playbook()
    quote = playbook.evidence["p_today"].quote
    touch = playbook.email_sequences[0].touches[0].model_copy(update={"sentences": (fact(f"“{quote}”", "p_today"),)})
    sequence = playbook.email_sequences[0].model_copy(update={"touches": (touch,)})
    text = read(playbook.model_copy(update={"email_sequences": (sequence,)}), "email_sequences")

    assert f"- “{quote}” [1]\n  - [1] (Kestrel Freight sets its course for self-service, 2026-09-30, " in text
    assert text.count(quote) == 1


def test_inferences_and_doubtful_claims_are_marked() -> None:
    playbook = sample_playbook()
    reason = playbook.battle_cards[0].model_dump()["reasons"][0]
    doubted = reason | {"support": {"verdict": "partly", "judge": "rules", "reason": "it says some"}}
    card = playbook.battle_cards[0].model_dump() | {"reasons": [doubted]}
    changed = Playbook.model_validate(playbook.model_dump() | {"battle_cards": [card]})

    assert "Events never leave Kestrel's network. [1] (partly supported: it says some)" in read(changed, "battle_cards")
    assert "*Inference:* A forwarder's portal seems" in read(playbook, "battle_cards.why_we_win")


def test_text_of_a_page_is_escaped_so_that_it_makes_no_link_code_or_line() -> None:
    name = "Ann ![x](https://evil.example/a) <img src=x> ```\n# Lee\u202e"
    person = CompanyPerson(
        company="prospect", name=name, title=None, where="team", employer=None, date="undated", evidence=("p_team",)
    )
    text = read(sample_playbook().model_copy(update={"people": (person,)}), "people")

    assert r"- **Ann ![x\](https://evil.example/a) \<img src=x> \`\`\` # Lee**" in text


def test_an_e_mail_with_a_code_fence_in_it_gets_a_longer_fence() -> None:
    playbook = deal_playbook()
    sequence = playbook.email_sequences[0]
    touch = sequence.touches[0].model_copy(update={"body": "Hi,\n```\nnot the end"})
    sequences = (sequence.model_copy(update={"touches": (touch,)}),)

    text = read(playbook.model_copy(update={"email_sequences": sequences}), "email_sequences")
    assert "````text\nHi,\n```\nnot the end\n````" in text


def test_a_text_is_shortened_between_words() -> None:
    assert shortened("Half of the bookings", 20) == "Half of the bookings"
    assert shortened("Half of the bookings", 15) == "Half of the …"
    assert plain("a\n  b") == "a b"


async def test_long_markdown_is_paged_by_cursor(
    client: Client[Any], run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octave_mcp.tools.playbooks.SECTION_CHARACTERS", 2_000)
    asked = {"run_id": run_id, "section": "vendor_elements", "format": "markdown"}
    answer = await call(client, "get_run", **asked)
    pieces = [answer["markdown"]]
    while answer["cursor"]:
        answer = await call(client, "get_run", **asked, cursor=answer["cursor"])
        pieces.append(answer["markdown"])

    assert len(pieces) > 2
    assert all(len(piece) < 2_200 for piece in pieces)
    assert "\n".join(pieces) == read(deal_playbook(), "vendor_elements")


async def test_the_report_summarises_the_brief_and_stays_short(client: Client[Any], run_id: str) -> None:
    report = await call(client, "get_run", run_id=run_id)

    assert report["overview"]["summary"] == (
        "Call: Marit Janssen, Chief Product Officer\n\n"
        "Why now (2026-09-30): Kestrel wants 80% of bookings in the portal by the end of 2027. "
        "Someone has to find the steps that lose people.\n\n"
        "Say first: Half of your bookings still end on the telephone: which step sends them there?"
    )
    assert report["overview"]["section_tokens"].keys() == {*SECTIONS}
    assert tokens(report) < 2000


async def test_http_returns_the_same_parts_and_markdown_as_mcp(run_id: str) -> None:
    asked: tuple[dict[str, str], ...] = (
        FIRST_E_MAILS,
        {"format": "markdown"},
        {"persona": "Head of Data"},
        {"section": "battle_cards.why_we_win"},
        {"section": "people.Marit Janssen", "format": "markdown"},
    )
    async with Client(make()) as client:
        over_mcp = [await call(client, "get_run", run_id=run_id, **arguments) for arguments in asked]
    async with serving() as http:
        over_http = [(await http.get(f"/runs/{run_id}", params=arguments)).json() for arguments in asked]
        wrong = await http.get(f"/runs/{run_id}", params={"format": "yaml"})

    same = ("run_id", "status", "section", "markdown", "cursor")
    assert [[report[name] for name in same] for report in over_http] == [
        [report[name] for name in same] for report in over_mcp
    ]
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_input")
    assert wrong.json()["detail"] == "format: Input should be 'json' or 'markdown'"
