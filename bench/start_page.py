"""Measures how soon a browser shows the start page of the web app, and how many bytes it loads for the page."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any, NamedTuple

from browsers import CHROMIUM, chromium
from playwright.async_api import Browser
from processes import server

VISIT_SECONDS = 60
# The browser can report the paint after the page has loaded, so wait for the report. The time counts from the start of
# the navigation. The sizes include the headers of the responses.
MEASURE = """() => new Promise(done => {
    new PerformanceObserver(paints => {
        const [paint] = paints.getEntriesByName("first-contentful-paint");
        if (!paint) return;
        const loaded = ["navigation", "resource"].flatMap(type => performance.getEntriesByType(type));
        const bytes = loaded.reduce((sum, file) => sum + file.transferSize, 0);
        done([paint.startTime, bytes, loaded.length]);
    }).observe({ type: "paint", buffered: true });
})"""


class Visit(NamedTuple):
    """A visit to the page. `paint_ms` is the first contentful paint; `bytes` and `requests` include the page itself."""

    paint_ms: float
    bytes: int
    requests: int


async def measure(visits: int) -> dict[str, Any]:
    """Return the first contentful paint of visits with empty caches, and the size of the page with all its files."""
    if CHROMIUM is None:
        return {"skipped": "Chromium is not installed"}
    async with server({}) as running, chromium() as browser:
        url = str(running.client.base_url)
        await _visited(browser, url)  # the server imports its pages at the first request for one of them
        made = [await _visited(browser, url) for _ in range(visits)]
    paints = [visit.paint_ms for visit in made]
    # In some visits, the browser loads the icon only after the measurement. The largest sum includes the icon.
    largest = max(made, key=lambda visit: visit.bytes)
    return {
        "visits": visits,
        "median_ms": statistics.median(paints),
        "least_ms": min(paints),
        "most_ms": max(paints),
        "bytes": largest.bytes,
        "requests": largest.requests,
    }


async def _visited(browser: Browser, url: str) -> Visit:
    """Open the page in a new browser profile, which has nothing in its cache."""
    context = await browser.new_context()
    async with asyncio.timeout(VISIT_SECONDS):
        page = await context.new_page()
        await page.goto(url)
        visit = Visit(*await page.evaluate(MEASURE))
    await context.close()
    return visit
