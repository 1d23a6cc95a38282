"""A playbook in the web app: read its quotations, change it, compare its versions, download it and share it."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from browsers import in_the_browser
from conftest import Finished, Pair, lift_question_timeouts
from doubles import OF_HOST, Double, Request
from playwright.async_api import Browser, Page
from test_revise import answering, email, of_touch
from web import lift_server_timeouts, serving
from web_pages import PLAYBOOK, playbook_of, question_on, run_in, visiting

from octave_mcp.domain.choices import FORMATS

TOUCH = "email_sequences.persona-1.touches[2]"
OPEN_EVIDENCE = ".evidence:popover-open"


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)
    lift_question_timeouts(monkeypatch)


async def text_of(page: Page, selector: str) -> str:
    return " ".join((await page.locator(selector).inner_text()).split())


@in_the_browser
async def test_a_click_on_a_claim_shows_its_quotation_and_escape_closes_it(
    browser: Browser, finished: Finished
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await visit.page.goto(f"/playbooks/{finished.run_id}")
        assert await visit.page.locator(OPEN_EVIDENCE).count() == 0

        await visit.page.locator(".claim:visible").first.click(position={"x": 4, "y": 8})

        await visit.page.locator(OPEN_EVIDENCE).wait_for()
        assert await visit.page.locator(f"{OPEN_EVIDENCE} blockquote").first.is_visible()
        await visit.page.keyboard.press("Escape")
        await visit.page.locator(OPEN_EVIDENCE).wait_for(state="hidden")


@in_the_browser
async def test_an_instruction_rewrites_an_email_and_the_comparison_marks_the_words(
    browser: Browser, pair: Pair, double: Double
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        run_id = await playbook_of(page, pair, "openai")
        double.fails(answering(email), of_touch)

        await page.goto(f"/playbooks/{run_id}/change?section={TOUCH}")
        await page.get_by_label("Instruction").fill("Offer them a list that they can use at once")
        await page.get_by_role("button", name="Revise").click()
        await page.get_by_text("Version 2: revised E-mails").wait_for()

        assert run_id in page.url
        await page.get_by_role("link", name="Show what changed").click()
        await page.get_by_role("heading", name="Version 1 → 2").wait_for()
        assert "the rounds" in [text.strip() for text in await page.locator("ins").all_inner_texts()]
        assert await page.locator("del").count() > 0
        await page.goto(f"/playbooks/{run_id}/versions")
        assert "Offer them a list" in await page.locator(".runs").inner_text()


@in_the_browser
async def test_a_model_in_a_chat_follows_an_instruction_and_the_page_shows_the_new_version(
    browser: Browser, pair: Pair, double: Double
) -> None:
    assert double.url
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        run_id = await playbook_of(page, pair, "openai")
        await page.goto(f"/playbooks/{run_id}/change?section={TOUCH}")
        await page.get_by_label("Instruction").fill("Offer them a list that they can use at once")
        await page.get_by_label("Model").select_option("host")
        await page.get_by_role("button", name="Revise").click()
        await page.get_by_role("link", name="Answer the questions").wait_for()
        revision = run_in(page)

        await page.get_by_role("link", name="Questions", exact=True).click()
        await page.locator(".waiting a").click()
        answer = page.get_by_label("The model's answer")
        await answer.wait_for()
        await answer.fill(json.dumps(email(Request(OF_HOST, {}, await question_on(http, page)))))
        await page.get_by_role("button", name="Send the answer").click()
        await page.get_by_text("Version 2: revised E-mails").wait_for()

        assert run_id in page.url
        assert "the rounds" in await page.locator(PLAYBOOK).inner_text()
        edit = {"base_version": 2, "text": "You plan it by hand."}
        (await http.put(f"/runs/{run_id}/sections/brief.first_line", json=edit)).raise_for_status()
        await page.goto(f"/playbooks/{run_id}?done={revision}")
        await page.get_by_role("link", name="Show what changed").click()
        await page.get_by_role("heading", name="Version 1 → 2").wait_for()


@in_the_browser
async def test_text_written_by_hand_is_stored_with_a_warning_beside_it(
    browser: Browser, pair: Pair, double: Double
) -> None:
    assert double.url
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        run_id = await playbook_of(page, pair, "openai")
        await page.goto(f"/playbooks/{run_id}/change?section=email_sequences.persona-1.touches[0]")
        text = page.get_by_label("Text", exact=True)
        written = await text.input_value()
        await text.fill(f"{written}\n\nWe saved Quill 731 hours in 2019.")
        await page.get_by_label("Your name").fill("Ada")

        await page.get_by_role("button", name="Save as a new version").click()

        await page.get_by_text("Your text was saved as version 2").wait_for()
        shown = page.locator("#email_sequences-0-touches-0")
        assert "731 hours" in await shown.inner_text()
        assert "on no page that was read" in await shown.inner_text()
        await page.get_by_role("link", name="Versions").click()
        assert "by Ada" in await text_of(page, ".runs")


@in_the_browser
@pytest.mark.long
async def test_a_text_that_was_edited_elsewhere_is_kept_and_stored_only_when_it_is_sent_again(
    browser: Browser, pair: Pair
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        run_id = await playbook_of(visit.page, pair)
        change = f"/playbooks/{run_id}/change?section=email_sequences.persona-1.touches[0].subject"
        other = await visit.context.new_page()
        for page in (visit.page, other):
            await page.goto(change)
        for page, text in ((other, "Call the depot first."), (visit.page, "Write to the depot first.")):
            await page.locator("#text").fill(text)
            await page.get_by_role("button", name="Save as a new version").click()

        await visit.page.get_by_text("A newer version was created").wait_for()

        assert await visit.page.locator("#text").input_value() == "Write to the depot first."
        await visit.page.get_by_role("button", name="Save as a new version").click()
        await visit.page.get_by_text("Your text was saved").wait_for()
        assert "Write to the depot first." in await visit.page.locator(PLAYBOOK).inner_text()


@in_the_browser
@pytest.mark.long
async def test_a_refresh_reads_the_pages_again_and_says_what_it_found(browser: Browser, pair: Pair) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        run_id = await playbook_of(visit.page, pair)
        before = pair.prospect.hits.total()

        await visit.page.get_by_text("More", exact=True).click()
        await visit.page.get_by_role("button", name="Refresh").click()

        await visit.page.locator(".done").wait_for()
        assert run_id in visit.page.url
        assert pair.prospect.hits.total() > before


@in_the_browser
async def test_every_format_is_downloaded_as_a_file(browser: Browser, finished: Finished) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await visit.page.goto(f"/playbooks/{finished.run_id}")
        await visit.page.get_by_text("Download", exact=True).click()
        links = visit.page.locator(".menu a[download]")
        names, sizes = set[str](), list[int]()
        for number in range(await links.count()):
            async with visit.page.expect_download() as started:
                await links.nth(number).click()
            download = await started.value
            sizes.append((await download.path()).stat().st_size)
            names.add(download.suggested_filename.rpartition(".")[2])

    assert names == {form.suffix for form in FORMATS}
    assert all(size > 0 for size in sizes)


async def link_to(page: Page, run_id: str) -> str:
    """Make a link on the page Share, and return it."""
    await page.goto(f"/playbooks/{run_id}/share")
    await page.get_by_role("button", name="Create link").click()
    return await page.get_by_label("The link", exact=True).input_value()


async def shows_only_that_it_ended(page: Page, link: str) -> None:
    answer = await page.goto(link)
    assert answer
    assert answer.status == 404
    assert await page.locator("a[href]:not([href='#main'])").count() == 0
    assert "does not work" in (await page.locator("main").inner_text()).lower()


@in_the_browser
async def test_a_shared_link_shows_the_playbook_in_another_browser_until_it_is_revoked(
    browser: Browser, pair: Pair
) -> None:
    async with (
        serving() as http,
        visiting(browser, http.base_url) as visit,
        visiting(browser, http.base_url) as guest,
    ):
        run_id = await playbook_of(visit.page, pair)
        link = await link_to(visit.page, run_id)
        await guest.page.goto(link)
        assert await guest.page.locator(PLAYBOOK).is_visible()
        targets = await guest.page.locator("a, form, [href]").evaluate_all(
            "all => all.map(one => one.getAttribute('href') ?? one.getAttribute('action'))"
        )
        assert [target for target in targets if target.startswith("/") and not target.startswith("/static/")] == []
        assert run_id not in await guest.page.content()

        await visit.page.get_by_role("button", name=re.compile("Revoke")).click()
        await visit.page.get_by_text("revoked", exact=True).wait_for()

        await shows_only_that_it_ended(guest.page, link)


@in_the_browser
async def test_a_shared_link_that_has_expired_says_so_and_nothing_else(
    browser: Browser, pair: Pair, home: Path
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        run_id = await playbook_of(visit.page, pair)
        link = await link_to(visit.page, run_id)
        with closing(sqlite3.connect(home / "octave.db", isolation_level=None)) as database:
            database.execute("update shares set expires_at = created_at")

        await shows_only_that_it_ended(visit.page, link)

        await visit.page.goto(f"/playbooks/{run_id}/share")
        assert await visit.page.get_by_text("expired", exact=True).is_visible()
