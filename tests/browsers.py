"""A browser, for what people see."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playbooks import export
from playwright.async_api import Browser, Page, Request, ViewportSize, async_playwright

from octave_mcp.domain.playbook import Playbook

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

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_ARGS), timeout=0)
        yield browser
        await browser.close()


class Opened:
    """A page in a browser, with all that it asked for and complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(0)  # a hanging test is ended by pytest
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
) -> Opened:
    """The page of a playbook."""
    file = folder / "playbook.html"
    file.write_text(export("html").render(playbook), "utf-8")
    context = await browser.new_context(java_script_enabled=scripts, reduced_motion="reduce", viewport=size)
    html = Opened(await context.new_page())
    await html.page.goto(file.as_uri())
    return html
