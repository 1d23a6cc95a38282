"""Calls Firecrawl through its SDK. The client starts, polls and cancels scrape jobs, and counts credits.

The SDK's own `batch_scrape` is not used. If polling fails, it does not return the id of the job, so the results are
lost. Also, if the caller is cancelled, `batch_scrape` leaves the job running, which costs credits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from octave_mcp.concurrency.retrying import retrying, within
from octave_mcp.domain.addresses import url_key
from octave_mcp.domain.page import Link
from octave_mcp.errors import InputError, UpstreamError
from octave_mcp.sources.firecrawl.failures import as_our_error

T = TypeVar("T")

CALL_SECONDS = 40.0
JOB_SECONDS = 120.0
CANCEL_SECONDS = 5.0
FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.5, 2.0
ATTEMPTS, RETRY_SECONDS = 8, 30.0
PAGE_MILLISECONDS = 30_000
MAX_CONCURRENCY = 10
# The SDK raises these errors if a response does not have the expected structure.
MALFORMED_ERRORS = (ValueError, TypeError, AttributeError)
FIRST_CURSOR = "skip=0"
MAX_URLS = 5000
CREDITS_PER_MAP = 1


@dataclass(frozen=True, slots=True)
class Document:
    """A page that Firecrawl fetched.

    - `asked`: the URL that was requested; `url`: the URL after redirects
    - `status`: the site's status code, 0 if unknown
    - `kind`: the media type, '' if unknown
    """

    asked: str
    url: str
    status: int
    kind: str
    html: str
    fetched_at: datetime


class Client:
    """A client for the Firecrawl API.

    `max_age_seconds` is the maximum age of pages that Firecrawl returns from its own cache.
    """

    def __init__(self, key: SecretStr | None, url: str, *, max_age_seconds: float) -> None:
        self.credits = 0
        self._key, self._url = key, url
        self._options: dict[str, Any] = {
            "formats": ["rawHtml"],
            "max_age": round(max_age_seconds * 1000),
            "only_main_content": False,
            "proxy": "auto",
            "skip_tls_verification": False,
            "timeout": PAGE_MILLISECONDS,
        }
        self._sdk: Any = None
        self._opening_lock = asyncio.Lock()

    async def map(self, url: str) -> list[Link]:
        """Return the site's URLs that Firecrawl already knows or finds in sitemaps."""
        sdk = await self._opened()
        result = await self._send_paid(
            url, lambda: sdk.map(url, include_subdomains=True, sitemap="include", limit=MAX_URLS)
        )
        self.credits += CREDITS_PER_MAP
        return [Link(url=link.url, text=link.title or "", origin="sitemap") for link in result.links]

    async def scrape(self, url: str) -> Document:
        sdk = await self._opened()
        result = await self._send_paid(url, lambda: sdk.scrape(url, auto_resume=False, **self._options))
        self.credits += _credits(result)
        return _document(result, url)

    async def batch(self, urls: Sequence[str], on_page: Callable[[Document], Awaitable[None]]) -> bool:
        """Scrape the pages in one job, and return whether the job finished in time.

        `on_page` is called for each page as soon as Firecrawl has fetched it. Pages that Firecrawl skips are not passed
        to `on_page`. If this method is cancelled or times out, the job is cancelled, too.
        """
        job = await self._started(urls)
        progress = _Job(urls, on_page)
        try:
            async with asyncio.timeout(JOB_SECONDS):
                await self._follow(job, progress)
        except TimeoutError:
            return False
        finally:
            self.credits += progress.credits
            if progress.is_running:
                with suppress(UpstreamError, TimeoutError):
                    await asyncio.wait_for(self._cancel(job), CANCEL_SECONDS)
        return True

    async def close(self) -> None:
        if self._sdk:
            await self._sdk.async_http_client.close()

    async def _started(self, urls: Sequence[str]) -> str:
        """Start a job and return its id.

        If this method is cancelled while the job is starting, the job is cancelled, too.
        """
        from firecrawl.v2.types import ScrapeOptions  # noqa: PLC0415 - with the SDK

        sdk = await self._opened()
        options = ScrapeOptions(**self._options)
        starting = asyncio.ensure_future(
            self._send_paid(
                urls[0],
                lambda: sdk.start_batch_scrape(
                    list(urls), options=options, ignore_invalid_urls=True, max_concurrency=MAX_CONCURRENCY
                ),
            )
        )
        try:
            # Because of the shield, a cancellation does not abort the request, so we usually still get the id of a
            # started job. Without its id, a job could not be cancelled and would cost credits.
            return (await asyncio.shield(starting)).id
        except asyncio.CancelledError:
            with suppress(UpstreamError, TimeoutError):
                job = await asyncio.wait_for(starting, CANCEL_SECONDS)
                await asyncio.wait_for(self._cancel(job.id), CANCEL_SECONDS)
            raise

    async def _follow(self, job: str, progress: _Job) -> None:
        pause = FIRST_POLL_SECONDS
        while progress.is_running:
            await asyncio.sleep(pause)
            pause = min(MAX_POLL_SECONDS, pause * 1.5)
            await self._poll(job, progress)
        # Some results can be missing although the job is finished. In this case, all results are read again.
        if progress.is_incomplete:
            progress.cursor = FIRST_CURSOR
            await self._poll(job, progress)

    async def _poll(self, job: str, progress: _Job) -> None:
        """Process the new results of the job.

        The API splits the results into result pages, so reading them can take several requests.
        """
        more = True
        while more:
            path = f"/v2/batch/scrape/{job}?{progress.cursor}"
            result = await self._send_free(
                job, lambda path=path: self._sdk.get_batch_scrape_status_page(path, request_timeout=CALL_SECONDS)
            )
            more = await progress.process(result)

    async def _cancel(self, job: str) -> None:
        await self._send_free(job, lambda: self._sdk.cancel_batch_scrape(job))

    async def _send_paid(self, url: str, send: Callable[[], Awaitable[T]]) -> T:
        """Send a request that costs credits.

        The request is retried only if Firecrawl has refused it or has never received it. In all other cases, a retry
        could cost credits twice.
        """
        return await self._send(url, send, resend=False)

    async def _send_free(self, url: str, send: Callable[[], Awaitable[T]]) -> T:
        return await self._send(url, send, resend=True)

    async def _send(self, url: str, send: Callable[[], Awaitable[T]], *, resend: bool) -> T:
        async def once() -> T:
            try:
                return await send()
            except (*self._errors, *MALFORMED_ERRORS) as failed:
                raise as_our_error(failed, url, self._key, resend=resend) from None

        return await retrying(once, attempts=ATTEMPTS, left=within(RETRY_SECONDS))

    async def _opened(self) -> Any:  # noqa: ANN401 - the SDK's client
        async with self._opening_lock:
            if self._sdk is None:
                self._sdk, self._errors = await asyncio.to_thread(self._open)
            return self._sdk

    def _open(self) -> tuple[Any, tuple[type[Exception], ...]]:
        import httpx  # noqa: PLC0415 - the SDK's HTTP client, whose errors it raises
        from firecrawl.v2.utils.error_handler import FirecrawlError  # noqa: PLC0415 - takes half a second

        from octave_mcp.sources.firecrawl.sdk import Sdk  # noqa: PLC0415 - ditto

        sdk = Sdk(self._key.get_secret_value() if self._key else None, self._url, timeout_seconds=CALL_SECONDS)
        return sdk, (FirecrawlError, httpx.HTTPError, httpx.InvalidURL)


