"""One GET, with every limit: size, time, type, redirects, and how many at once."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import httpx2

from octave_mcp import __version__
from octave_mcp.concurrency.retrying import retrying
from octave_mcp.domain.addresses import Allowed, check_url, same_site
from octave_mcp.domain.company import Company
from octave_mcp.domain.page import Copy, Page
from octave_mcp.errors import InputError
from octave_mcp.settings import Settings
from octave_mcp.sources.web.failures import Unread, UnreadBusy, UnreadYet
from octave_mcp.sources.web.meta_refresh import refresh
from octave_mcp.sources.web.transport import GuardedBackend, GuardedTransport, NoAddress, TooMuch

Permit = Callable[[str], Awaitable[None]]

USER_AGENT = f"octave-mcp/{__version__} (+https://github.com/octave-mcp/octave-mcp)"
HTML = frozenset({"text/html", "application/xhtml+xml"})
ENCODINGS = frozenset({"gzip", "deflate", "br", "identity"})
FILES = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x7fELF")
WIDE = (b"\xff\xfe", b"\xfe\xff")
SNIFFED_BYTES = 1000
MOST_ZEROS = 10
MOST_REDIRECTS = 5
MOST_BYTES = 10_000_000
MOST_RATIO, RATIO_FROM_BYTES = 200, 1_000_000
PER_HOST = 4
RETRIED = frozenset({500, 502, 503, 504})
OK = range(200, 300)
MOVED = frozenset({301, 302, 303, 307, 308})
TOO_MANY = 429
NOT_MODIFIED = 304
LONGEST_VERSION = 200


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered, at the end of its redirects; `charset` is what the header says."""

    url: str
    body: bytes
    charset: str | None
    fetched_at: datetime
    etag: str = ""
    last_modified: str = ""
    unchanged: bool = False
    """The body is that of the copy that was known, and not sent again."""


