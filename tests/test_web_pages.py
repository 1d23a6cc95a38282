"""What holds for every page of the web app: accessible, usable on a phone, by keyboard and on paper, and small."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browsers import in_the_browser
from conftest import Finished
from matrix import sampled
from playwright.async_api import Browser, Page, Response, ViewportSize
from web import lift_server_timeouts, serving
from web_pages import DESKTOP, PHONE, PLAYBOOK, visiting

MAX_BYTES = 150_000
PLAYBOOK_PAGES = ("", "/change?section=brief", "/change?section=email_sequences.persona-1.touches[0]", "/versions")
PAGES = (
    *("/", "/history", "/history?status=failed", "/questions", "/settings", "/sign-in", "/no-such-page", "/s/unknown"),
    *("/history?since=2026-05-02&until=2026-05-01", "/?sender_name=Ada&model=host"),
    *(f"/playbooks/RUN{page}" for page in PLAYBOOK_PAGES),
    *("/playbooks/RUN/share", "/history/SESSION?delete=1"),
)
AUDIT = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(
        one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 120)).slice(0, 4).join(" | ")}`
    );
}"""
FOCUSED = """() => {
    const one = document.activeElement;
    return one === document.body ? "" : one.outerHTML.slice(0, 150);
}"""
REACHABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter(one => one.checkVisibility() && one.type !== "hidden" && one.type !== "radio")
    .map(one => one.outerHTML.slice(0, 150))"""


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


def paths(finished: Finished) -> list[str]:
    return [page.replace("RUN", finished.run_id).replace("SESSION", finished.session_id) for page in PAGES]


async def audit(page: Page) -> list[str]:
    """Return the serious findings of axe about the page as it is shown now."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    return await page.evaluate(AUDIT)


@in_the_browser
@pytest.mark.parametrize(
    ("size", "scheme"),
    sampled(
        [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "light"), (PHONE, "dark")], lambda row: row == (PHONE, "light")
    ),
)
async def test_no_page_is_hard_to_use_for_people_with_disabilities(
    size: ViewportSize, scheme: Literal["light", "dark"], browser: Browser, finished: Finished
) -> None:
    found: dict[str, list[str]] = {}
    async with serving() as http, visiting(browser, http.base_url, size=size, color_scheme=scheme) as visit:
        for path in paths(finished):
            await visit.page.goto(path)
            found[path] = await audit(visit.page)
        await visit.page.goto("/")
        for opener in await visit.page.locator("summary").all():
            await opener.click()
        await visit.page.locator("#vendor_domain").fill("localhost")
        await visit.page.locator("#prospects").fill("not a site, 127.0.0.1:1")
        found["with open details"] = await audit(visit.page)
        await visit.page.get_by_role("button", name="Start").click()
        await visit.page.locator(".fault").first.wait_for()
        found["with faults"] = await audit(visit.page)
        await visit.page.goto(f"/playbooks/{finished.run_id}")
        await visit.page.locator(".ref:visible").first.click()
        await visit.page.locator(".evidence:popover-open").wait_for()
        found["with an open quotation"] = await audit(visit.page)

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@in_the_browser
async def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, finished: Finished) -> None:
    async with serving() as http, visiting(browser, http.base_url, size=PHONE) as visit:
        widths: dict[str, int] = {}
        for path in paths(finished):
            await visit.page.goto(path)
            for opener in await visit.page.locator("summary:visible").all():
                await opener.evaluate("summary => { summary.parentElement.open = true; }")
            widths[path] = await visit.page.evaluate("document.scrollingElement.scrollWidth")

    assert {path: width for path, width in widths.items() if width > PHONE["width"]} == {}


@in_the_browser
async def test_the_start_page_is_small(browser: Browser) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        answers: list[Response] = []

        def note(answer: Response) -> None:
            answers.append(answer)

        visit.page.on("response", note)
        await visit.page.goto("/", wait_until="networkidle")
        sizes = [await answer.request.sizes() for answer in answers]

    total = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    assert 0 < total <= MAX_BYTES


@in_the_browser
async def test_a_keyboard_skips_to_the_content_and_reaches_every_control(browser: Browser, finished: Finished) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        page = visit.page
        await page.goto("/history")
        await page.keyboard.press("Tab")
        assert "Skip to the content" in await page.evaluate(FOCUSED)
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert 'id="company"' in await page.evaluate(FOCUSED)
        for path in ("/history", "/settings", f"/playbooks/{finished.run_id}/share"):
            await page.goto(path)
            controls, reached = await page.evaluate(REACHABLE), list[str]()
            await page.keyboard.press("Tab")
            while (focused := await page.evaluate(FOCUSED)) and len(reached) < 500:
                reached.append(focused)
                await page.keyboard.press("Tab")
            assert [control for control in controls if control not in reached] == []


@in_the_browser
async def test_a_printed_playbook_has_no_navigation(browser: Browser, finished: Finished) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await visit.page.goto(f"/playbooks/{finished.run_id}")
        assert await visit.page.locator(".bar").is_visible()

        await visit.page.emulate_media(media="print")

        shown = [await visit.page.locator(part).first.is_visible() for part in (".bar", ".tools", ".skip", PLAYBOOK)]
    assert shown == [False, False, False, True]
