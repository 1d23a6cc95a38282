"""The first screen of a playbook, the copy buttons of its e-mails, and its printed pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsers import in_the_browser, opened
from full_playbook import full_playbook
from matrix import sampled
from playbooks import export, outlined_playbook, question, sample_playbook
from playwright.async_api import Browser, Locator, Page

from octave_mcp.domain.deal import BuyingSeat
from octave_mcp.domain.playbook import SCHEMA_VERSION, Playbook
from octave_mcp.evidence.dates import date_in_words
from octave_mcp.exports.dates import age_in_words
from octave_mcp.exports.words import ASKS, BRUSH_OFFS, HOW_KNOWN

DESKTOP, PHONE = (1440, 900), (390, 844)
MAX_WORDS = 6000
MAX_PRINTED_PAGES = 15
ORDER = (
    "Brief",
    "Executive summary",
    "Triggers",
    "Buying committee",
    "Personas",
    "Fit",
    "E-mails",
    "Call scripts",
    "Discovery",
    "Battle cards",
    "Quick wins",
    "Success metrics",
    "Qualification",
    "About Lumenboard",
    "Prospect intelligence",
    "Gaps",
    "How this playbook was made",
    "Sources",
)
BRIEF = (".does", ".whom", ".why-now", ".first-line", ".proof", ".to-ask")
PLAYBOOKS = {"sample": sample_playbook, "full": full_playbook, "outlined": outlined_playbook}


@pytest.fixture
def playbook() -> Playbook:
    return sample_playbook()


def from_before(playbook: Playbook) -> Playbook:
    """Return the playbook in the first schema version, without the newer fields."""
    new = {"schema_version", "brief", "buying_committee", "fit", "qualification", "trial_plan"}
    return Playbook.model_validate(playbook.model_dump(exclude=new))


def headings(text: str, mark: str) -> list[str]:
    return [found.split(" (")[0].split(",")[0] for found in re.findall(mark, text)]


def words_in(text: str) -> int:
    """Return the number of words, without counting the punctuation of Markdown lists and tables."""
    return len([word for word in text.split() if re.search(r"[^\W\d_]", word)])


def test_html_and_markdown_have_the_same_sections_in_the_same_order(playbook: Playbook) -> None:
    html, markdown = export("html").render(playbook), export("markdown").render(playbook)

    listed = re.findall(r'<li><a href="#\w+">([^<]+?)(?: <span|</a>)', html)
    shown = headings(html, r"<h2[^>]*>([^<]+)</h2>")
    assert tuple(listed) == ORDER
    assert tuple(heading for heading in shown if heading != "About this playbook") == ORDER
    written = headings(markdown, r"(?m)^## (.+)$")
    excluded = {"About this playbook", "Executive summary"}  # the Markdown export omits the summary if there is a brief
    assert [heading for heading in written if heading not in excluded] == [
        heading for heading in ORDER if heading not in excluded
    ]


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_playbook_of_the_first_schema_version_has_none_of_the_new_sections(name: str, playbook: Playbook) -> None:
    old = from_before(playbook)
    assert (old.schema_version, old.brief, SCHEMA_VERSION) == (1, None, 3)

    text = export(name).render(old)

    for heading in ("Brief", "Buying committee", "Fit", "Qualification", "Trial plan"):
        assert not re.search(rf"(?m)(?:^##+ |>){heading}", text)
    assert "Executive summary" in text
    assert "Value map" in text


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_readers_see_words_instead_of_codes(name: str, playbook: Playbook) -> None:
    text = export(name).render(playbook)

    codes = {*HOW_KNOWN, *BRUSH_OFFS, *(gap.code for gap in playbook.gaps)}
    codes |= {failed.code for failed in playbook.failed_pages}
    shown = re.sub(r'(?:class|id|href)="[^"]*"|<style>.*?</style>|<script>.*?</script>', "", text, flags=re.DOTALL)
    assert [code for code in codes if "_" in code and code in shown] == []
    for words in (HOW_KNOWN["named"], HOW_KNOWN["inferred"], HOW_KNOWN["missing"], ASKS["offer"]):
        assert words in shown.replace("&#39;", "'")
    assert "We already have a tool." in shown
    assert "page that names her has no date" in shown


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_a_seat_says_which_companys_page_names_its_holder(name: str, playbook: Playbook) -> None:
    of_prospect, of_vendor = (
        next(id_ for id_, found in playbook.evidence.items() if found.role == role) for role in ("prospect", "vendor")
    )
    seat = BuyingSeat(seat="user", person="Ada Moss", title="Head of Yards", how_known="named", evidence=(of_prospect,))
    seats = (seat, seat.model_copy(update={"evidence": (of_vendor,)}))

    text = export(name).render(playbook.model_copy(update={"buying_committee": seats, "brief": None}))

    assert text.count(HOW_KNOWN["named"]) >= 1
    assert text.count(f"named on a page of {playbook.vendor.name}") == 1


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_triggers_with_a_meaning_come_first_and_the_others_in_the_intelligence(name: str, playbook: Playbook) -> None:
    text = export(name).render(playbook)

    triggers, others = text.split("Buying committee", 2)[-2:] if name == "html" else text.split("## Buying committee")
    assert "27 October 2026, 3 weeks ago" in triggers
    assert "Half of the bookings have to move" in triggers
    assert "Certified to SOC 2 Type II." not in triggers
    assert others.index("Prospect intelligence") < others.rindex("Certified to SOC 2 Type II.")


def test_without_meanings_the_newest_eight_triggers_are_shown_those_of_the_prospect_first() -> None:
    full = full_playbook()
    plain = tuple(trigger.model_copy(update={"means": None}) for trigger in full.triggers)
    few = full.model_copy(update={"triggers": (plain[2], *plain[:2], plain[3])})

    shown = {
        number: re.findall(r'<div class="entry">', export("html").render(playbook))
        for number, playbook in ((8, full.model_copy(update={"triggers": plain})), (4, few))
    }

    assert {number: len(found) for number, found in shown.items()} == {8: 8, 4: 4}
    titles = re.findall(r"· (\w[\w ]*): ", export("markdown").render(few).split("## Triggers")[1])
    assert titles[3].endswith("Regulation")


@pytest.mark.parametrize(
    ("text", "words", "age"),
    [
        ("2026-11-20", "20 November 2026", "today"),
        ("2026-11-19", "19 November 2026", "1 day ago"),
        ("2026-10-27", "27 October 2026", "3 weeks ago"),
        ("2026-01-31", "31 January 2026", "10 months ago"),
        ("2024-11-20", "20 November 2024", "2 years ago"),
        ("2026-11", "November 2026", "this month"),
        ("2024-11", "November 2024", "2 years ago"),
        ("2026", "2026", "this year"),
        ("2025", "2025", "last year"),
        ("2023", "2023", "3 years ago"),
        ("2027-03-01", "1 March 2027", "upcoming"),
        ("2027", "2027", "upcoming"),
        ("undated", "undated", ""),
        ("2026-02-31", "31 February 2026", ""),
        ("2026-13", "2026-13", ""),
    ],
)
def test_a_date_and_its_age_are_written_in_words(text: str, words: str, age: str) -> None:
    assert (date_in_words(text), age_in_words(text, date(2026, 11, 20))) == (words, age)


@pytest.mark.parametrize("make", PLAYBOOKS.values(), ids=PLAYBOOKS)
def test_markdown_stays_under_its_word_limit(make: Callable[[], Playbook]) -> None:
    assert words_in(export("markdown").render(make())) < MAX_WORDS


def test_a_quotation_equal_to_its_sentence_is_shown_once(playbook: Playbook) -> None:
    assert playbook.brief
    quote = playbook.evidence["p_goal"].quote
    same = playbook.brief.why_now.model_copy(update={"text": quote}) if playbook.brief.why_now else None
    changed = playbook.model_copy(update={"brief": playbook.brief.model_copy(update={"why_now": same})})

    markdown = export("markdown").render(changed).split("## About")[0]
    html = export("html").render(changed).split('id="notes"')[0]

    assert markdown.count(quote) == html.count(quote) == 1


@pytest.mark.parametrize("name", ["markdown", "html"])
@pytest.mark.parametrize(("day", "title"), [("2026-09-30", "Why now"), ("2025-03-01", "Last event")])
def test_an_event_over_a_year_old_is_not_titled_why_now(name: str, day: str, title: str, playbook: Playbook) -> None:
    assert playbook.brief
    dated = playbook.model_copy(update={"brief": playbook.brief.model_copy(update={"date": day})})

    text = export(name).render(dated).split("Say first")[0]

    assert [label for label in ("Why now", "Last event") if f">{label} <" in text or f"**{label}**" in text] == [title]


async def page_of(browser: Browser, folder: Path, playbook: Playbook, size: tuple[int, int] = DESKTOP) -> Page:
    return (await opened(browser, folder, playbook, size={"width": size[0], "height": size[1]})).page


async def bottom(part: Locator) -> float:
    assert await part.is_visible()
    box = await part.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@in_the_browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("make", sampled(PLAYBOOKS.values(), lambda make: make is full_playbook), ids=PLAYBOOKS)
async def test_the_first_screen_says_whom_to_call_why_now_and_what_to_say(
    make: Callable[[], Playbook], size: tuple[int, int], browser: Browser, tmp_path: Path
) -> None:
    page = await page_of(browser, tmp_path, make(), size)

    brief = page.locator("#brief")
    parts = [brief.locator(part) for part in (*BRIEF, ".why-now blockquote", ".why-now .aside", ".mail.first .copy")]
    ends = [await bottom(part) for part in parts]
    assert max(ends) <= size[1]
    assert "30 September 2026, 7 weeks ago" in await brief.locator(".why-now .aside").inner_text()


@in_the_browser
async def test_on_a_desktop_the_first_screen_also_has_the_email_and_the_warnings(
    browser: Browser, tmp_path: Path
) -> None:
    page = await page_of(browser, tmp_path, full_playbook())

    assert await bottom(page.locator("#brief .mail.first")) <= DESKTOP[1]
    assert await bottom(page.locator("#brief .warnings")) <= DESKTOP[1]
    assert await page.locator("#brief .warnings li").count() == 5


@in_the_browser
async def test_on_a_phone_a_link_above_the_email_leads_to_the_things_to_check(browser: Browser, tmp_path: Path) -> None:
    page = await page_of(browser, tmp_path, full_playbook(), PHONE)

    link = page.get_by_role("link", name="5 things to check first")
    assert await bottom(link) < await bottom(page.locator("#brief .mail.first .copy"))
    await link.click()
    await page.wait_for_function("document.querySelector('#check-first').getBoundingClientRect().top < innerHeight")


async def copied(page: Page, button: Locator) -> str:
    await page.evaluate(
        """() => { navigator.clipboard.writeText = text => { window.taken = text; return Promise.resolve(); }; }"""
    )
    await button.click()
    await page.wait_for_function("window.taken !== undefined")
    return await page.evaluate("[window.taken, delete window.taken][0]")


def written(link: str | None) -> tuple[str, str]:
    assert link is not None
    parts = parse_qs(urlsplit(link).query, strict_parsing=True)
    return parts["subject"][0], parts["body"][0].replace("\r\n", "\n")


@in_the_browser
@pytest.mark.parametrize("part", ["#brief", "#email_sequences-0-touches-0"])
async def test_one_click_copies_subject_and_body_and_a_link_opens_them_in_mail(
    part: str, browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    page = await page_of(browser, tmp_path, playbook)
    touch = playbook.email_sequences[0].touches[0]
    place = page.locator(part)

    taken = await copied(page, place.get_by_role("button", name="Copy e-mail"))

    assert taken == f"Subject: {touch.subject}\n\n{touch.body}"
    link = await place.get_by_role("link", name="Open in mail").get_attribute("href")
    assert written(link) == (touch.subject, touch.body)
    assert link is not None
    assert link.startswith("mailto:?subject=")


@in_the_browser
async def test_one_switch_shows_and_copies_merge_fields_instead_of_names(
    browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    page = await page_of(browser, tmp_path, playbook)
    touch = playbook.email_sequences[0].touches[0]
    merged = touch.body.replace("Hi Marit,", "Hi {{first_name}},").replace(
        "Jonas Ek, Lumenboard", "{{sender_first_name}}, {{sender_company}}"
    )
    switches = page.get_by_role("button", name="Use merge fields")
    brief, last = page.locator("#brief"), page.locator("#email_sequences-2-touches-3")

    await switches.first.focus()
    await page.keyboard.press("Enter")

    assert await switches.count() == 2
    assert [await switch.get_attribute("aria-pressed") for switch in await switches.all()] == ["true", "true"]
    assert "Hi {{first_name}}," in await brief.locator(".body").inner_text()
    assert (await last.locator(".body").inner_text()).endswith("{{sender_first_name}}, {{sender_company}}")
    assert await copied(page, brief.get_by_role("button", name="Copy")) == f"Subject: {touch.subject}\n\n{merged}"
    assert written(await brief.locator(".send").get_attribute("href")) == (touch.subject, merged)

    await switches.last.click()

    assert await switches.first.get_attribute("aria-pressed") == "false"
    assert "Hi Marit," in await brief.locator(".body").inner_text()
    assert written(await brief.locator(".send").get_attribute("href")) == (touch.subject, touch.body)


@in_the_browser
async def test_without_names_there_is_no_switch_for_merge_fields(
    browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    unnamed = tuple(
        sequence.model_copy(update={"first_name": None, "signature": ""}) for sequence in playbook.email_sequences
    )

    page = await page_of(browser, tmp_path, playbook.model_copy(update={"email_sequences": unnamed}))

    assert await page.locator(".switch").count() == 0


@in_the_browser
async def test_the_second_opening_can_be_copied_and_the_page_says_what_to_make_first(
    browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    page = await page_of(browser, tmp_path, playbook)

    opening = page.locator("#email_sequences-0-touches-0").get_by_role("button", name="Copy opening")
    assert await copied(page, opening) == question("Which step sends your customers to the phone?").text
    offer = page.locator("#email_sequences-0-touches-2")
    assert await offer.get_by_text("Make this first").is_visible()
    made = playbook.email_sequences[0].touches[2].make_first
    assert await offer.locator(".made").text_content() == made


@in_the_browser
async def test_sources_and_background_are_folded_on_screen(browser: Browser, tmp_path: Path) -> None:
    page = await page_of(browser, tmp_path, full_playbook())

    assert await page.locator("#sources .quotation").count() > 50
    assert not await page.locator("#sources .quotation").first.is_visible()
    assert await page.locator("#prospect details[open], #vendor details[open]").count() == 0
    await page.locator("#sources summary").click()
    assert await page.locator("#sources .quotation").first.is_visible()


@in_the_browser
@pytest.mark.parametrize("make", PLAYBOOKS.values(), ids=PLAYBOOKS)
async def test_in_print_the_brief_is_the_first_page_of_at_most_fifteen(
    make: Callable[[], Playbook], browser: Browser, tmp_path: Path
) -> None:
    page = await page_of(browser, tmp_path, make())

    whole = pages_in(await page.pdf(prefer_css_page_size=True))
    await page.evaluate("document.querySelector('.layout').remove()")
    brief = pages_in(await page.pdf(prefer_css_page_size=True))

    assert brief == 1
    assert whole <= MAX_PRINTED_PAGES
    assert await page.evaluate("getComputedStyle(document.querySelector('#brief')).breakAfter") == "auto"
    await page.emulate_media(media="print")
    assert await page.evaluate("getComputedStyle(document.querySelector('#brief')).breakAfter") == "page"


def pages_in(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@in_the_browser
async def test_a_playbook_without_a_brief_begins_with_its_summary(
    browser: Browser, tmp_path: Path, playbook: Playbook
) -> None:
    page = await page_of(browser, tmp_path, from_before(playbook))

    assert await page.locator("#brief").count() == 0
    assert await page.locator("#calls table").count() == 3
    assert await page.locator("#emails .copy").first.is_visible()
    assert await bottom(page.locator("h1")) < 100
