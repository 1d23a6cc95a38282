"""Show the MCP App in Chromium, in a client that is built on the official package for MCP Apps clients (apps.mjs)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast
from urllib.request import Request, urlopen

from playwright.sync_api import Error, Frame, Page, sync_playwright
from programs import Failed, check

Json = dict[str, Any]
Theme = Literal["light", "dark"]
Mode = Literal["auto", "legacy"]

SCREENSHOTS = Path(__file__).parents[1] / "build" / "apps"
SIZE = (800, 360)
WAIT_MS = 60_000
POLL_MS = 250
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PLAYBOOK: Json = {
    "vendor_domain": "http://wrenhaul.example",
    "prospect_domain": "http://hearthwain.example",
    "model": "recorded",
    "refresh": True,
    "sender": {"name": "Nell Marchetti", "company": "Wrenhaul", "title": "Account Executive", "sign_off": "Best,"},
    "wait_seconds": 0,
}
HOSTILE = "<img src=x onerror=\"parent.document.title='owned'\"><script>document.title='owned'</script>"
EMAIL = "email_sequences.0.touches.0"


class View:
    """The view of a tool call, in its sandboxed frame."""

    def __init__(self, page: Page, name: str, arguments: Json, theme: Theme, mode: Mode) -> None:
        self.page = page
        options = {"theme": theme, "mode": mode}
        shown: Json = page.evaluate("(given) => show(...given)", [name, arguments, options])
        self.run_id: str = shown["report"]["run_id"]
        self.protocol: str = shown["protocol"]

    @property
    def frame(self) -> Frame:
        return self.page.frames[1]

    @property
    def text(self) -> str:
        return self.frame.locator("main").inner_text()

    def is_complete(self) -> None:
        self.frame.get_by_role("tab").first.wait_for()

    def screenshot(self, name: str) -> None:
        """Take a screenshot of the whole view. Chromium paints only the part of a frame that is in the window."""
        self.page.set_viewport_size({"width": SIZE[0], "height": 1})
        height = self.page.evaluate("document.documentElement.scrollHeight")
        self.page.set_viewport_size({"width": SIZE[0], "height": height})
        screenshot(self.page, name)


def screenshot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")


def view(url: str) -> str:
    """Show a run in light and in dark, with both protocols, and then a playbook with markup in an e-mail.

    Raises:
        Failed: If the view does not show what it should.
    """
    origin = url.removesuffix("/mcp")
    try:
        with _page(f"{origin}/clients/apps.html") as page:
            light = View(page, "generate_playbook", PLAYBOOK, "light", "auto")
            states = _states(light)
            light.screenshot("light")
            _check_playbook(light)
            dark = View(page, "get_run", {"run_id": light.run_id}, "dark", "legacy")
            dark.is_complete()
            dark.screenshot("dark")
            _spoil(origin, light.run_id)
            _check_hostile(View(page, "get_run", {"run_id": light.run_id}, "dark", "auto"))
    except Error as failed:
        raise Failed(f"the browser reported: {failed.message}") from None
    return (
        f"{states} states of progress, then the brief; an e-mail was copied, a quotation and its page were opened, and "
        f"markup in an e-mail stayed text; revisions {light.protocol} and {dark.protocol}"
    )


@contextmanager
def _page(url: str) -> Generator[Page]:
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, device_scale_factor=1.5)
        page.set_default_timeout(WAIT_MS)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        page.wait_for_function("window.isReady")
        yield page
        check(not faults, f"scripts failed: {faults}")
        browser.close()


def _states(shown: View) -> int:
    """Wait for the playbook, and return how many states of progress the view showed."""
    states: set[str] = set()
    while not shown.frame.get_by_role("tab").count():
        if shown.frame.get_by_role("progressbar").count() and shown.text not in states:
            states.add(shown.text)
            screenshot(shown.page, "progress")
        shown.page.wait_for_timeout(POLL_MS)
    check(len(states) > 1, f"the progress was {states}")
    return len(states)


def _check_playbook(shown: View) -> None:
    for text in ("Denise Okonjo-Lane, VP of Operations", "Why now", "Say first", "Proof", "Question"):
        check(text in shown.text, f"the brief lacks {text!r}: {shown.text[:2000]}")
    shown.frame.get_by_role("button", name="Copy e-mail: the next depot").click()
    shown.frame.get_by_text("Copied").first.wait_for()
    shown.page.locator("textarea").focus()
    shown.page.keyboard.press("ControlOrMeta+V")
    copied = shown.page.locator("textarea").input_value()
    check(copied.startswith("Subject: the next depot\n\nHi Denise,\n\n"), f"copied: {copied!r}")
    shown.frame.locator(".mail .words").get_by_text("Brindlecart Grocers").first.click()
    quotation = shown.frame.get_by_role("complementary", name="Quotation")
    quotation.get_by_text("published 18 June 2026").wait_for()
    shown.screenshot("quotation")
    quotation.get_by_role("button", name="Open page").click()
    opened = shown.page.wait_for_function("opened.length && opened").json_value()
    check(opened == ["http://wrenhaul.example/customers/brindlecart-grocers"], f"opened: {opened}")


def _spoil(origin: str, run_id: str) -> None:
    """Replace an e-mail with markup, in a new version of the playbook."""
    edited = {"base_version": 1, "text": f"Subject: {HOSTILE}\n\nHi Denise,\n\n{HOSTILE}", "by": HOSTILE}
    address = f"{origin}/runs/{run_id}/sections/{EMAIL}"
    headers = {"Content-Type": "application/json"}
    with urlopen(Request(address, json.dumps(edited).encode(), headers, method="PUT")) as response:  # noqa: S310 - our own server
        version = cast("Json", json.load(response))["version"]
    check(version > 1, f"the edited playbook has version {version}")


def _check_hostile(shown: View) -> None:
    shown.is_complete()
    check(shown.text.count(HOSTILE) > 1, f"the markup is not shown: {shown.text[:4000]}")
    check(shown.frame.locator("img").count() == 0, "the markup became an image")
    titles = (shown.frame.title(), shown.page.title())
    check("owned" not in titles, f"the markup was executed: {titles}")
