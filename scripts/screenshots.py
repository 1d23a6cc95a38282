"""Write screenshots of all web pages of a running server to a folder, for a review of the design.

    python scripts/screenshots.py URL RUN FOLDER

URL is the address of the server, and RUN is the id of a finished run. Each page is shown on a desktop and on a phone,
in light and in dark colours.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

PAGES = {
    "new": "/",
    "history": "/history",
    "questions": "/questions",
    "settings": "/settings",
    "sign-in": "/sign-in",
    "missing": "/missing",
    "playbook": "/playbooks/{run}",
    "change": "/playbooks/{run}/change?section=email_sequences.persona-1.touches[0]",
    "versions": "/playbooks/{run}/versions",
    "share": "/playbooks/{run}/share",
}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def main() -> None:
    url, run, folder = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        for name, path in PAGES.items():
            for device in SIZES:
                _write(browser, url.rstrip("/") + path.format(run=run), Path(folder) / f"{name}-{device}", device)
        browser.close()


def _write(browser: Browser, url: str, file: Path, device: str) -> None:
    width, height = SIZES[device]
    page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.goto(url)
    page.emulate_media(color_scheme="light")
    page.screenshot(path=f"{file}-light.png")
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=f"{file}-dark.png")
    page.close()


if __name__ == "__main__":
    main()
