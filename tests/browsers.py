"""Helpers that open playbook pages and other files in Chromium."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Request, ViewportSize, async_playwright

from octave_mcp.domain.playbook import Playbook
from octave_mcp.exports.html import Html

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

NO_TEXTS: Mapping[str, str] = MappingProxyType({})
OPEN_EACH_SOURCE = """async () => {
    const found = [];
    for (const opener of document.querySelectorAll("[data-source]")) {
        const page = document.getElementById(opener.getAttribute("popovertarget"));
        const toggled = () => new Promise(done => page.addEventListener("toggle", done, { once: true }));
        const [opens] = [toggled(), opener.click()];
        await opens;
        const frame = page.getBoundingClientRect();
        const marked = [...page.querySelectorAll("mark.asked")].filter(mark => {
            const place = mark.getBoundingClientRect();
            return place.bottom > frame.top && place.top < frame.bottom;
        });
        found.push([opener.dataset.source, marked.map(mark => mark.textContent).join(" ").split(/\\s+/).join(" ")]);
        const [closes] = [toggled(), page.hidePopover()];
        await closes;
    }
    return found;
}"""

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS), timeout=0)
        yield browser
        await browser.close()


class Opened:
    """A page in a browser. `complaints` lists the errors, console messages and popups of the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(0)  # if a test hangs, pytest ends the session
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._requested)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("popup", lambda popup: self.complaints.append(popup.url))

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)


def in_the_browser(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    return needs_browser(pytest.mark.asyncio(loop_scope="module")(test))


async def opened(
    browser: Browser,
    folder: Path,
    playbook: Playbook,
    *,
    scripts: bool = True,
    size: ViewportSize | None = None,
    texts: Mapping[str, str] = NO_TEXTS,
) -> Opened:
    """Open the HTML export of a playbook.

    `texts` maps digests of web pages to the texts of the pages. The export embeds these texts.
    """
    file = folder / "playbook.html"
    file.write_text(Html(texts).render(playbook), "utf-8")
    return await opened_file(browser, file, scripts=scripts, size=size)


async def opened_file(
    browser: Browser, file: Path, *, scripts: bool = True, size: ViewportSize | None = None
) -> Opened:
    context = await browser.new_context(
        java_script_enabled=scripts, reduced_motion="reduce", viewport=size, offline=True
    )
    html = Opened(await context.new_page())
    await html.page.goto(file.as_uri())
    return html


async def quotations_marked(page: Page) -> dict[str, set[str]]:
    """Open each source in the file, and map the source's number to the quotations that are highlighted in it.

    All highlighted quotations of a source are joined into one line.
    """
    quotations: dict[str, set[str]] = defaultdict(set)
    for number, text in await page.evaluate(OPEN_EACH_SOURCE):
        quotations[number].add(text)
    return quotations
