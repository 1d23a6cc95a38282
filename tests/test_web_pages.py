"""What holds for every page of the web app: accessible, usable on a phone, by keyboard and on paper, and small."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browsers import in_the_browser
from conftest import Finished, Pair
from matrix import sampled
from pages import BEARER, TOKEN, Stored, copied, execute
from playwright.async_api import Browser, Page, Response, ViewportSize
from web import lift_server_timeouts, serving
from web_pages import DESKTOP, PHONE, PLAYBOOK, fill, sign_in, visiting

MAX_BYTES = 150_000
MAX_TABS = 500
WIDTH = "document.scrollingElement.scrollWidth"
PLAYBOOK_PAGES = (
    *("", "/change?section=brief", "/change?section=email_sequences.persona-1.touches[0]", "/versions", "/diff"),
    "/share",
)
# RUN, SESSION, WAITING and SHARED stand for names in `opened`.
PAGES = (
    *(
        "/",
        "/history",
        "/history?status=failed",
        "/questions",
        "/settings",
        "/sign-in",
        "/history/no-such-page",
        "/s/unknown",
    ),
    *("/history?since=2026-05-02&until=2026-05-01", "/?sender_name=Ada&model=host"),
    *(f"/playbooks/RUN{page}" for page in PLAYBOOK_PAGES),
    *("/history/SESSION", "/history/SESSION?delete=1"),
    *("/playbooks/WAITING", "/playbooks/WAITING/questions", "SHARED"),
)
WITH_KEYBOARD = (
    *("/history", "/settings", "/history/SESSION", "/playbooks/RUN/share", "/playbooks/RUN/diff"),
    *("/playbooks/WAITING", "/playbooks/WAITING/questions", "SHARED"),
)
AUDIT = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(
        one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 120)).slice(0, 4).join(" | ")}`
    );
}"""
# The navigation marks the link of the section that is on the screen. The mark moves while the focus moves.
AS_TEXT = """(one => one.outerHTML.replace(/ aria-current="[a-z]+"/, "").slice(0, 150))"""
FOCUSED = f"""() => {{
    const one = document.activeElement;
    return one === document.body ? "" : {AS_TEXT}(one);
}}"""
REACHABLE = f"""() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter(one => one.checkVisibility() && one.type !== "hidden" && one.type !== "radio")
    .map({AS_TEXT})"""


@pytest.fixture(autouse=True)
def lift_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    lift_server_timeouts(monkeypatch)


@pytest.fixture
def stored(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stored]:
    yield from copied(finished, tmp_path / "copy", monkeypatch)


Names = dict[str, str]


@asynccontextmanager
async def opened(
    browser: Browser,
    stored: Stored,
    pair: Pair,
    **options: Any,  # noqa: ANN401 - those of `visiting`
) -> AsyncGenerator[tuple[Page, Names]]:
    """Serve a playbook with two versions and a link, and a run that waits for answers, to a person who is signed in."""
    async with serving(tokens=(TOKEN,)) as http, visiting(browser, http.base_url, **options) as visit:
        http.headers.update(BEARER)
        edit = {"base_version": 1, "text": "You plan the rounds by hand.", "by": "Ada"}
        await http.put(f"/runs/{stored.run_id}/sections/brief.first_line", json=edit)
        link = (await http.post(f"/runs/{stored.run_id}/shares", json={})).json()["path"]
        waiting = (await http.post("/runs", json=pair.few | {"model": "host"})).json()["run_id"]
        while not (await http.get(f"/runs/{waiting}/questions/next?wait_seconds=600")).json()["question"]:
            pass
        await visit.page.goto("/sign-in")
        await sign_in(visit.page, TOKEN)
        await visit.page.get_by_role("heading", name="New playbook").wait_for()
        yield visit.page, {"RUN": stored.run_id, "SESSION": stored.session_id, "WAITING": waiting, "SHARED": link}


