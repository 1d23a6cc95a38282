"""Helpers that open the web pages of a server in Chromium, as a person does."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from browsers import Opened
from conftest import LoopbackSite, Pair
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize

from octave_mcp.demo.sites import about, load
from octave_mcp.domain.company import Role

DESKTOP, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
# Chromium logs each page whose status is an error, such as a form with faults, and that signing out clears its cache.
EXPECTED = ("Failed to load resource: the server responded with a status of 4", "Clear-Site-Data header")
# Counts how often the person presses a button of the mouse.
COUNT_PRESSES = "addEventListener('pointerdown', () => pressed(), true)"
ROLES: tuple[Role, ...] = ("vendor", "prospect")
COPIED = "navigator.clipboard.readText()"
PLAYBOOK = "body.reading .layout"


@dataclass
class Visit:
    """A browser with one profile. `page` is its tab. `presses` is how often a button of the mouse was pressed."""

    context: BrowserContext
    opened: Opened
    origin: str
    presses: int = 0

    @property
    def page(self) -> Page:
        return self.opened.page

    def press(self) -> None:
        self.presses += 1

    def check(self) -> None:
        """Check that the page has only requested what the server serves, and that nothing went wrong in it.

        A violation of the content security policy is a message on the console.
        """
        elsewhere = [url for url in self.opened.requests if not url.startswith((f"{self.origin}/", "data:"))]
        assert not elsewhere, elsewhere
        complaints = [text for text in self.opened.complaints if not text.startswith(EXPECTED)]
        assert not complaints, complaints


@asynccontextmanager
async def visiting(
    browser: Browser,
    origin: object,
    *,
    size: ViewportSize = DESKTOP,
    scripts: bool = True,
    **options: Any,  # noqa: ANN401 - those of Playwright
) -> AsyncGenerator[Visit]:
    """Open a new profile of the browser, and check when it is closed that its pages were sound."""
    at = str(origin).rstrip("/")
    context = await browser.new_context(
        base_url=at, java_script_enabled=scripts, reduced_motion="reduce", viewport=size, **options
    )
    await context.grant_permissions(["clipboard-read", "clipboard-write"], origin=at)
    visit = Visit(context, Opened(await context.new_page()), at)
    await context.expose_function("pressed", visit.press)  # pyright: ignore[reportUnknownMemberType] - not in its stub
    await context.add_init_script(COUNT_PRESSES)
    try:
        yield visit
        visit.check()
    finally:
        await context.close()  # an open page would keep the server from stopping


async def fill(page: Page, fields: Mapping[str, str]) -> None:
    """Enter a text in each of these fields."""
    for name, text in fields.items():
        await page.locator(f"[name={name}]").fill(text)


async def sign_in(page: Page, token: str) -> None:
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in").click()


async def start(page: Page, pair: Pair, model: str = "", **fields: str) -> str:
    """Start a run on the page New, and return its id as soon as the run's page is shown."""
    await page.goto("/")
    sites = pair.domains
    await fill(page, {"vendor_domain": sites["vendor_domain"], "prospects": sites["prospect_domain"]})
    await page.get_by_text("Model, source and limits").click()
    await fill(page, {"max_pages": "4"} | fields)
    if model:
        await page.locator(f"input[name=model][value={model}]").check()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/playbooks/*")
    return run_in(page)


async def playbook_of(page: Page, pair: Pair, model: str = "") -> str:
    """Start a run, wait until its page shows the playbook, and return the run's id."""
    run_id = await start(page, pair, model)
    await page.locator(PLAYBOOK).wait_for()
    return run_id


def run_in(page: Page) -> str:
    """Return the id of the run whose page is shown."""
    found = re.search(r"run_[0-9a-f]{32}", page.url)
    assert found, page.url
    return found[0]


async def question_on(http: httpx2.AsyncClient, page: Page) -> dict[str, Any]:
    """Return the question that the page shows, as the API describes it."""
    at = page.url.replace("/playbooks/", "/runs/").removesuffix("/questions")
    shown = await page.locator("[name=question_id]").get_attribute("value")
    question = (await http.get(f"{at}/questions/next", params={"question_id": shown})).json()["question"]
    if not question["material"]:
        corrected = (await http.get(f"{at}/questions/next", params={"question_id": question["corrects"]})).json()
        question["material"] = corrected["question"]["material"]
    return question


def counted(page: Page, name: str) -> Locator:
    """Return the figure with this name on the page of a run, as soon as it is not zero."""
    return page.locator(f"[data-figure={name}]", has_text=re.compile("[1-9]"))


def sites_by_name() -> tuple[Pair, dict[str, int]]:
    """Serve the demo's companies for their own domains, and return the sites and the port of each domain."""
    sites: dict[str, LoopbackSite] = {}
    for role in ROLES:
        sites[role] = site = LoopbackSite(load(role))
        origin = f"http://{about(role)['domain']}"
        site.documents, site.missing = load(role).documents(origin), load(role).missing(origin)
    return Pair(**sites), {about(role)["domain"]: sites[role].server_port for role in ROLES}
