"""Reads the robots.txt of a host, which defines the URLs that we are allowed to read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from protego import Protego

from octave_mcp.domain.company import Company
from octave_mcp.errors import SiteRefuses, UpstreamError
from octave_mcp.sources.failures import PageFailed, read_in_time
from octave_mcp.sources.memory import RunMemory
from octave_mcp.sources.single_flight import SingleFlight
from octave_mcp.sources.web.fetch import USER_AGENT, Fetcher, TimeLimit

MAX_BYTES = 500_000
# A cached copy should not be used for more than 24 hours (RFC 9309, section 2.4).
MAX_AGE = timedelta(hours=24)
PRODUCT = USER_AGENT.partition("/")[0]
USER_AGENT_LINE = re.compile(r"\s*user[- ]?agent\b\s*:?\s*([^#]*)", re.IGNORECASE)
# If robots.txt causes one of these server errors, all pages are forbidden. If robots.txt causes a client error such as
# 404, all pages are allowed (RFC 9309, section 2.3.1). Timeouts, status 429, bot walls, oversized headers and bad
# compression are treated like server errors.
FORBIDDING_CODES = frozenset(
    {"timeout", "http_429", "http_500", "http_501", "http_502", "http_503", "http_504", "bot_wall"}
).union({"too_large", "bad_encoding"})
UNREACHABLE_CODES = frozenset({"connection_failed", "no_address", "host_not_allowed"})


@dataclass(frozen=True, slots=True)
class Rules:
    """The robots.txt rules of a host. `sitemaps` are absolute URLs."""

    parser: Protego
    sitemaps: tuple[str, ...]
    delay_seconds: float

    def allow(self, url: str) -> bool:
        return bool(self.parser.can_fetch(url, PRODUCT))


class Robots:
    """The robots.txt rules of each host. The rules are cached for a day and shared by all runs and processes.

    If `refresh` is true, older cached rules are ignored, and the run fetches the rules of each host once.

    If a host fails to send its robots.txt within `seconds`, the file is not requested again in this run.
    """

    def __init__(
        self, fetcher: Fetcher, memory: RunMemory, *, refresh: bool = False, seconds: float | None = None
    ) -> None:
        self._started_at = datetime.now(UTC) if refresh else None
        self._seconds = seconds
        self._fetcher = fetcher
        self._memory = memory
        self._rules: dict[str, Rules] = {}
        self._failed: dict[str, UpstreamError] = {}
        self._flights: SingleFlight[str] = SingleFlight(memory.store, refresh=refresh)

    async def rules(self, url: str, company: Company) -> Rules:
        """Return the robots.txt rules for the host of `url`.

        Raises:
            SiteRefuses: If a server error makes robots.txt unavailable. All pages of the host are then forbidden.
            PageFailed: If the host cannot be reached.
        """
        origin = _origin(url)
        if failed := self._failed.get(origin):
            raise failed
        if origin not in self._rules:
            url = f"{origin}/robots.txt"
            await self._memory.use([url])
            try:
                texts = await self._flights.get([url], lambda _: self._cached_or_fetched(url, company))
                self._rules[origin] = await read_in_time(url, _parsed, texts[url], url)
            except UpstreamError as failed:
                self._failed[origin] = failed
                raise
        return self._rules[origin]

    def are_unreadable(self, url: str) -> bool:
        """Whether the rules for the host of `url` could not be fetched."""
        return _origin(url) in self._failed

    async def close(self) -> None:
        await self._flights.close()

    async def _cached_or_fetched(self, url: str, company: Company) -> dict[str, str]:
        text = await self._memory.store.get_value(url, since=self._started_at or datetime.now(UTC) - MAX_AGE)
        if text is None:
            text = await self._fetched(url, company)
            await self._memory.store.put_value(url, text, run_id=self._memory.run_id)
        return {url: text}

    async def _fetched(self, url: str, company: Company) -> str:
        """Return the text of robots.txt. Return '' if the file does not exist, because then everything is allowed."""
        try:
            fetched = await self._fetcher.get(
                url, company, types=None, cut_at_bytes=MAX_BYTES, time_limit=self._time_limit()
            )
        except PageFailed as error:
            if error.failure.code in UNREACHABLE_CODES:
                raise
            if error.failure.code in FORBIDDING_CODES:
                raise SiteRefuses(
                    f"{url} cannot be read ({error.failure.reason}), so no page there may be read; try again later"
                ) from error
            return ""
        text = fetched.body.decode("utf-8-sig", "replace")
        # If the file is cut off, its last line is dropped, because a truncated path would match more pages than the
        # complete path.
        return text if len(fetched.body) < MAX_BYTES else text[: max(text.rfind("\n"), text.rfind("\r")) + 1]

    def _time_limit(self) -> TimeLimit | None:
        if self._seconds is None:
            return None
        return TimeLimit(self._seconds, f"No complete response within {self._seconds:g} seconds")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _parsed(text: str, url: str) -> Rules:
    parser = Protego.parse("\n".join(map(_renamed, text.splitlines())))
    return Rules(parser, tuple(_joined(url, parser.sitemaps)), parser.crawl_delay(PRODUCT) or 0.0)


def _renamed(line: str) -> str:
    """In a line such as 'User-agent: Bingbot', replace the name with 'others', unless the line names our crawler.

    The parser copies the rules of a group for each of its names, so a group with thousands of names would produce
    millions of rules.
    """
    match = USER_AGENT_LINE.match(line)
    name = match[1].replace("*", "").strip().lower() if match else ""
    return "User-agent: others" if name and name not in PRODUCT else line


def _joined(url: str, sitemaps: Iterable[str]) -> Iterator[str]:
    for sitemap in sitemaps:
        try:
            yield urljoin(url, sitemap)
        except ValueError:
            continue
