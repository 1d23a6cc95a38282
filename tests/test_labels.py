"""Tests of how the extractive model labels a vendor's texts: as customer, product, promise, proof or price."""

from __future__ import annotations

import pytest
from matrix import sampled
from scripted import page

from octave_mcp.asks.prompts import ask_for
from octave_mcp.domain.asks import ReadingBrief
from octave_mcp.domain.evidence import Cite
from octave_mcp.domain.vendor import READ_KINDS, VendorAnswer
from octave_mcp.evidence.passages import passages
from octave_mcp.models.extractive.model import Extractive

ROW = "LOGOS Brassmere, Copperfell, Tinhaven"


async def found_on(path: str, text: str) -> VendorAnswer[Cite]:
    brief = ReadingBrief(role="vendor", company="Lumenforge", domain="lumenforge.example", counterpart="", context="")
    shown = passages(page(f"https://lumenforge.example{path}", text, kind="home" if path == "/" else None))
    names = tuple(READ_KINDS.values())
    ask = ask_for(names, language="en", brief=brief, passages=shown, answer=VendorAnswer[Cite])
    return (await Extractive().answer(ask)).value


CUSTOMERS = (
    "Trusted by",
    "Used by crews everywhere",
    "Our customers",
    "Join 2,000+ companies",
    "Powering the best companies in the north",
    "Workshops and companies that rely on Lumenforge",
    "Unsere Kunden",
    "Ils nous font confiance",
)
OTHERS = (
    "Our technology",
    "Works with",
    "Integrations for every team",
    "Our partners",
    "Backed by",
    "As seen in",
    "Companies where our clients landed jobs",
    "Customers connect their tools",
    "Read our reviews",
    "Choose your plan",
)


@pytest.mark.parametrize("caption", sampled(CUSTOMERS, lambda caption: caption in CUSTOMERS[:3]))
async def test_logos_under_a_heading_that_names_customers_are_customers(caption: str) -> None:
    found = await found_on("/", f"# Light\n\n## {caption}\n\n{ROW}")

    names = [customer.name for customer in found.reference_customers]
    assert names == ["Brassmere", "Copperfell", "Tinhaven"]


@pytest.mark.parametrize("caption", sampled(OTHERS, lambda caption: caption in OTHERS[:3]))
async def test_logos_under_any_other_heading_are_not_customers(caption: str) -> None:
    found = await found_on("/", f"# Light\n\n## {caption}\n\n{ROW}")

    assert not found.reference_customers


async def test_customers_are_attributed_to_a_vendor_only_by_its_whole_name() -> None:
    sentence = "{} is trusted by Brassmere and Copperfell."

    assert (await found_on("/", f"# Light\n\n{sentence.format('Lumenforge')}")).reference_customers
    assert not (await found_on("/", f"# Light\n\n{sentence.format('MegaLumenforge')}")).reference_customers


async def test_a_row_of_logos_repeated_among_integrations_is_ignored() -> None:
    text = f"# Light\n\n## Trusted by\n\n{ROW}, Zincroft\n\n## Connect your tools\n\n{ROW}"

    assert not (await found_on("/", text)).reference_customers


async def test_badges_and_icons_in_a_row_of_logos_are_not_customers() -> None:
    text = "# Light\n\n## Trusted by\n\nLOGOS Brassmere logo, G2 badge, arrow icon, 5 stars rating"

    assert [customer.name for customer in (await found_on("/", text)).reference_customers] == ["Brassmere"]


async def test_a_heading_that_starts_with_a_common_word_is_not_a_customer_story() -> None:
    text = (
        "# Customers\n\n## Pricing made simple\n\nOur pricing is short.\n\n## Brassmere cut rework by 31%\n\nRead it."
    )

    found = await found_on("/customers", text)

    assert [customer.name for customer in found.reference_customers] == ["Brassmere"]
    assert [(story.customer, [r.text for r in story.results]) for story in found.case_studies] == [
        ("Brassmere", ["Brassmere cut rework by 31%"])
    ]


