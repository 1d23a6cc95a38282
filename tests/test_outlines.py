"""Without a model that can write sales copy, a playbook has outlines, which are labelled quotations."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import cast

import pytest
from conftest import Pair
from fastmcp import Client
from playbooks import export
from scripted import (
    PROSPECT,
    PROSPECT_TEXTS,
    VENDOR,
    VENDOR_TEXTS,
    ScriptedSource,
    Stage,
    Written,
    fact,
    pages,
    parts_of,
    written,
)
from test_mcp import ERAS, Era
from test_pipeline import DEMO_PROSPECT, DEMO_VENDOR, demo_stage
from web import serving

from octave_mcp.copywriting.outlines import HOW, TITLE
from octave_mcp.domain.cards import CompetitivePositioningCard, ObjectionHandlingCard
from octave_mcp.domain.page import HeadFact
from octave_mcp.domain.playbook import Playbook, Touch
from octave_mcp.domain.sentence import Sentence
from octave_mcp.errors import SetupError
from octave_mcp.evidence.figures import figures
from octave_mcp.models.extractive import outlines
from octave_mcp.surfaces.mcp import server

OWN_STORY = """# Quillport saved 55 nights with Lumenforge

Quillport had drilled twice for every third lamp.

With the planner of Lumenforge, Quillport lit 2 yards and saved 55 nights."""
THEIR_STORY = """# How Lumenforge commutes with Quillport

