"""Sign-ins, questions and the history of the web app, in a browser."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browsers import in_the_browser
from conftest import Finished, LoopbackSite, Pair, lift_question_timeouts
from doubles import answer_to
from pages import Stored, copied
from playwright.async_api import Browser, Page
from web import lift_server_timeouts, serving
from web_pages import COPIED, PLAYBOOK, Visit, playbook_of, question_on, sign_in, start, visiting

from octave_mcp.demo.sites import Document, load

SILENT = "127.0.0.1:9"
TOKEN = "a-token-of-thirty-two-characters!"  # noqa: S105 - only for these tests


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)
    lift_question_timeouts(monkeypatch)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OCTAVE_TOKENS", TOKEN)
    return TOKEN


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    yield from copied(finished, tmp_path / "copy", monkeypatch)


@pytest.fixture
def elsewhere() -> Iterator[LoopbackSite]:
    """A website that is another site for browsers, because they open it as localhost instead of 127.0.0.1."""
    site = LoopbackSite(load("vendor"))
    yield site
    site.close()


@in_the_browser
async def test_a_token_leads_to_the_page_that_was_asked_for_until_the_person_signs_out(
    browser: Browser, token: str
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/history?company=acme")
        await sign_in(page, "a wrong token")
        await page.get_by_text("This token is not valid here").wait_for()
        await sign_in(page, token)

        await page.get_by_role("heading", name="History").wait_for()

        assert page.url == f"{visit.origin}/history?company=acme"
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("heading", name="Sign in").wait_for()
        await page.goto("/history")
        assert await page.get_by_label("Token").is_visible()


@in_the_browser
async def test_signing_out_everywhere_ends_the_sign_ins_of_other_browsers(browser: Browser, token: str) -> None:
    async with (
        serving() as http,
        visiting(browser, http.base_url) as visit,
        visiting(browser, http.base_url) as elsewhere,
    ):
        for page in (visit.page, elsewhere.page):
            await page.goto("/settings")
            await sign_in(page, token)
            await page.get_by_role("heading", name="Settings").wait_for()

        await elsewhere.page.get_by_role("button", name="Sign out everywhere").click()
        await elsewhere.page.get_by_label("Token").wait_for()

        await visit.page.reload()
        assert await visit.page.get_by_label("Token").is_visible()


async def follow_link(visit: Visit, elsewhere: LoopbackSite, target: str) -> None:
    """Follow a link to this address from a page of the other website, and forget all requests before that."""
    elsewhere.documents["/"] = Document(f'<a href="{target}">A playbook</a>'.encode(), "text/html")
    await visit.page.goto(f"http://localhost:{elsewhere.server_port}/")
    visit.opened.requests.clear()
    await visit.page.get_by_role("link", name="A playbook").click()


@in_the_browser
async def test_a_link_on_another_site_leads_a_person_who_is_signed_in_to_the_playbook(
    browser: Browser, token: str, stored: Stored, elsewhere: LoopbackSite
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        target = f"{visit.origin}{stored.at}?version=1"
        await visit.page.goto("/")
        await sign_in(visit.page, token)
        await visit.page.get_by_role("heading", name="New playbook").wait_for()

        await follow_link(visit, elsewhere, target)

        await visit.page.locator(PLAYBOOK).wait_for()
        assert visit.page.url == target
        # Browsers leave out the cookie when they follow the link, and send it when the page asks them to load it again.
        assert visit.opened.requests.count(target) == 2


@in_the_browser
async def test_a_link_on_another_site_leads_a_person_who_is_not_signed_in_to_the_sign_in_and_then_to_the_playbook(
    browser: Browser, token: str, stored: Stored, elsewhere: LoopbackSite
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        target = f"{visit.origin}{stored.at}?version=1"

        await follow_link(visit, elsewhere, target)

        await visit.page.get_by_label("Token").wait_for()
        assert visit.opened.requests.count(target) == 2
        await sign_in(visit.page, token)
        await visit.page.locator(PLAYBOOK).wait_for()
        assert visit.page.url == target


@in_the_browser
async def test_a_form_that_is_sent_after_the_sign_in_has_expired_keeps_its_text(
    browser: Browser, token: str, held_pair: Pair, home: Path
) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/")
        await sign_in(page, token)
        await page.locator("#vendor_domain").fill(held_pair.domains["vendor_domain"])
        await page.locator("#prospects").fill(held_pair.domains["prospect_domain"])
        await page.locator("#context").fill('They said "later" <twice>.')
        with closing(sqlite3.connect(home / "octave.db", isolation_level=None)) as database:
            database.execute("update sign_ins set expires_at = '2026-01-01T00:00:00+00:00'")
        await page.get_by_role("button", name="Start").click()

        async with page.expect_popup() as opening:
            await page.get_by_role("link", name="Sign in again in a new tab").click()
        other = await opening.value
        await sign_in(other, token)
        await other.get_by_role("heading", name="New playbook").wait_for()
        await page.get_by_role("button", name="Continue").click()
        await page.get_by_text("This form belongs to an earlier sign-in").wait_for()

        assert await page.locator("#context").input_value() == 'They said "later" <twice>.'
        await page.get_by_role("button", name="Start").click()
        await page.wait_for_url("**/playbooks/*")
        await page.get_by_role("button", name="Cancel the run").click()
        await page.get_by_text("The run was cancelled").wait_for()
        visit.opened.complaints.remove(f"{visit.origin}/sign-in")  # the new tab


@in_the_browser
async def test_a_person_passes_questions_to_a_model_until_the_playbook_is_written(browser: Browser, pair: Pair) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        run_id = await start(page, pair, "host")
        await page.get_by_role("link", name="Answer the questions").click()
        answers, playbook = page.get_by_label("The model's answer"), page.locator(PLAYBOOK)
        await answers.wait_for()
        await page.get_by_role("button", name="Copy the question").click()
        await page.get_by_role("button", name="Copied").wait_for()
        assert "Answer with one JSON object of this JSON Schema" in await page.evaluate(COPIED)
        await answers.fill("I would rather not.")
        await page.get_by_role("button", name="Send the answer").click()
        await page.get_by_text("no complete JSON object").first.wait_for()
        await page.get_by_text("Your answer", exact=True).click()
        assert await page.locator(".notice pre").first.inner_text() == "I would rather not."

        corrections = 0
        while not await playbook.count():
            question = await question_on(http, page)
            if question["corrects"]:
                corrections += 1
                await page.get_by_role("button", name="Copy it for a new chat").click()
                await page.get_by_role("button", name="Copied").wait_for()
                assert question["material"] in (copied := await page.evaluate(COPIED))
                assert question["complaint"] in copied
            await answers.fill(json.dumps(answer_to(question)))
            await page.get_by_role("button", name="Send the answer").click()
            await page.wait_for_load_state()
            await answers.or_(playbook).first.wait_for()

        assert corrections
        assert page.url.rpartition("/")[2].startswith(run_id)


async def deals(page: Page) -> list[str]:
    return await page.locator(".runs tbody td:first-child").all_inner_texts()


async def search(page: Page, **fields: str) -> None:
    await page.goto("/history")
    for name, value in fields.items():
        field = page.locator(f"form [name={name}]")
        await (field.select_option(value) if name == "status" else field.fill(value))
    await page.get_by_role("button", name="Search").click()
    await page.wait_for_url("**/history?*")


@in_the_browser
async def test_history_finds_runs_by_company_status_and_day_and_pages_through_all(
    browser: Browser, held_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", f"{held_pair.hosts},{SILENT}")
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/history")
        assert await page.get_by_text("Start your first playbook").is_visible()
        sites = [held_pair.domains] * 23 + [held_pair.domains | {"vendor_domain": f"http://{SILENT}"}]
        for number, pair in enumerate(sites):
            run = (await http.post("/runs", json=pair | {"request_id": str(number)})).json()
            await http.post(f"/runs/{run['run_id']}/cancel")
        today = datetime.now(UTC).date()

        await search(page, company="127.0.0.1:9")
        assert len(await deals(page)) == 1
        await search(page, status="completed")
        assert await page.get_by_text("No run matches").is_visible()
        await search(page, since=f"{today + timedelta(days=2)}")
        assert await page.get_by_text("No run matches").is_visible()
        await search(
            page, since=f"{today - timedelta(days=2)}", until=f"{today + timedelta(days=2)}", status="cancelled"
        )
        first = await deals(page)
        await page.get_by_role("link", name="Older").click()
        await page.wait_for_url("**cursor=*")
        rest = await deals(page)

    assert (len(first), len(rest)) == (20, 4)


@in_the_browser
async def test_a_wrong_range_of_days_is_explained_beside_the_filters(browser: Browser) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await visit.page.goto("/history?since=2026-05-02&until=2026-05-01")

        assert "is after" in await visit.page.locator(".fault").first.inner_text()
        assert await visit.page.locator("#since").input_value() == "2026-05-02"


@in_the_browser
async def test_a_session_lists_its_runs_and_is_deleted_only_after_a_second_click(browser: Browser, pair: Pair) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        run_id = await playbook_of(page, pair)
        await page.get_by_text("More", exact=True).click()
        await page.get_by_role("link", name="Delete").click()
        await page.get_by_role("heading", name="1 run").wait_for()
        assert len(await deals(page)) == 1
        assert (await http.get(f"/runs/{run_id}")).status_code == 200

        await page.get_by_role("button", name="Delete 1 run permanently").click()

        await page.get_by_text("Deleted 1 run").wait_for()
        answer = await page.goto(f"/playbooks/{run_id}")
        assert answer
        assert answer.status == 404