NO_PRODUCTS = (
    ("/product/planner", "Plan your hall faster"),
    ("/product/planner", "Overview"),
    ("/product/planner", "Why crews choose us"),
    ("/product/planner", "Light for every workshop"),
    ("/product/planner", "The best planner in the north"),
    ("/product/planner", "Innovative workshops use Lumenforge"),
)


@pytest.mark.parametrize(("path", "headline"), sampled(NO_PRODUCTS, lambda case: case in NO_PRODUCTS[:2]))
async def test_a_slogan_or_a_generic_heading_is_not_a_product(path: str, headline: str) -> None:
    found = await found_on(path, f"# {headline}\n\nYou draw the light of a hall from its floor plan.")

    assert not [offering.name for offering in found.offerings if offering.name == headline]


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("/product/shadow-planner", "# Shadow planner\n\nIt draws the light of your hall.", "Shadow planner"),
        ("/product/tools", "# Halo\n\nHalo shows your crew every shadow.", "Halo"),
        ("/", "# Light\n\nLumenforge Vault is a store for your floor plans.", "Lumenforge Vault"),
    ],
)
async def test_a_name_repeated_in_the_address_or_the_text_is_a_product(path: str, text: str, name: str) -> None:
    assert [offering.name for offering in (await found_on(path, text)).offerings] == [name]


NO_PROMISES = (
    ("Questions", "You can ask us all that you want to know about your lamps."),
    ("Stay up to date", "Get the newest of our lamps into your inbox."),
    ("Careers", "Build lamps with your friends in two yards."),
    ("Take a quick tour", "See how your hall looks with our lamps in it."),
    ("Reviews", "Lumenforge allows us to drill your holes once."),
    ("How many lamps do you need?", "Count your lamps with our planner."),
    ("Dark halls", "Your crews are drowning in shadows and waste their evenings."),
)


@pytest.mark.parametrize(("heading", "text"), sampled(NO_PROMISES, lambda case: case in NO_PROMISES[:2]))
async def test_questions_calls_to_action_and_problems_are_not_promises(heading: str, text: str) -> None:
    found = await found_on("/product/planner", f"# Planner\n\n## {heading}\n\n{text}")

    assert text not in [value.text for value in found.value_propositions]


async def test_a_promise_is_cited_with_the_text_under_its_heading() -> None:
    text = "# Planner\n\n## Plan once\n\nPlan your hall without shadows in it. Your crews see every lamp on site."

    (promise,) = (await found_on("/product/planner", text)).value_propositions

    assert (promise.title, promise.text) == ("Plan once", "Plan your hall without shadows in it.")
    assert len(promise.evidence) == 3


async def test_a_blog_post_among_the_products_yields_no_promises_or_offerings() -> None:
    text = "# Planner recap\n\n## Plan once\n\nPlan your hall without shadows in it."

    found = await found_on("/product/2025-03-planner-recap", text)

    assert not found.value_propositions
    assert not found.offerings


FIGURES = {
    "2,500,000+ lamps managed": True,
    "Trusted by 74,000 companies": True,
    "98.5% customer satisfaction in every hall": True,
    "10+ team members": False,
    "5 years of data retention": False,
    "4 Stars": False,
    "6 ways to light a hall faster": False,
    "50% reduction": False,
    "0 downloads": False,
}


@pytest.mark.parametrize(("text", "is_proof"), sampled(tuple(FIGURES.items()), lambda case: case[0][0] in "29"))
async def test_a_figure_is_proof_only_if_it_says_what_it_counts(text: str, is_proof: bool) -> None:
    heading = "Plans" if text.startswith("10+") else "Light"
    found = await found_on("/", f"# Lumenforge\n\n## {heading}\n\n- {text}")

    assert [point.text for point in found.proof_points if point.kind == "metric"] == [text] * is_proof


async def test_a_rank_given_by_others_is_an_award_but_an_adjective_is_not() -> None:
    text = (
        "# Light\n\nOur award-winning planner draws halls. Lumenforge was named a leader by the Guild of Electricians."
    )

    awards = [point.text for point in (await found_on("/", text)).proof_points if point.kind == "award"]

    assert awards == ["Lumenforge was named a leader by the Guild of Electricians."]


