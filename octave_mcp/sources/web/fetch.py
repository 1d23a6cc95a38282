"""Sends GET requests with limits on size, time, type, redirects and concurrency."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx2

from octave_mcp import __version__
from octave_mcp.concurrency.retrying import retrying
from octave_mcp.domain.addresses import Allowed, check_url, same_site
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import CacheEntry, Page
from octave_mcp.errors import InputError
from octave_mcp.settings import Settings
from octave_mcp.sources.failures import PageFailed, PageFailedForNow
from octave_mcp.sources.web.cookies import SiteCookies
from octave_mcp.sources.web.responses import HTML, Fetched, Moved, Request, read
from octave_mcp.sources.web.transport import (
    AddressCheckingBackend,
    LimitedTransport,
    NameNotResolved,
    ResponseTooLarge,
)

CheckTarget = Callable[[str], Awaitable[None]]

USER_AGENT = f"octave-mcp/{__version__} (+https://github.com/octave-mcp/octave-mcp)"
MAX_REDIRECTS = 5
# If a page still redirects to itself after this many earlier requests, the redirect is ignored and the page is read.
MAX_RELOADS = 2
# Maximum number of concurrent requests per host, to spare small servers.
MAX_CONCURRENT_PER_HOST = 4


@dataclass(slots=True)
class TimeLimit:
    """A limit for the total time that servers take to respond.

    Time counts toward the limit only while at least one request is in progress. A retry is part of its request.

    If no time is left for a page, the page fails with `reason`.
    """

    seconds: float
    reason: str
    _open: int = 0
    _since: float = 0

    @contextmanager
    def counting(self, clock: Callable[[], float]) -> Generator[None]:
        """Count the duration of the `with` block toward the limit."""
        if not self._open:
            self._since = clock()
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self.seconds -= clock() - self._since

    def left(self, now: float) -> float:
        return self.seconds - (now - self._since if self._open else 0)


class Fetcher:
    """The HTTP client of a run. It keeps connections open for further requests."""

    def __init__(self, settings: Settings, backend: AddressCheckingBackend) -> None:
        self.allow: Allowed = backend.allow
        self.seconds = settings.fetch_timeout_seconds
        self._all = asyncio.Semaphore(settings.max_fetches)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_CONCURRENT_PER_HOST)
        )
        self._cookies = SiteCookies()
        limits = httpx2.Limits(max_connections=settings.max_fetches, max_keepalive_connections=settings.max_fetches)
        self._client = httpx2.AsyncClient(
            transport=LimitedTransport(backend, limits),
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "text/html,application/xhtml+xml,*/*;q=0.5",
                "Accept-Encoding": "gzip, deflate, br",
            },
            # The read timeout is half of the time limit, so that there is time for a retry if a server does not
            # respond.
            timeout=httpx2.Timeout(self.seconds / 2, connect=self.seconds / 4, pool=None),
            trust_env=False,
            follow_redirects=False,
            event_hooks={"request": [self._cookies.send], "response": [self._cookies.keep]},
        )
        # The client's own cookie jar is turned off, because it ignores ports, and would send the cookies of one server
        # to another server on the same host.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def get(
        self,
        url: str,
        company: Company,
        *,
        types: frozenset[str] | None = HTML,
        check_target: CheckTarget | None = None,
        cached: CacheEntry | None = None,
        cut_at_bytes: int | None = None,
        time_limit: TimeLimit | None = None,
    ) -> Fetched:
        """Send a GET request, follow redirects, and retry temporary failures.

        - `types`: accepted media types; None accepts any
        - `check_target`: a function called before each request, which can raise an exception to refuse the target
        - `cached`: a cached page; if given, the request is conditional
        - `cut_at_bytes`: read only this many bytes of the body; if None, fail if the body is too large
        - `time_limit`: an additional limit, which several calls can share

        The timeout applies to the server's response time and not to the wait for a free connection.

        Raises:
            PageFailed: If the page cannot be read; its `failure` contains the reason.
        """
        own = TimeLimit(self.seconds, f"No complete response within {self.seconds:g} seconds")
        limits = (own, time_limit) if time_limit else (own,)

        async def send(target: str) -> Fetched | Moved:
            if check_target:
                await check_target(target)
            return await self._limited(Request(target, url, types, cut_at_bytes, _conditions(cached, target)), limits)

        return await self._followed(url, company, send)

    async def close(self) -> None:
        await self._client.aclose()

    async def _followed(self, url: str, company: Company, send: Callable[[str], Awaitable[Fetched | Moved]]) -> Fetched:
        """Follow redirects, including redirects in meta elements, and return the last response.

        Some sites redirect to the same URL until their cookie is sent back. Therefore, a URL is requested again only if
        the cookies have changed.

        Raises:
            PageFailed: If the redirects leave the site, form a loop, or are too many.
        """
        seen: list[tuple[str, str]] = []
        target = self._checked(url, url)
        while len(seen) <= MAX_REDIRECTS:
            seen.append((target, self._cookies.header(target)))
            answer = await send(target)
            if isinstance(answer, Fetched):
                return answer
            moved = self._checked(answer.url, url)
            if (moved, self._cookies.header(moved)) in seen or (answer.page and len(seen) > MAX_RELOADS):
                if answer.page:
                    return answer.page
                break
            _check_move(target, moved, url, company)
            target = moved
        raise PageFailed(url, "redirect_loop", f"Redirects in a loop, or more than {MAX_REDIRECTS} times")

    async def _limited(self, request: Request, limits: Sequence[TimeLimit]) -> Fetched | Moved:
        """Send the request as soon as the semaphores allow it.

        The duration of the request counts towards all time limits.
        """
        clock = asyncio.get_running_loop().time
        # The semaphore of the host is acquired first, because requests that wait for a slow host must not occupy global
        # slots.
        async with self._hosts[urlsplit(request.target).netloc], self._all:
            tightest = min(limits, key=lambda limit: limit.left(clock()))
            with ExitStack() as counted:
                for limit in limits:
                    counted.enter_context(limit.counting(clock))
                try:
                    async with asyncio.timeout(tightest.left(clock())):
                        return await retrying(lambda: self._sent(request))
                except TimeoutError:
                    raise PageFailed(request.url, "timeout", tightest.reason) from None

    def _checked(self, target: str, url: str) -> str:
        try:
            return check_url(target, self.allow)
        except InputError as error:
            raise PageFailed(url, "host_not_allowed", str(error)) from error

    async def _sent(self, request: Request) -> Fetched | Moved:
        try:
            async with self._client.stream("GET", request.target, headers=request.conditions) as response:
                return await read(response, request)
        except InputError as error:
            raise PageFailed(request.url, "host_not_allowed", str(error)) from error
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise _failure(error, request.url) from None


def _failure(error: Exception, url: str) -> PageFailed:
    match error:
        case ResponseTooLarge():
            return PageFailed(url, "too_large", f"The server sends {error}")
        case httpx2.TimeoutException():
            return PageFailedForNow(url, "timeout", "The server did not answer in time")
        case httpx2.DecodingError():
            return PageFailed(url, "bad_encoding", "The body is not compressed as its Content-Encoding header says")
        case _ if isinstance(error.__cause__, NameNotResolved):
            return PageFailedForNow(url, "no_address", str(error))
        case _:
            return PageFailedForNow(
                url, "connection_failed", "The connection failed, or was closed before the end of the response"
            )


def _conditions(cached: CacheEntry | None, target: str) -> dict[str, str]:
    """Return the headers that make a request conditional.

    Return no headers if the cached page came from another URL.
    """
    if not cached or not isinstance(cached.found, Page) or cached.found.ref.url != target:
        return {}
    headers = {"If-None-Match": cached.etag, "If-Modified-Since": cached.last_modified}
    return {name: value for name, value in headers.items() if value}


def _check_move(source: str, target: str, url: str, company: Company) -> None:
    if not same_site(target, company):
        where = urlsplit(target).netloc
        raise PageFailed(url, "redirected_off_site", f"Redirects to {where}, which is not part of {company.domain}")
    if source.startswith("https://") and target.startswith("http://"):
        raise PageFailed(url, "redirected_off_site", "Redirects from https to http")
