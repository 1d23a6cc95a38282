"""What the extractive model takes from invented companies' pages: whose words they are, and how old."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted import PROSPECT, PROSPECT_TEXTS, VENDOR, VENDOR_TEXTS, ScriptedSource, Stage, pages

from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.vendor import ProofPoint
from octave_mcp.models.extractive.copy import stands_alone


async def playbook_with(
    home: Path, vendor: dict[str, str] | None = None, prospect: dict[str, str] | None = None
) -> Playbook:
    """A playbook of the invented companies with other pages besides theirs, or in place of them."""
    sites = {
        VENDOR: pages(VENDOR, VENDOR_TEXTS | (vendor or {}), name="Lumenforge"),
        PROSPECT: pages(PROSPECT, PROSPECT_TEXTS | (prospect or {}), name="Quillport"),
    }
    return await Stage(home, source=ScriptedSource(sites)).playbook(model="extractive")


def praise(playbook: Playbook) -> list[ProofPoint[str]]:
    return [point for point in playbook.vendor_elements.proof_points if point.kind == "testimonial"]


# Whose words they are

STORY = """# Brassmere cut rework by 31% with Lumenforge

"Many halls are dark," said Lumenforge's founder Ada Quist in a talk. Now, Lumenforge is loved by Brassmere's crews!

“We drill once,” said Bo Lindqvist, Crew Lead at Brassmere. Lumenforge has helped us draw that very quickly.

> “Lumenforge is the best tool we have. Nobody drills twice.”
> — Cay Holm, Head of Works, Brassmere
"""


async def test_praise_is_what_stands_in_the_speakers_own_quotation(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, vendor={"/customers/brassmere": STORY})

    said = {point.text: point.person for point in praise(playbook)}
    assert said == {"Lumenforge is the best tool we have. Nobody drills twice.": "Cay Holm"}


async def test_a_quotation_of_two_paragraphs_is_its_speakers_as_a_whole(tmp_path: Path) -> None:
    story = '# Brassmere cut rework by 31% with Lumenforge\n\n> We drill once.\n> Lumenforge has "helped" us most.\n'
    playbook = await playbook_with(
        tmp_path, vendor={"/customers/brassmere": f"{story}> — Cay Holm, Head of Works, Brassmere"}
    )

    assert [(p.text, p.person) for p in praise(playbook)] == [('Lumenforge has "helped" us most.', "Cay Holm")]


# What can stand alone


@pytest.mark.parametrize(
    "text",
    [
        "Self-hosting on Lumenforge just took that whole problem away.",
        "Now, Lumenforge is used by Brassmere to improve many of its halls!",
        "As a result, we need to hire.",
        "Our revenue has quickly risen as a result, now we need to hire.",
        "It plans a hall in an hour.",
        "We use it for most of our halls.",
        "Behind the scenes, Lumenforge is powering that.",
        "Lumenforge made that very straightforward.",
        "Lumenforge reported what we know to be the true figure, 8,169.",
        "We will not solve this by hiring alone.",
        "These halls are dark.",
        "2 weeks later, we had 1,500 lamps.",
        "Other times, Lumenforge helps us answer questions.",
    ],
)
def test_a_sentence_that_points_outside_itself_does_not_stand_alone(text: str) -> None:
    assert not stands_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        "Lumenforge helped us and it just works.",
        "We want to open two yards this year.",
        "The fact that Lumenforge is open was really helpful.",
        "Lumenforge cut rework as a result of better plans.",
        "Our customers want to know that their ferry leaves on time.",
        "We thank those who sail with us.",
    ],
)
def test_a_sentence_that_names_what_it_speaks_of_stands_alone(text: str) -> None:
    assert stands_alone(text)


async def test_praise_that_points_back_is_quoted_with_what_it_points_to(tmp_path: Path) -> None:
    story = "# Brassmere cut rework by 31% with Lumenforge\n\n> We drilled twice. Lumenforge just made that better.\n"
    playbook = await playbook_with(
        tmp_path, vendor={"/customers/brassmere": f"{story}> — Cay Holm, Head of Works, Brassmere"}
    )

    assert [point.text for point in praise(playbook)] == ["We drilled twice. Lumenforge just made that better."]


# What is said of people

TEAM = """# About Quillport

## Team

- Ada Quist, Cofounder
- Bo Lindqvist, Engineering
- Cay Holm, Marketing
- Dan Berg, Software Engineer
"""


async def test_why_somebody_cares_is_an_inference_even_where_the_site_names_them(tmp_path: Path) -> None:
    playbook = await playbook_with(tmp_path, prospect={"/about": TEAM})

    assert any(not persona.inferred for persona in playbook.priority_personas)
    assert {persona.why_they_care.kind for persona in playbook.priority_personas} == {"inference"}