STORY = """# Brassmere cut rework by 31% with Lumenforge

- Customer: Brassmere
- Industries: Carpentry
- Tools used: Shadow maps, Audits

“We use shadow maps to plan each hall,” says Cay Holm, Head of Works at Brassmere. “Then we drill.”

## A quiet summer

“Lumenforge is the best tool we have,” Cay adds. “I turned it on in Lumenforge.”
"""


async def test_a_speaker_later_called_by_first_name_is_quoted_with_full_name_and_role() -> None:
    found = await found_on("/customers/brassmere", STORY)

    praise = [(point.text, point.person, point.role) for point in found.proof_points]
    assert praise == [("Lumenforge is the best tool we have", "Cay Holm", "Head of Works")]


async def test_a_customers_use_of_the_product_is_a_use_case_and_the_customers_facts_are_cited() -> None:
    found = await found_on("/customers/brassmere", STORY)

    assert [use.title for use in found.use_cases][:1] == ["Brassmere: plan each hall"]
    (customer,) = found.reference_customers
    assert (customer.name, customer.industry, len(customer.evidence)) == ("Brassmere", "Carpentry", 3)


async def test_the_name_under_the_last_of_two_quotations_is_not_given_to_the_first() -> None:
    text = (
        "# Light\n\n> Copperfell saved 40% with Lumenforge.\n\n"
        "> Lumenforge helped us to drill once.\n> — Cay Holm, Head of Works, Brassmere"
    )

    speakers = {point.text: point.person for point in (await found_on("/", text)).proof_points}

    assert speakers == {"Lumenforge helped us to drill once.": "Cay Holm"}


async def test_the_role_of_a_speaker_is_not_a_customer() -> None:
    text = "# Light\n\n> Lumenforge helped us to drill once.\n> — Cay Holm, Creator of halls.dev"

    found = await found_on("/", text)

    assert [(p.role, p.company) for p in found.proof_points] == [("Creator", "halls.dev")]
    assert [customer.name for customer in found.reference_customers] == ["halls.dev"]


async def test_only_people_or_companies_are_target_personas() -> None:
    text = (
        "# Planner\n\nLumenforge is ideal for your workflow. Lumenforge is built for fast deployment. "
        "Lumenforge is built for electricians' teams and small companies."
    )

    whom = [persona.title for persona in (await found_on("/product/planner", text)).target_personas]

    assert whom == ["electricians' teams and small companies"]


async def test_something_only_the_vendor_has_is_a_differentiator() -> None:
    text = "# Light\n\nLumenforge is the only planner that draws shadows. The only thing we ask for is a floor plan."

    differences = [(d.competitor, d.text) for d in (await found_on("/", text)).differentiators]

    assert differences == [(None, "Lumenforge is the only planner that draws shadows.")]


NO_GAINS = (
    ("Choose a metric", "You can now choose another metric on the top graph."),
    ("Change your name in the settings", "Visit your site settings and update your name directly."),
    ("Step 5: Connect the console", "Connect your console to see each lamp beside your plan."),
    ("Shadow planner", "Shadow planner is an open source engine for crews that enables the drawing of halls."),
    ("Halls", "We deliver a complete hall based on our planner, with design, drawing and acceptance on any floor."),
    ("Turn halls into plans", "Choose from a wide range of support options to best suit your needs."),
)


@pytest.mark.parametrize(("heading", "text"), sampled(NO_GAINS, lambda case: case in NO_GAINS[:2]))
async def test_notes_steps_definitions_and_descriptions_of_a_service_are_not_promises(heading: str, text: str) -> None:
    assert not (await found_on("/product/planner", f"# Planner\n\n## {heading}\n\n{text}")).value_propositions


async def test_a_product_page_that_only_complains_about_other_tools_yields_no_offering() -> None:
    text = "# Shadow planner\n\nMost planners make your shadows harder than they need to be."

    assert not (await found_on("/product/shadow-planner", text)).offerings


