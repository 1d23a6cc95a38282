"""What the extractive model writes: each e-mail is of one piece, and fits what the two companies are to each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matrix import sampled
from scripted import PROSPECT, PROSPECT_TEXTS, VENDOR, VENDOR_TEXTS, ScriptedSource, Stage, pages
from test_pipeline import DEMO_PROSPECT, DEMO_VENDOR, demo_stage

from octave_mcp.domain.playbook import (
    CompetitivePositioningCard,
    ObjectionHandlingCard,
    Playbook,
    Touch,
)
from octave_mcp.models.extractive.cues import NEED_TITLES, NEED_WORDS

OWN_STORY = """# Quillport saved 55 nights with Lumenforge

Quillport had drilled twice for every third lamp.

With the planner of Lumenforge, Quillport lit 2 yards and saved 55 nights."""
COLD = re.compile(r"not at all|one of our customers|one thing of ours|leave it there|close this|pitch", re.IGNORECASE)


MADE: dict[str, Playbook] = {}
"""Playbooks made so far, each shared by all tests that read it."""


async def playbook_of(
    tmp_path: Path, vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None
) -> Playbook:
    key = repr((vendor, prospect))
    if key not in MADE:
        MADE[key] = await written(tmp_path, vendor, prospect)
    return MADE[key]


async def written(tmp_path: Path, vendor: dict[str, str] | None, prospect: dict[str, str] | None) -> Playbook:
    source = ScriptedSource(
        {
            VENDOR: pages(VENDOR, VENDOR_TEXTS | (vendor or {}), name="Lumenforge"),
            PROSPECT: pages(PROSPECT, PROSPECT_TEXTS if prospect is None else prospect, name="Quillport"),
        }
    )
    return await Stage(tmp_path, source=source).playbook(model="extractive")


async def demo_playbook(tmp_path: Path) -> Playbook:
    if DEMO_VENDOR not in MADE:
        MADE[DEMO_VENDOR] = await demo_stage(tmp_path).playbook(
            vendor=DEMO_VENDOR, prospect=DEMO_PROSPECT, model="extractive"
        )
    return MADE[DEMO_VENDOR]


def touches(playbook: Playbook) -> list[Touch]:
    return [touch for sequence in playbook.email_sequences for touch in sequence.touches]


def objections(playbook: Playbook) -> dict[str, tuple[str, ...]]:
    card = next(card for card in playbook.battle_cards if isinstance(card, ObjectionHandlingCard))
    return {objection.objection: tuple(said.text for said in objection.answer) for objection in card.objections}


# A customer


async def test_no_email_to_a_customer_talks_as_to_a_stranger(tmp_path: Path) -> None:
    playbook = await playbook_of(tmp_path, {"/customers/quillport": OWN_STORY})
    sent = touches(playbook)
    assert sent
    assert not [touch.subject for touch in sent if COLD.search(f"{touch.subject}\n{touch.body}")]
    assert all("Quillport is a customer of Lumenforge already" in track.pitch[0].text for track in playbook.talk_tracks)


async def test_a_customer_is_offered_nothing_that_its_own_story_names(tmp_path: Path) -> None:
    offered = await playbook_of(tmp_path / "cold")
    assert any("Planner" in touch.body for touch in touches(offered))

    playbook = await playbook_of(tmp_path / "known", {"/customers/quillport": OWN_STORY})
    assert any("Audit" in touch.body for touch in touches(playbook))
    assert not any("Planner" in f"{touch.subject}\n{touch.body}" for touch in touches(playbook))
    assert not any(point.show == "Planner" for track in playbook.talk_tracks for point in track.demo_points)


async def test_a_customer_without_a_story_is_not_told_of_one(tmp_path: Path) -> None:
    wall = "# Customers\n\n## Trusted by\n\nLogos: Quillport, Tidewell"
    playbook = await playbook_of(tmp_path, {"/customers": wall})
    assert "existing_customer" in {flag.code for flag in playbook.flags}
    first = touches(playbook)[0].body
    assert "You know us: Quillport is a Lumenforge customer. " in first
    assert "story" not in first


# A prospect that says next to nothing


async def test_a_prospect_with_little_to_read_is_not_told_so(tmp_path: Path) -> None:
    playbook = await playbook_of(tmp_path, prospect={"/": "# Quillport\n\nFerries."})
    sent = touches(playbook)
    assert sent
    assert not any(re.search(r"\b(?:site|pages?|read|guessing)\b", touch.body) for touch in sent)
    assert any("put your own reason" in note for note in sent[0].personalisation)
    assert all("Your site says" not in said.text for track in playbook.talk_tracks for said in track.cold_call.opener)


# One thing in each e-mail


async def test_a_first_subject_that_names_a_need_is_about_what_the_email_says(tmp_path: Path) -> None:
    playbook = await demo_playbook(tmp_path)
    named = 0
    for sequence in playbook.email_sequences:
        first = sequence.touches[0]
        for need, title in NEED_TITLES.items():
            if title.casefold() in first.subject.casefold():
                named += 1
                assert NEED_WORDS[need] in first.body
    assert named


async def test_nothing_is_guessed_from_a_line_that_speaks_of_no_need(tmp_path: Path) -> None:
    home = "# Quillport\n\nQuillport is a yard on the north shore."
    playbook = await playbook_of(tmp_path, prospect={"/": home, "/about": "# About\n\nWe are 380 people in two yards."})
    first = touches(playbook)[0]
    assert "“" in first.body
    assert not any(words in first.body for words in NEED_WORDS.values())
    assert first.subject == "Lumenforge and Quillport"


async def test_a_first_email_says_what_the_sender_sells(tmp_path: Path) -> None:
    playbook = await demo_playbook(tmp_path)
    for sequence in playbook.email_sequences:
        assert re.search(r"Wrenhaul(?:: “|, makers of )", sequence.touches[0].body)


async def test_a_summary_without_proofs_asks_for_none_to_be_brought(tmp_path: Path) -> None:
    bare = {path: "# Lumenforge\n\nLight." for path in VENDOR_TEXTS if path != "/"}
    playbook = await playbook_of(tmp_path, bare)
    said = " ".join(sentence.text for sentence in playbook.executive_summary.how_to_engage)
    assert "Open with their own words" in said
    assert "these proofs" not in said


# Objections


async def test_an_objection_is_answered_by_what_answers_it(tmp_path: Path) -> None:
    found = objections(await demo_playbook(tmp_path))
    assert found["It costs too much."] == ("Overtime in dispatch at Penmarrow Medical fell by 31%.",)
    assert found["We cannot predict what we would pay."] == ("Depot: Price: $690 per month",)


async def test_an_objection_that_nothing_answers_stays_open(tmp_path: Path) -> None:
    playbook = await playbook_of(
        tmp_path, {"/pricing": "# Pricing\n\n| Plan | Storage |\n| --- | --- |\n| Yard | $0.02 per GB |"}
    )
    found = objections(playbook)
    assert not found["We cannot predict what we would pay."]
    assert not found["This is not mine to decide."]
    assert not found["We would rather build it ourselves."]
    card = next(card for card in playbook.battle_cards if isinstance(card, ObjectionHandlingCard))
    assert all(objection.no_proof_yet == (not objection.answer) for objection in card.objections)


async def test_the_card_says_what_was_not_found(tmp_path: Path) -> None:
    playbook = await playbook_of(tmp_path)
    card = next(card for card in playbook.battle_cards if isinstance(card, CompetitivePositioningCard))
    assert card.where_they_win_note.startswith("No point where a competitor is ahead was found")


# Whom to write to


FOUNDERS = ("Founders: Ada Lovering, Tom Flockton", "Founders: Ada Lovering")


@pytest.mark.parametrize("told", sampled(FOUNDERS, lambda told: "," in told))
async def test_founders_that_the_site_names_are_the_ones_to_write_to(tmp_path: Path, told: str) -> None:
    home = f"{PROSPECT_TEXTS['/']}\n\n## About this page\n\n{told}"
    playbook = await playbook_of(tmp_path, prospect={"/": home, "/about": PROSPECT_TEXTS["/about"]})
    founder = next(persona for persona in playbook.priority_personas if persona.function == "leadership")
    assert founder.title == "Founder"
    assert not founder.inferred
    assert founder.contact == f"{told.removeprefix('Founders: ').replace(', ', ' or ')}, Founder"
    assert told in {playbook.evidence[i].quote for i in founder.why_they_care.evidence}
    assert f"Send the first touch to {founder.contact}." in {win.action for win in playbook.quick_wins}


async def test_technology_makes_an_engineering_buyer_and_customers_alone_no_sales_one(
    tmp_path: Path,
) -> None:
    home = "# Quillport\n\nOur customers sail on every coast of the north. We want to ship every ferry faster."
    about = "# About\n\nOur planning runs on Kubernetes and PostgreSQL. We build our tools in Python and Rust."
    playbook = await playbook_of(tmp_path, prospect={"/": home, "/about": about})
    functions = {persona.function for persona in playbook.priority_personas}
    assert "engineering" in functions
    assert "sales" not in functions