class _Job:
    """The progress of a scrape job: the pages that have been processed, and the position in the results."""

    def __init__(self, urls: Sequence[str], on_page: Callable[[Document], Awaitable[None]]) -> None:
        self.is_running = True
        self.cursor = FIRST_CURSOR
        self.credits = 0
        self._asked = {url_key(url): url for url in urls}
        self._seen: set[str] = set()
        self._completed = 0
        self._on_page = on_page

    @property
    def is_incomplete(self) -> bool:
        return len(self._seen) < self._completed

    async def process(self, result: Any) -> bool:  # noqa: ANN401 - the SDK's
        """Process one result page, and return whether another result page follows."""
        self.is_running = result.status == "scraping"
        self._completed = result.completed
        for page in result.data:
            if (
                asked := self._requested_url(page.metadata_typed.source_url or page.metadata_typed.url or "")
            ) is not None:
                self._seen.add(asked)
                self.credits += _credits(page)
                await self._on_page(_document(page, asked))
        next_page: str | None = result.next if result.data else None
        if next_page:
            self.cursor = urlsplit(next_page).query
        return bool(next_page)

    def _requested_url(self, url: str) -> str | None:
        """Return the URL in the form in which it was requested.

        Return None if the URL was not requested or has already been processed.
        """
        try:
            asked = self._asked.get(url_key(url))
        except InputError:
            return None
        return None if asked in self._seen else asked


def _credits(result: Any) -> int:  # noqa: ANN401 - the SDK's
    credits_used = result.metadata_typed.credits_used
    return 1 if credits_used is None else credits_used


def _document(result: Any, asked: str) -> Document:  # noqa: ANN401 - the SDK's
    metadata = result.metadata_typed
    return Document(
        asked=asked,
        url=metadata.url or asked,
        status=metadata.status_code or 0,
        kind=(metadata.content_type or "").partition(";")[0].strip().lower(),
        html=result.raw_html or "",
        fetched_at=_time(metadata.cached_at) if metadata.cache_state == "hit" else datetime.now(UTC),
    )


def _time(text: str | None) -> datetime:
    try:
        when = datetime.fromisoformat(text or "")
    except ValueError:
        return datetime.now(UTC)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
