"""A browser, for what people see."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, Request, async_playwright

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