@dataclass(slots=True)
class Patience:
    """How long servers may take. Time counts while at least one request is open, its retries included."""

    seconds: float
    reason: str
    """The failure reason of a page for which no time is left."""
    _open: int = 0
    _since: float = 0

    @contextmanager
    def counting(self, clock: Callable[[], float]) -> Generator[None]:
        """Counts the time of one request."""
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


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request: for `target`, to which `url` has led."""

    target: str
    url: str
    types: frozenset[str] | None
    cut_at_bytes: int | None
    conditions: Mapping[str, str]
    """The headers that ask whether the page has changed."""


class Fetcher:
    """One client for everything a run fetches; connections are kept open between pages."""

    def __init__(self, settings: Settings, backend: GuardedBackend) -> None:
        self.allow: Allowed = backend.allow
        self.seconds = settings.fetch_timeout_seconds
        self._all = asyncio.Semaphore(settings.max_fetches)
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        limits = httpx2.Limits(max_connections=settings.max_fetches, max_keepalive_connections=settings.max_fetches)
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(backend, limits),
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "text/html,application/xhtml+xml,*/*;q=0.5",
                "Accept-Encoding": "gzip, deflate, br",
            },
            # A silent server leaves time for another try before the deadline.
            timeout=httpx2.Timeout(self.seconds / 2, connect=self.seconds / 4, pool=None),
            trust_env=False,
            follow_redirects=False,
        )
        # No site needs to know us again, and some send cookies without end.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def get(
        self,
        url: str,
        company: Company,
        types: frozenset[str] | None = HTML,
        permit: Permit | None = None,
        known: Copy | None = None,
        cut_at_bytes: int | None = None,
        patience: Patience | None = None,
    ) -> Fetched:
        """The answer to a GET, tried again where that may help; `types` None means any.

        Redirects, those of a page's meta element included, are followed by hand: each target is checked, and `permit`
        may refuse it, before it is asked. A page that is `known` is asked for only if it has changed. A body is read
        as far as `cut_at_bytes`; without it, one that is too large is a failure.
        The deadline counts the time a server takes, not the time spent waiting for a turn. `patience`, which several
        calls may share, is a further limit of the same kind.

        Raises:
            Unread: its failure says why.
        """
        seen: list[str] = []
        target = self._checked(url, url)
        own = Patience(self.seconds, f"No complete answer within {self.seconds:g} seconds")
        limits = (own, patience) if patience else (own,)
        while len(seen) <= MOST_REDIRECTS:
            seen.append(target)
            if permit:
                await permit(target)
            ask = _Ask(target, url, types, cut_at_bytes, _conditions(known, target))
            answer = await self._in_turn(ask, limits)
            if isinstance(answer, Fetched):
                return answer
            moved = self._checked(answer, url)
            if moved in seen:
                break
            _check_move(target, moved, url, company)
            target = moved
        raise Unread(url, "redirect_loop", f"Redirects in a circle, or more than {MOST_REDIRECTS} times")

    async def close(self) -> None:
        await self._client.aclose()

    async def _in_turn(self, ask: _Ask, limits: Sequence[Patience]) -> Fetched | str:
        """What the target answers, or where it sends us; the time it takes counts against every limit."""
        clock = asyncio.get_running_loop().time
        async with self._hosts[urlsplit(ask.target).netloc], self._all:
            least = min(limits, key=lambda limit: limit.left(clock()))
            with ExitStack() as counted:
                for limit in limits:
                    counted.enter_context(limit.counting(clock))
                try:
                    async with asyncio.timeout(least.left(clock())):
                        return await retrying(lambda: self._answer(ask))
                except TimeoutError:
                    raise Unread(ask.url, "timeout", least.reason) from None

    def _checked(self, target: str, url: str) -> str:
        try:
            return check_url(target, self.allow)
        except InputError as error:
            raise Unread(url, "host_not_allowed", str(error)) from error

    async def _answer(self, ask: _Ask) -> Fetched | str:
        """What the target answers, or where it sends us."""
        try:
            async with self._client.stream("GET", ask.target, headers=ask.conditions) as response:
                return await _read(response, ask)
        except InputError as error:
            raise Unread(ask.url, "host_not_allowed", str(error)) from error
        except TooMuch as error:
            raise Unread(ask.url, "too_large", f"The server sends {error}") from None
        except httpx2.TimeoutException:
            raise UnreadYet(ask.url, "timeout", "The server did not answer in time") from None
        except httpx2.DecodingError:
            raise Unread(ask.url, "bad_encoding", "The body is not compressed as its header says") from None
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            if isinstance(error.__cause__, NoAddress):
                raise UnreadYet(ask.url, "no_address", str(error)) from None
            raise UnreadYet(
                ask.url, "connection_failed", "The connection failed, or broke off before the end"
            ) from None


async def _read(response: httpx2.Response, ask: _Ask) -> Fetched | str:
    if response.status_code == NOT_MODIFIED and ask.conditions:
        return Fetched(ask.target, b"", None, datetime.now(UTC), unchanged=True)
    if response.status_code in MOVED and "location" in response.headers:
        return _joined(ask, response.headers["location"])
    _check_status(response, ask.url)
    _check_type(response, ask.url, ask.types)
    body = await _body(response, ask)
    charset = response.charset_encoding
    if ask.types == HTML:
        _check_text(body, charset or "", ask.url)
    if ask.types == HTML and (where := refresh(body)):
        elsewhere = _joined(ask, where)
        if elsewhere.partition("#")[0] != ask.target:
            return elsewhere
    return Fetched(ask.target, body, charset, datetime.now(UTC), *_version(response))


def _joined(ask: _Ask, where: str) -> str:
    try:
        return urljoin(ask.target, where)
    except ValueError:
        raise Unread(ask.url, "redirected_off_site", f"Redirects to {where[:200]!r}, which is no address") from None


def _conditions(known: Copy | None, target: str) -> dict[str, str]:
    """The headers that ask whether the page has changed; none where it was had from another address."""
    if not known or not isinstance(known.found, Page) or known.found.ref.url != target:
        return {}
    headers = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in headers.items() if value}


def _version(response: httpx2.Response) -> tuple[str, str]:
    etag, last_modified = (response.headers.get(name, "") for name in ("etag", "last-modified"))
    return etag[:LONGEST_VERSION], last_modified[:LONGEST_VERSION]


def _check_move(source: str, target: str, url: str, company: Company) -> None:
    if not same_site(target, company):
        where = urlsplit(target).netloc
        raise Unread(url, "redirected_off_site", f"Redirects to {where}, which is not a part of {company.domain}")
    if source.startswith("https://") and target.startswith("http://"):
        raise Unread(url, "redirected_off_site", "Redirects from https to http")


def _check_status(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    if "cf-mitigated" in response.headers:
        raise Unread(url, "bot_wall", "The site asks visitors to prove that they are human")
    if status == TOO_MANY:
        raise UnreadBusy(url, "http_429", "The site answers 429: too many requests", _retry_after(response))
    if status in RETRIED:
        raise UnreadYet(url, f"http_{status}", f"The site answers {status}", _retry_after(response))
    if status not in OK:
        raise Unread(url, f"http_{status}", f"The site answers {status}")


def _retry_after(response: httpx2.Response) -> float | None:
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _check_type(response: httpx2.Response, url: str, types: frozenset[str] | None) -> None:
    given = re.split("[;,]", response.headers.get("content-type", ""))[0].strip().lower()
    if types and given and given not in types:
        raise Unread(url, "not_html", f"It is {given[:100]}, not a web page")
    encodings = {name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")}
    if unknown := encodings - ENCODINGS - {""}:
        raise Unread(url, "bad_encoding", f"The body is compressed as {min(unknown)[:100]}, which was not asked for")


def _check_text(body: bytes, charset: str, url: str) -> None:
    is_wide = body.startswith(WIDE) or charset.lower().startswith(("utf-16", "utf-32"))
    if body.startswith(FILES) or (body.count(0, 0, SNIFFED_BYTES) > MOST_ZEROS and not is_wide):
        raise Unread(url, "not_html", "It is called a web page, but is a file of another type")


async def _body(response: httpx2.Response, ask: _Ask) -> bytes:
    body = bytearray()
    try:
        async with aclosing(response.aiter_bytes()) as parts:
            async for part in parts:
                body += part
                if ask.cut_at_bytes and len(body) >= ask.cut_at_bytes:
                    break
                _check_size(len(body), response.num_bytes_downloaded, ask.url)
    except TooMuch:
        if not ask.cut_at_bytes:
            raise
    return bytes(body[: ask.cut_at_bytes])


def _check_size(size: int, wire: int, url: str) -> None:
    if size > MOST_BYTES or (size > RATIO_FROM_BYTES and size > MOST_RATIO * wire):
        raise Unread(url, "too_large", f"More than {MOST_BYTES // 1_000_000} MB, or unusually compressed")
