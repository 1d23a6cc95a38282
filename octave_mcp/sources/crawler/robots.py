"""What a site lets us read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from protego import Protego

from octave_mcp.domain.company import Company
from octave_mcp.errors import SiteRefuses
from octave_mcp.ports import Notes
from octave_mcp.sources._flights import Flights
from octave_mcp.sources.crawler.fetch import USER_AGENT, Fetcher
from octave_mcp.sources.crawler.unread import Unread

MOST_BYTES = 500_000
KEPT = timedelta(hours=24)
"""RFC 9309: no copy should be used for longer."""
PRODUCT = USER_AGENT.partition("/")[0]
# No answer is no permission; a host that cannot be reached at all has nothing to permit.
SILENT = frozenset({"timeout", "http_429", "http_500", "http_501", "http_502", "http_503", "http_504", "bot_wall"})
FAILED = frozenset({"connection_failed", "no_address", "host_not_allowed"})


@dataclass(frozen=True, slots=True)
class Rules:
    """`delay_seconds` is the pause asked for between two pages; `sitemaps` are absolute."""

    parser: Protego
    sitemaps: tuple[str, ...]
    delay_seconds: float

    def allow(self, url: str) -> bool:
        return bool(self.parser.can_fetch(url, PRODUCT))


class Robots:
    """The rules of each host of a site, asked for once a day at most, whichever run or process asks."""

    def __init__(self, fetcher: Fetcher, notes: Notes, silent: frozenset[str] = SILENT) -> None:
        self._silent = silent
        self._fetcher = fetcher
        self._notes = notes
        self._rules: dict[str, Rules] = {}
        self._flights: Flights[str] = Flights(notes, anew=False)

    async def rules(self, url: str, company: Company) -> Rules:
        """The rules of the host of `url`.

        Raises:
            SiteRefuses: it does not say what may be read.
            Unread: it cannot be reached.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            url = f"{origin}/robots.txt"
            texts = await self._flights.get([url], lambda _: self._asked(url, company))
            self._rules[origin] = _parsed(texts[url], url)
        return self._rules[origin]

    async def close(self) -> None:
        await self._flights.close()

    async def _asked(self, url: str, company: Company) -> dict[str, str]:
        text = await self._notes.note(url, since=datetime.now(UTC) - KEPT)
        if text is None:
            text = await self._fetched(url, company)
            await self._notes.put_note(url, text)
        return {url: text}

    async def _fetched(self, url: str, company: Company) -> str:
        """What the file says; nothing, where there is none."""
        try:
            fetched = await self._fetcher.get(url, company, types=None)
        except Unread as error:
            if error.failure.code in FAILED:
                raise
            if error.failure.code in self._silent:
                raise SiteRefuses(
                    f"{url} is not to be had ({error.failure.reason}), so nothing there may be read; try again later"
                ) from error
            return ""
        return fetched.body[:MOST_BYTES].decode("utf-8", "replace")


def _parsed(text: str, url: str) -> Rules:
    parser = Protego.parse(text)
    sitemaps = tuple(urljoin(url, found) for found in parser.sitemaps)
    return Rules(parser, sitemaps, parser.crawl_delay(PRODUCT) or 0.0)
