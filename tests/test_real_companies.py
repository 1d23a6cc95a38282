"""Playbooks by the extractive model about real companies have enough findings of each kind, each citing a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from matrix import sampled

from octave_mcp.app import App
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.evidence.figures import figures
from octave_mcp.evidence.passages import verified
from octave_mcp.settings import Settings
from octave_mcp.tools.registry import ignore_event

NAMED_IN_PASSING = set(
    "airbnb dropbox atlassian netlify cursor vercel notion plausible mixpanel amplitude bigquery farfetch microsoft "
    "segment snowplow".split()
)

DEADLINES = ("fetch_timeout_seconds", "site_timeout_seconds", "step_timeout_seconds", "run_timeout_seconds")
NEVER = 1_000_000


def is_quoted(evidence: Evidence, text: str) -> bool:
    paragraph = text[text.rfind("\n", 0, evidence.start) + 1 : evidence.start + 1]
    is_open = paragraph.count("“") > paragraph.count("”") or paragraph.count('"') % 2 == 1
    return paragraph.startswith(">") or is_open


FEW_PAGES = 10
DEALS = (
    ("posthog.com", "greptime.cn", FEW_PAGES),
    ("posthog.com", "greptime.cn", 25),
    ("posthog.com", "supabase.com", 25),
    ("supabase.com", "posthog.com", 25),
)

PLAYBOOKS: dict[tuple[str, str, int], Playbook] = {}


async def playbook_of(sites: dict[str, str], home: Path, vendor: str, prospect: str, max_pages: int = 25) -> Playbook:
    """Return the playbook for a deal, which is generated once for all tests.

    The short tests use two playbooks, and the run for one of the two reads only a few pages, to save time.
    """
    key = (vendor, prospect, max_pages)
    if key not in PLAYBOOKS:
        PLAYBOOKS[key] = await written(sites, home, vendor, prospect, max_pages)
    return PLAYBOOKS[key]


async def written(sites: dict[str, str], home: Path, vendor: str, prospect: str, max_pages: int) -> Playbook:
    chosen = {"home": home, "allow_hosts": ("127.0.0.1",), "model": "extractive"}
    app = App(Settings.model_validate(chosen | dict.fromkeys(DEADLINES, NEVER)), engine="inline")
    await app.runs.open()
    asked = PlaybookRequest(vendor=sites[vendor], prospect=sites[prospect], max_pages=max_pages)
    record = await app.runs.start(asked)
    record = await app.runs.follow(record.run_id, NEVER, ignore_event)
    assert record.status == "completed"
    playbook = await app.runs.playbook(record.run_id)
    assert playbook
    praise = {
        i for point in playbook.vendor_elements.proof_points if point.kind == "testimonial" for i in point.evidence
    }
    for evidence in playbook.evidence.values():
        text = await app.store.page_text(evidence.page_sha256)
        assert text is not None
        assert verified(evidence, text)
        if evidence.id in praise:
            assert is_quoted(evidence, text)
    await app.runs.close()
    return playbook


# These lines from PostHog's pages must not become pain points, because they are outdated, about other companies, or
# about the product.
MISLEADING_LINES = (
    "create opportunities for founders",
    "we speak to Evan Sosenko",
    "8,169",
    "engineers struggle to understand",
    "Toggle features",
    "revenue has quickly risen",
    "30 people in 12 countries",
)


def praise_by_people(playbook: Playbook) -> int:
    testimonials = [point for point in playbook.vendor_elements.proof_points if point.kind == "testimonial"]
    return sum(bool(point.person and point.role) for point in testimonials)


@pytest.mark.long
async def test_a_playbook_from_posthog_to_supabase_has_enough_findings_of_each_kind(
    real_sites: dict[str, str], home: Path
) -> None:
    playbook = await playbook_of(real_sites, home, "posthog.com", "supabase.com")

    elements, known = playbook.vendor_elements, playbook.prospect_intelligence
    assert len(elements.reference_customers) >= 12
    assert sum(bool(story.results) for story in elements.case_studies) >= 8
    assert praise_by_people(playbook) >= 8
    assert len(elements.offerings) >= 7
    assert sum(bool(difference.competitor) for difference in elements.differentiators) >= 5
    assert len(elements.target_personas) >= 3
    assert len(known.company_profile.facts) >= 15
    assert len(playbook.priority_personas) == len(playbook.email_sequences) == len(playbook.talk_tracks) == 3
    assert [card.kind for card in playbook.battle_cards] == [
        "why_we_win",
        "objection_handling",
        "competitive_positioning",
    ]


@pytest.mark.long
async def test_more_pages_yield_more_findings_and_no_company_mentioned_in_passing(
    real_sites: dict[str, str], home: Path
) -> None:
    playbook = await playbook_of(real_sites, home, "posthog.com", "supabase.com", max_pages=80)

    elements = playbook.vendor_elements
    assert len(elements.reference_customers) >= 18
    assert len(elements.case_studies) >= 14
    assert praise_by_people(playbook) >= 15
    assert not {customer.name.casefold() for customer in elements.reference_customers} & NAMED_IN_PASSING


@pytest.mark.long
async def test_copy_for_an_existing_customer_opens_with_that_relation(real_sites: dict[str, str], home: Path) -> None:
    playbook = await playbook_of(real_sites, home, "posthog.com", "supabase.com")

    flag = next(flag for flag in playbook.flags if flag.code == "existing_customer")
    assert any("Supabase" in playbook.evidence[i].quote for i in flag.evidence)
    assert "Supabase is a customer of PostHog" in playbook.executive_summary.whom_to_approach[0].text
    proofs = [point.text for persona in playbook.priority_personas for point in persona.talking_points]
    assert not any(text.startswith("Supabase") for text in proofs)
    relation = "Supabase is a customer of PostHog: “How Supabase 10Xed with the help of PostHog”"
    assert all(relation in sequence.touches[0].body for sequence in playbook.email_sequences)


@pytest.mark.long
async def test_copy_of_a_vendor_that_is_the_prospects_customer_opens_with_that_relation(
    real_sites: dict[str, str], home: Path
) -> None:
    playbook = await playbook_of(real_sites, home, "supabase.com", "posthog.com")

    flag = next(flag for flag in playbook.flags if flag.code == "vendor_is_customer")
    assert {playbook.evidence[i].url for i in flag.evidence} >= {f"{real_sites['posthog.com']}/customers/supabase"}
    title = "“How Supabase 10Xed with the help of PostHog”"
    assert all(title in sequence.touches[0].body for sequence in playbook.email_sequences)
    assert all(title in track.cold_call.opener[0].text for track in playbook.talk_tracks)


@pytest.mark.parametrize(("vendor", "prospect", "max_pages"), sampled(DEALS, lambda deal: deal[2] == FEW_PAGES))
async def test_every_figure_and_quotation_in_an_outline_is_in_its_evidence(
    real_sites: dict[str, str], home: Path, vendor: str, prospect: str, max_pages: int
) -> None:
    playbook = await playbook_of(real_sites, home, vendor, prospect, max_pages)

    for sequence in playbook.email_sequences:
        for touch in sequence.touches:
            assert (touch.kind, touch.score) == ("outline", None)
            cited = "\n".join(playbook.evidence[i].quote for part in touch.sentences for i in part.evidence)
            assert figures(f"{touch.subject}\n{touch.body}") <= figures(cited)
            quotations = re.findall(r"“([^”]+)”", touch.body)
            assert quotations
            assert [quotation for quotation in quotations if quotation not in cited] == []


async def test_a_prospect_in_another_language_keeps_its_language(real_sites: dict[str, str], home: Path) -> None:
    playbook = await playbook_of(real_sites, home, "posthog.com", "greptime.cn", FEW_PAGES)

    assert (playbook.language, playbook.vendor.language, playbook.prospect.language) == ("en", "en", "zh")
    assert any(evidence.language == "zh" for evidence in playbook.evidence.values())
    assert [flag.code for flag in playbook.flags] == ["extractive"]


@pytest.mark.long
async def test_a_nearly_empty_prospect_is_flagged_and_has_gaps(real_sites: dict[str, str], home: Path) -> None:
    playbook = await playbook_of(real_sites, home, "posthog.com", "tinyworks.example")

    flag = next(flag for flag in playbook.flags if flag.code == "low_confidence")
    assert flag.companies == ("prospect",)
    assert {"priority_personas", "prospect_intelligence.pain_points"} <= {gap.section for gap in playbook.gaps}


@pytest.mark.long
async def test_lines_about_others_or_products_and_old_lines_are_not_the_prospects_needs(
    real_sites: dict[str, str], home: Path
) -> None:
    playbook = await playbook_of(real_sites, home, "supabase.com", "posthog.com")

    pains = [pain.text for pain in playbook.prospect_intelligence.pain_points]
    why_now = [sentence.text for sentence in playbook.executive_summary.why_now]
    bodies = [touch.body for sequence in playbook.email_sequences for touch in sequence.touches]
    assert pains
    assert why_now
    assert not [text for text in (*pains, *why_now, *bodies) for line in MISLEADING_LINES if line in text]


async def test_nobody_has_a_higher_title_than_on_the_pages_of_their_company(
    real_sites: dict[str, str], home: Path
) -> None:
    playbook = await playbook_of(real_sites, home, "posthog.com", "supabase.com")

    named = {persona.contact: persona.title for persona in playbook.priority_personas if persona.contact}
    assert named["Hieu Pham or Inian Parameshwaran, Engineering"] == "Engineering team"
    assert {persona.why_they_care.kind for persona in playbook.priority_personas} == {"inference"}
