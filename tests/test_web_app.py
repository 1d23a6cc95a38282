"""The web app in a browser: start a run, follow it, and copy the first e-mail of its playbook."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial

import pytest
from browsers import in_the_browser
from conftest import LoopbackSite, Pair, lift_site_timeouts
from playwright.async_api import Browser
from test_rest import own_process
from web import lift_server_timeouts, serving
from web_pages import COPIED, PLAYBOOK, counted, fill, playbook_of, run_in, sites_by_name, start, visiting

from octave_mcp.app import App
from octave_mcp.demo.sites import load
from octave_mcp.surfaces import serving as server_module

# The options, the recorded model, Start, and Copy.
CLICKS = 4
FOUND = ".found-so-far li"


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def named_pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """The demo's companies under their own domains, for which the project has recorded answers."""
    sites, served = sites_by_name()
    lift_site_timeouts(monkeypatch)
    monkeypatch.setattr(server_module, "_make", partial(App, served=served))
    yield sites
    sites.close()


@in_the_browser
async def test_the_first_email_is_copied_with_few_clicks_while_the_page_follows_the_run(
    browser: Browser, named_pair: Pair
) -> None:
    named_pair.prospect.held_at = 12
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/")
        await fill(page, {"vendor_domain": "http://wrenhaul.example", "prospects": "http://hearthwain.example"})
        await page.get_by_text("Model, source and limits").click()
        await page.get_by_text("Recorded answers", exact=True).click()
        await page.get_by_role("button", name="Start").click()
        await counted(page, "pages").wait_for()
        await counted(page, "asks").wait_for()
        await page.locator(FOUND).first.wait_for()
        await page.locator(".steps .finished").first.wait_for()
        assert (await page.locator("[data-figure=usd]").inner_text()).startswith("$")
        assert await page.locator(".steps [aria-current=step]").count() == 1
        named_pair.release()

        await page.locator("#brief .mail.first").get_by_role("button", name="Copy e-mail").click()
        await page.locator("#brief").get_by_role("button", name="Copied").wait_for()

        copied, shown = await page.evaluate(COPIED), await page.locator("#brief .mail.first .body").text_content()
    assert copied.startswith("Subject: ")
    assert shown
    assert copied.split("\n\n")[1] in shown
    assert visit.presses == CLICKS


@in_the_browser
@pytest.mark.long
async def test_a_page_that_is_reloaded_in_the_middle_of_a_run_shows_all_progress_again(
    browser: Browser, pair: Pair
) -> None:
    pair.prospect.held_at = 12
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await start(visit.page, pair, max_pages="12")
        await visit.page.locator(FOUND).first.wait_for()
        found = await visit.page.locator(FOUND).all_inner_texts()
        pages = int(await counted(visit.page, "pages").inner_text())

        await visit.page.reload()

        for text in found:
            await visit.page.locator(FOUND, has_text=text).first.wait_for()
        while int(await counted(visit.page, "pages").inner_text()) < pages:
            pass
        pair.release()
        await visit.page.locator(PLAYBOOK).wait_for()


@in_the_browser
async def test_a_cancelled_run_offers_to_start_again_with_the_fields_filled(browser: Browser, held_pair: Pair) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await start(visit.page, held_pair, context="They met us at the fair.")

        await visit.page.get_by_role("button", name="Cancel the run").click()

        await visit.page.get_by_text("The run was cancelled").wait_for()
        await visit.page.get_by_role("link", name="Start again").click()
        await visit.page.get_by_role("heading", name="New playbook").wait_for()
        given = {name: await visit.page.locator(f"#{name}").input_value() for name in ("vendor_domain", "prospects")}
        assert given == {
            "vendor_domain": held_pair.domains["vendor_domain"],
            "prospects": held_pair.domains["prospect_domain"],
        }
        assert await visit.page.locator("#context").input_value() == "They met us at the fair."


@in_the_browser
async def test_a_failed_run_says_why_without_a_reload_by_the_person(browser: Browser, pair: Pair) -> None:
    pair.prospect.failing = dict.fromkeys(pair.prospect.documents, 500)
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await start(visit.page, pair)

        await visit.page.get_by_text("No playbook was written").wait_for()

        assert pair.prospect.host in await visit.page.locator(".notice p").inner_text()
        await visit.page.get_by_role("link", name="Start again").click()
        assert await visit.page.locator("#prospects").input_value() == pair.domains["prospect_domain"]


@in_the_browser
@pytest.mark.long
async def test_an_open_page_goes_on_when_the_server_is_killed_and_started_again(browser: Browser, pair: Pair) -> None:
    pair.prospect.held_at = 12
    async with own_process("--http", "--port", "0") as (origin, process), visiting(browser, origin) as visit:
        run_id = await start(visit.page, pair, max_pages="12")
        await visit.page.locator(FOUND).first.wait_for()
        pages = int(await counted(visit.page, "pages").inner_text())
        process.send_signal(signal.SIGKILL)
        await process.wait()
        async with own_process("--http", "--port", origin.rpartition(":")[2]):
            await visit.page.reload()
            while int(await counted(visit.page, "pages").inner_text()) < pages:
                pass
            pair.release()
            await visit.page.locator(PLAYBOOK).wait_for()
        assert run_in(visit.page) == run_id
        lost = "Failed to load resource: net::ERR_"
        visit.opened.complaints[:] = [text for text in visit.opened.complaints if not text.startswith(lost)]


@in_the_browser
async def test_without_scripts_a_run_is_started_and_its_playbook_read(browser: Browser, pair: Pair) -> None:
    async with serving() as http, visiting(browser, http.base_url, scripts=False) as visit:
        await playbook_of(visit.page, pair)

        assert await visit.page.locator(".mail .body").first.is_visible()
        assert await visit.page.locator("[data-copy]:visible").count() == 0


@in_the_browser
async def test_a_list_of_three_prospects_starts_three_runs_in_one_session(
    browser: Browser, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [LoopbackSite(load("prospect")) for _ in range(2)]
    monkeypatch.setenv("OCTAVE_ALLOW_HOSTS", ",".join([pair.hosts, *(site.host for site in others)]))
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/")
        sites = [pair.domains["prospect_domain"], *(f"http://{site.host}" for site in others)]
        await fill(page, {"vendor_domain": pair.domains["vendor_domain"], "prospects": "\n".join(sites)})
        await page.get_by_role("button", name="Start").click()

        await page.wait_for_url("**/history/*")
        assert await page.locator(".runs tbody tr").count() == 3
        await page.locator(".chip.good").nth(2).wait_for()
    for site in others:
        site.close()