@pytest.mark.parametrize(("name", "is_proof"), [("HIPAA", False), ("ISO 27001", True)])
async def test_the_bare_name_of_a_law_is_not_a_certificate(name: str, is_proof: bool) -> None:
    found = await found_on("/security", f"# Security\n\n## Certifications\n\n- {name}\n")

    assert bool(found.proof_points) == is_proof


LOOSE = (
    ("Custom fields", "Measure your campaigns by the tags that are collected."),
    ("And much more", "Lumenforge lets you find each lamp of your hall quickly."),
    ("Planner tutorial video", "The planner lets you draw your hall without shadows."),
    ("Lamp plans", "These lamps help you save the power of a hall."),
)


@pytest.mark.parametrize(("heading", "text"), sampled(LOOSE, lambda case: case in LOOSE[:2]))
async def test_a_heading_unrelated_to_the_text_under_it_is_not_a_promise(heading: str, text: str) -> None:
    assert not (await found_on("/product/planner", f"# Planner\n\n## {heading}\n\n{text}")).value_propositions


ASIDE = ("/install-instructions", "/conference", "/partners", "/appform", "/pr20210826")


@pytest.mark.parametrize("path", sampled(ASIDE, lambda path: path == ASIDE[0]))
async def test_pages_about_events_installation_or_forms_yield_no_offerings_or_promises(path: str) -> None:
    text = "# Lumenforge Vault\n\nLumenforge Vault is a store.\n\n## Save power\n\nLumenforge helps you save power."

    found = await found_on(path, text)

    assert not found.offerings
    assert not found.value_propositions


async def test_a_product_is_described_by_what_it_does_and_not_by_where_it_is_available() -> None:
    text = "# Light\n\nLumenforge Vault is available in 40 countries. Lumenforge Vault stores your floor plans."

    (vault,) = (await found_on("/", text)).offerings

    assert vault.description == "Lumenforge Vault stores your floor plans."


async def test_plans_share_a_heading_level_and_priced_additions_are_not_plans() -> None:
    text = (
        "# Plans\n\n## Basic\n\n### $20 a month\n\nFor one hall.\n\n## Team\n\n### $50 a month\n\nFor ten halls.\n\n"
        "## Fitting your needs\n\n### Shadow office\n\nFrom $5 a month."
    )

    plans = [offering for offering in (await found_on("/pricing", text)).offerings if offering.kind == "plan"]

    assert [(plan.name, [price.terms for price in plan.pricing]) for plan in plans] == [
        ("Basic", ["$20 a month"]),
        ("Team", ["$50 a month"]),
    ]


async def test_a_page_made_for_an_audience_names_a_target_persona() -> None:
    found = await found_on("/theatres/for-agencies", "# Light plans for agencies\n\nAgencies plan ten halls at once.")
    other = await found_on("/for-loading", "# Plans for fast loading\n\nThe plan loads in a second.")

    assert [(persona.title, persona.kind) for persona in found.target_personas] == [("agencies", "icp")]
    assert not other.target_personas


BETTER = {
    "Lumenforge is 75 times smaller than Brassmere.": ["Brassmere"],
    "Lumenforge is a simpler alternative to Brassmere.": ["Brassmere"],
    "Lumenforge was more expensive than Brassmere.": [],
    "We are working on a leaner alternative to Brassmere.": [],
}


@pytest.mark.parametrize(("text", "rivals"), BETTER.items())
async def test_a_sentence_that_says_how_the_vendor_is_better_is_a_differentiator(text: str, rivals: list[str]) -> None:
    found = await found_on("/blog/light", f"# Light\n\n{text}")

    assert [difference.competitor for difference in found.differentiators] == rivals


async def test_users_of_integrated_tools_are_not_customers() -> None:
    text = "# Light\n\nLumenforge offers integration in tools commonly used by workshops like Brassmere, Copperfell."

    assert not (await found_on("/", text)).reference_customers