Lumenforge is a customer of Quillport since 2021. Its crews take the ferry to every island."""
CUSTOMER = "Which of your teams handle "

# Completed runs, by the arguments of `written_about`, and the run of `demo`. Tests must not change these runs, because
# other tests use them, too.
WRITTEN: dict[str, Written] = {}


async def written_about(
    home: Path,
    vendor: dict[str, str] | None = None,
    prospect: dict[str, str] | None = None,
    context: str = "",
    facts: tuple[HeadFact, ...] = (),
) -> Written:
    """Return a run by the extractive model about the two invented companies.

    `vendor`: pages that are added to the vendor's site, or that replace pages with the same path.

    `facts`: structured data in the prospect's pages.
    """
    key = repr((vendor, prospect, context, facts))
    if key not in WRITTEN:
        sites = {
            VENDOR: pages(VENDOR, VENDOR_TEXTS | (vendor or {}), name="Lumenforge"),
            PROSPECT: pages(PROSPECT, PROSPECT_TEXTS if prospect is None else prospect, name="Quillport", facts=facts),
        }
        stage = Stage(home, source=ScriptedSource(sites))
        WRITTEN[key] = await written(stage, model="extractive", context=context)
    return WRITTEN[key]


async def playbook_of(
    home: Path,
    vendor: dict[str, str] | None = None,
    prospect: dict[str, str] | None = None,
    facts: tuple[HeadFact, ...] = (),
) -> Playbook:
    return (await written_about(home, vendor, prospect, facts=facts)).playbook


async def demo(home: Path) -> Written:
    if DEMO_VENDOR not in WRITTEN:
        asked = {"vendor": DEMO_VENDOR, "prospect": DEMO_PROSPECT, "model": "extractive"}
        WRITTEN[DEMO_VENDOR] = await written(demo_stage(home), **asked)
    return WRITTEN[DEMO_VENDOR]


def touches(playbook: Playbook) -> list[Touch]:
    return [touch for sequence in playbook.email_sequences for touch in sequence.touches]


def labels(touch: Touch) -> list[str]:
    return [sentence.text.partition(":")[0] for sentence in touch.sentences]


async def test_a_run_of_the_extractive_model_completes_with_outlines_without_scores(tmp_path: Path) -> None:
    run = await demo(tmp_path)
    playbook = run.playbook

    assert run.record.status == "completed"
    outlined = (*touches(playbook), *playbook.talk_tracks)
    assert {part.kind for part in (*outlined, playbook.executive_summary)} == {"outline"}
    assert {card.form for card in playbook.battle_cards} == {"outline"}
    assert not any(part.score for part in (*outlined, *playbook.battle_cards))
    assert len(playbook.email_sequences) == len(playbook.talk_tracks) == len(playbook.priority_personas) == 3
    assert all(1 <= len(sequence.touches) <= 4 for sequence in playbook.email_sequences)


async def test_an_outline_consists_of_labelled_lines_without_greeting_or_signature(tmp_path: Path) -> None:
    for touch in touches((await demo(tmp_path)).playbook):
        assert labels(touch) == ["Their line", "Our proof", "The question", "The ask"]
        assert touch.body == "\n\n".join(sentence.text for sentence in touch.sentences)
        assert touch.sentences[-1].text == f"The ask: {touch.call_to_action.text}"
        assert "{{" not in touch.body
        assert not re.search(r"\b(?:Hi|Hello|Dear|Regards)\b", touch.body)


async def test_no_two_touches_combine_the_same_line_and_proof_if_there_are_enough(tmp_path: Path) -> None:
    pairs = [tuple(s.text for s in touch.sentences if s.evidence) for touch in touches((await demo(tmp_path)).playbook)]

    assert len(pairs) == len(set(pairs)) > 3


async def test_a_sequence_uses_each_line_and_each_proof_once(tmp_path: Path) -> None:
    for sequence in (await demo(tmp_path)).playbook.email_sequences:
        statements = [sentence.text for touch in sequence.touches for sentence in touch.sentences if sentence.evidence]
        assert len(statements) == len(set(statements))


async def test_every_statement_has_evidence_and_every_quotation_occurs_on_its_page(tmp_path: Path) -> None:
    run = await demo(tmp_path)
    sentences = cast("list[Sentence[str]]", [p for p in parts_of(run.playbook) if isinstance(p, Sentence)])

    assert sentences
    assert [s.text for s in sentences if s.kind in {"fact", "inference"} and not s.evidence] == []
    for sentence in sentences:
        cited = [run.playbook.evidence[i] for i in sentence.evidence]
        stored = " ".join(" ".join((run.texts[e.page_sha256] or "").split()) for e in cited)
        for quotation in re.findall(r"“([^”]+)”", sentence.text):
            assert quotation in stored
        assert figures(sentence.text) <= figures(" ".join(e.quote for e in cited))


async def test_missing_advice_is_a_gap_that_says_which_models_can_write_it(tmp_path: Path) -> None:
    playbook = (await demo(tmp_path)).playbook

    assert playbook.quick_wins == ()
    assert playbook.success_metrics == ()
    gaps = {gap.section: gap for gap in playbook.gaps if gap.code == "not_written"}
    assert gaps.keys() == {"quick_wins", "success_metrics"}
    assert all("'host'" in gap.would_fill and "OPENAI_API_KEY" in gap.would_fill for gap in gaps.values())


async def test_an_objection_is_listed_only_if_the_vendors_pages_answer_it(tmp_path: Path) -> None:
    def objections(playbook: Playbook) -> dict[str, tuple[str, ...]]:
        (card,) = [card for card in playbook.battle_cards if isinstance(card, ObjectionHandlingCard)]
        assert not any(objection.no_proof_yet for objection in card.objections)
        return {
            objection.objection: tuple(sentence.text for sentence in objection.answer) for objection in card.objections
        }

    found = objections((await demo(tmp_path)).playbook)
    assert "Depot: Price: $690 per month" in found["What does it cost?"]
    assert "We use Routemoor." in found

    bare = {path: "# Lumenforge\n\nLight." for path in VENDOR_TEXTS if path not in {"/", "/product/planner"}}
    assert objections(await playbook_of(tmp_path, bare)) == {}


async def test_a_persona_has_the_goals_that_the_vendors_pages_state_for_its_title(tmp_path: Path) -> None:
    goals = {p.title: [goal.text for goal in p.goals] for p in (await demo(tmp_path)).playbook.priority_personas}

    assert goals["VP of Operations"][0] == "“Keep more windows while the number of stops grows.”"
    assert goals["VP of Engineering"] == []


async def test_goals_that_no_page_states_are_a_gap(tmp_path: Path) -> None:
    playbook = await playbook_of(tmp_path)

    assert not any(persona.goals for persona in playbook.priority_personas)
    assert "priority_personas.goals" in {gap.section for gap in playbook.gaps if gap.code == "not_written"}


async def test_a_certificate_answers_the_objection_about_standards(tmp_path: Path) -> None:
    certificate = "We are SOC 2 Type II certified."
    playbook = await playbook_of(tmp_path, {"/security": f"# Security\n\n{certificate}"})

    (card,) = [card for card in playbook.battle_cards if isinstance(card, ObjectionHandlingCard)]
    answers = {objection.objection: [sentence.text for sentence in objection.answer] for objection in card.objections}
    assert answers["Which standards do you meet?"] == [f"“{certificate}”"]


async def test_a_card_says_that_no_concession_was_found(tmp_path: Path) -> None:
    playbook = await playbook_of(tmp_path)

    (card,) = [card for card in playbook.battle_cards if isinstance(card, CompetitivePositioningCard)]
    assert card.where_they_win_note.startswith("No point where a competitor is ahead was found")


async def test_a_first_approach_asks_about_the_need_that_line_and_proof_have_in_common(tmp_path: Path) -> None:
    playbook = (await demo(tmp_path)).playbook
    first = touches(playbook)[0]

    assert first.subject == "Manual work"
    assert first.sentences[2].text == "The question: Which work do you still do by hand?"
    assert "The outline that fits: a first approach." in {s.text for s in playbook.executive_summary.how_to_engage}


async def test_an_outline_for_a_customer_opens_with_that_relation_and_takes_no_proof_from_its_story(
    tmp_path: Path,
) -> None:
    playbook = await playbook_of(tmp_path, {"/customers/quillport": OWN_STORY})
    firsts = [sequence.touches[0] for sequence in playbook.email_sequences]

    known = "What they know of us: Quillport is a customer of Lumenforge: “Quillport saved 55 nights with Lumenforge”."
    assert {touch.sentences[0].text for touch in firsts} == {known}
    assert all(touch.sentences[-2].text.startswith(f"The question: {CUSTOMER}") for touch in firsts)
    assert {touch.call_to_action.text for touch in touches(playbook)} == {"An introduction to one of these teams."}
    assert not any("55 nights" in s.text for touch in touches(playbook) for s in touch.sentences[1:])
    assert playbook.executive_summary.whom_to_approach[0].text.startswith("Quillport is a customer of Lumenforge")


async def test_a_demo_for_a_customer_shows_nothing_that_its_own_story_names(tmp_path: Path) -> None:
    def shown(playbook: Playbook) -> set[str]:
        values = [row.capability.text for track in playbook.talk_tracks for row in track.value_map]
        return {*values, *(point.show for track in playbook.talk_tracks for point in track.demo_points)}

    planner = {"/product/planner": "# Planner\n\nThe planner lets the light of a hall grow with its work."}
    assert any("Planner" in text for text in shown(await playbook_of(tmp_path, planner)))
    playbook = await playbook_of(tmp_path, planner | {"/customers/quillport": OWN_STORY})
    assert not any("Planner" in text for text in shown(playbook))


async def test_an_outline_for_a_customer_without_a_story_mentions_none(tmp_path: Path) -> None:
    wall = "# Customers\n\n## Trusted by\n\nLOGOS Quillport, Tidewell"
    first = touches(await playbook_of(tmp_path, {"/customers": wall}))[0]

    assert first.sentences[0].text == "What they know of us: Quillport is a customer of Lumenforge."


async def test_an_outline_for_a_supplier_opens_with_its_own_story(tmp_path: Path) -> None:
    prospect = PROSPECT_TEXTS | {"/customers/lumenforge": THEIR_STORY}
    playbook = await playbook_of(tmp_path, prospect=prospect)
    first = touches(playbook)[0]

    known = "What we know of them: Lumenforge is a customer of Quillport: “How Lumenforge commutes with Quillport”."
    assert first.sentences[0].text == known
    assert first.call_to_action.text == "An introduction from the people at Quillport who work with Lumenforge."
    assert known in {sentence.text for sentence in playbook.talk_tracks[0].cold_call.opener}


async def test_an_outline_without_a_proof_has_the_vendors_promise_and_says_so(tmp_path: Path) -> None:
    bare = {path: "# Lumenforge\n\nLight." for path in VENDOR_TEXTS if path != "/"}
    first = touches(await playbook_of(tmp_path, bare))[0]

    assert "Our promise (no proof was found)" in labels(first)
    assert "Our proof" not in labels(first)


async def test_an_outline_without_a_line_of_the_prospect_has_only_the_proof(tmp_path: Path) -> None:
    playbook = await playbook_of(tmp_path, prospect={"/": "# Quillport\n\nFerries."})

    assert touches(playbook)
    assert all(labels(touch) == ["Our proof", "The question", "The ask"] for touch in touches(playbook))
    assert "No line of theirs was found" in playbook.executive_summary.why_now[0].text


def test_the_error_about_a_malformed_outline_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "outlines"
    folder.mkdir()
    (folder / "cold.md").write_text("# A first approach\n\nTheir line: {{ line }}\n")
    monkeypatch.setattr(outlines, "ROOT", tmp_path)

    with pytest.raises(SetupError, match=r"outline .*cold\.md has no line for If not now, The ask, The question; add"):
        outlines.outline.__wrapped__("cold")
    with pytest.raises(SetupError, match="cannot read outline"):
        outlines.outline.__wrapped__("existing_customer")


@pytest.mark.parametrize("mode", ERAS)
async def test_over_mcp_the_next_step_says_that_the_playbook_is_an_outline(mode: Era, pair: Pair) -> None:
    async with Client(server.make(), mode=mode, timeout=3600) as client:
        run = (await client.call_tool("generate_playbook", pair.few)).data
        while run.status not in {"completed", "partial", "failed"}:
            run = (await client.call_tool("get_run", {"run_id": run.run_id})).data

    assert run.status == "completed"
    assert run.next.endswith(f"{TITLE}. {HOW}")


async def test_over_http_the_overview_and_the_next_step_say_that_the_playbook_is_an_outline(pair: Pair) -> None:
    async with serving() as web:
        report = (await web.post("/runs", json=pair.few | {"wait_seconds": 600})).json()

    assert report["status"] == "completed"
    assert report["overview"]["outline"] == f"{TITLE}. {HOW}"
    assert report["next"].endswith(report["overview"]["outline"])


async def test_markdown_and_html_start_with_the_note_that_the_playbook_is_an_outline(tmp_path: Path) -> None:
    playbook = (await demo(tmp_path)).playbook
    title, _, second, *_ = export("markdown").render(playbook).splitlines()
    html = export("html").render(playbook)

    assert title == "# Wrenhaul → Hearthwain playbook"
    assert second.startswith("**Outline: you or a model must write the final text.** ")
    assert html.index("Outline: you or a model must write the final text") < html.index('class="meta"')
    assert "E-mail sequences" not in html
    assert "Copy body" not in html
    _, emails = html.split('<section id="emails">')
    assert emails.count("Copy outline") == len(touches(playbook))
    assert emails.count('data-copy="Outline: you or a model must write the final text') == len(touches(playbook))
    assert "*Open question:* The question: " not in export("markdown").render(playbook)
    assert "/ 100" not in html
    assert "Score:" not in export("markdown").render(playbook)


FOUNDERS = ("Ada Lovering, Tom Flockton", "Ada Lovering")


async def test_an_employee_of_the_prospect_whom_the_vendor_quotes_comes_before_every_persona(tmp_path: Path) -> None:
    praise = "> “Lumenforge is the best tool we have for our yards.”\n> — Cay Holm, Head of Works, Quillport"
    playbook = await playbook_of(tmp_path, {"/customers/quillport": f"{OWN_STORY}\n\n{praise}"})

    facts = [sentence for sentence in playbook.executive_summary.whom_to_approach if sentence.kind == "fact"]
    assert playbook.executive_summary.whom_to_approach[: len(facts)] == tuple(facts)
    assert facts[-1].text == "Cay Holm, Head of Works at Quillport, is quoted on Lumenforge's own pages."
    assert "best tool" in " ".join(playbook.evidence[i].quote for i in facts[-1].evidence)


@pytest.mark.parametrize("founders", FOUNDERS)
async def test_founders_that_the_site_names_are_the_contact(tmp_path: Path, founders: str) -> None:
    texts = {path: PROSPECT_TEXTS[path] for path in ("/", "/about")}
    playbook = await playbook_of(tmp_path, prospect=texts, facts=(fact("Founders", founders),))

    founder = next(persona for persona in playbook.priority_personas if persona.function == "leadership")
    assert founder.title == "Founder"
    assert not founder.inferred
    assert founder.contact == f"{founders.replace(', ', ' or ')}, Founder"
    assert founders in {playbook.evidence[i].quote for i in founder.why_they_care.evidence}


async def test_technology_implies_an_engineering_buyer_but_customers_do_not_imply_a_sales_buyer(tmp_path: Path) -> None:
    home = "# Quillport\n\nOur customers sail on every coast of the north. We want to ship every ferry faster."
    about = "# About\n\nOur planning runs on Kubernetes and PostgreSQL. We build our tools in Python and Rust."
    playbook = await playbook_of(tmp_path, prospect={"/": home, "/about": about})

    functions = {persona.function for persona in playbook.priority_personas}
    assert "engineering" in functions
    assert "sales" not in functions


async def test_the_context_decides_which_proof_comes_first(tmp_path: Path) -> None:
    playbook = (await written_about(tmp_path, context="Tidewell's halls, lit in one summer")).playbook

    proofs = [s.text for s in chain.from_iterable(touch.sentences for touch in touches(playbook)[:1])]
    assert any("Tidewell" in text for text in proofs)