def paths(pages: Iterable[str], names: Names) -> list[str]:
    found = [*pages]
    for name, text in names.items():
        found = [page.replace(name, text) for page in found]
    return found


async def end_the_sign_in(page: Page, stored: Stored) -> None:
    """Send a form after the sign-in has ended, so that the page asks the person to sign in again."""
    await page.goto("/")
    await fill(page, {"vendor_domain": "acme.com", "prospects": "quill.org"})
    execute(stored.home, "delete from sign_ins")
    await page.get_by_role("button", name="Start").click()
    await page.get_by_role("heading", name="Your sign-in has ended").wait_for()


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
    size: ViewportSize, scheme: Literal["light", "dark"], browser: Browser, stored: Stored, finished: Finished
) -> None:
    found: dict[str, list[str]] = {}
    async with opened(browser, stored, finished.pair, size=size, color_scheme=scheme) as (page, names):
        for path in paths(PAGES, names):
            await page.goto(path)
            found[path] = await audit(page)
        await page.goto("/")
        for opener in await page.locator("summary").all():
            await opener.click()
        await fill(page, {"vendor_domain": "localhost", "prospects": "not a site, 127.0.0.1:1"})
        found["with open details"] = await audit(page)
        await page.get_by_role("button", name="Start").click()
        await page.locator(".fault").first.wait_for()
        found["with faults"] = await audit(page)
        await page.goto(f"/playbooks/{stored.run_id}")
        await page.locator(".ref:visible").first.click()
        await page.locator(".evidence:popover-open").wait_for()
        found["with an open quotation"] = await audit(page)
        await end_the_sign_in(page, stored)
        found["after the sign-in"] = await audit(page)

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@in_the_browser
async def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, stored: Stored, finished: Finished) -> None:
    async with opened(browser, stored, finished.pair, size=PHONE) as (page, names):
        widths: dict[str, int] = {}
        for path in paths(PAGES, names):
            await page.goto(path)
            for opener in await page.locator("summary:visible").all():
                await opener.evaluate("summary => { summary.parentElement.open = true; }")
            widths[path] = await page.evaluate(WIDTH)
        await end_the_sign_in(page, stored)
        widths["after the sign-in"] = await page.evaluate(WIDTH)

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
async def test_a_keyboard_skips_to_the_content_and_reaches_every_control(
    browser: Browser, stored: Stored, finished: Finished
) -> None:
    async with opened(browser, stored, finished.pair) as (page, names):
        await page.goto("/history")
        await page.keyboard.press("Tab")
        assert "Skip to the content" in await page.evaluate(FOCUSED)
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert 'id="company"' in await page.evaluate(FOCUSED)
        missed: dict[str, list[str]] = {}
        for path in paths(WITH_KEYBOARD, names):
            await page.goto(path)
            missed[path] = await missed_by_tab(page)
        await end_the_sign_in(page, stored)
        missed["after the sign-in"] = await missed_by_tab(page)

    assert {path: controls for path, controls in missed.items() if controls} == {}


async def missed_by_tab(page: Page) -> list[str]:
    """Press Tab until the focus leaves the page, and return the controls that never had the focus."""
    controls, reached = await page.evaluate(REACHABLE), list[str]()
    assert controls
    await page.keyboard.press("Tab")
    while (focused := await page.evaluate(FOCUSED)) and len(reached) < MAX_TABS:
        reached.append(focused)
        await page.keyboard.press("Tab")
    return [control for control in controls if control not in reached]


@in_the_browser
async def test_a_printed_playbook_has_no_navigation(browser: Browser, finished: Finished) -> None:
    async with serving() as http, visiting(browser, http.base_url) as visit:
        await visit.page.goto(f"/playbooks/{finished.run_id}")
        assert await visit.page.locator(".bar").is_visible()

        await visit.page.emulate_media(media="print")

        shown = [await visit.page.locator(part).first.is_visible() for part in (".bar", ".tools", ".skip", PLAYBOOK)]
    assert shown == [False, False, False, True]
