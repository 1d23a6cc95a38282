"""Checks the status, type, encoding and size of responses, and reads their bodies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin

import httpx2

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.sources.failures import RETRIED_STATUSES, PageFailed, PageFailedForNow, PageRateLimited
from octave_mcp.sources.html.encoding import is_wide
from octave_mcp.sources.web.meta_refresh import refresh, refreshed
from octave_mcp.sources.web.transport import ResponseTooLarge

HTML = frozenset({"text/html", "application/xhtml+xml"})
ENCODINGS = frozenset({"gzip", "deflate", "br", "identity"})
# Magic numbers of PDF, ZIP, gzip, PNG, GIF, JPEG and ELF files, which some servers send as text/html.
FILE_SIGNATURES = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"\x7fELF")
SNIFFED_BYTES = 1000
# A file with more zero bytes than this at its start is binary, unless it is recognised as text in UTF-16.
MAX_ZERO_BYTES = 10
MAX_BYTES = 10_000_000
# A body is treated as a decompression bomb if it has more than 1 MB and is more than 200 times as large as its
# compressed form.
MAX_COMPRESSION_RATIO, RATIO_FROM_BYTES = 200, 1_000_000
OK = range(200, 300)
MOVED = frozenset({301, 302, 303, 307, 308})
TOO_MANY = 429
NOT_MODIFIED = 304
# The size of ETags and Last-Modified values is limited, because they are stored and sent back.
MAX_VALIDATOR_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Request:
    """A request for `target`: for `url` itself, or for the URL to which `url` redirects.

    `conditions` are the headers of a conditional request.
    """

    target: str
    url: str
    types: frozenset[str] | None
    cut_at_bytes: int | None
    conditions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The response after all redirects.

    `charset` is from the Content-Type header. If `not_modified` is true, the cached copy is still valid, and the body
    is empty.
    """

    url: str
    body: bytes
    charset: str | None
    fetched_at: datetime
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A redirect.

    `page`: the content of the redirect response, if a page redirects to itself. If the page still redirects to itself
    after more requests, this content is used as the page.
    """

    url: str
    page: Fetched | None = None


async def read(response: httpx2.Response, request: Request) -> Fetched | Moved:
    """Return the response, or the redirect.

    Raises:
        PageFailed: If the response cannot be read as a page.
    """
    if response.status_code == NOT_MODIFIED and request.conditions:
        return Fetched(request.target, b"", None, datetime.now(UTC), not_modified=True)
    if response.status_code in MOVED and "location" in response.headers:
        return Moved(_joined(request, response.headers["location"]))
    _check_status(response, request.url)
    _check_type(response, request.url, request.types)
    body = await _body(response, request)
    charset = response.charset_encoding
    fetched = Fetched(request.target, body, charset, datetime.now(UTC), *_validators(response))
    if request.types == HTML:
        _check_text(body, charset or "", request.url)
        inside, outside = refresh(body), refreshed(response.headers.get("refresh", ""))
        where = inside if outside is None else outside
        return fetched if where is None else _refreshed(where, fetched, request)
    return fetched


def _refreshed(where: str, fetched: Fetched, request: Request) -> Moved:
    moved = _joined(request, where)
    return Moved(moved, fetched if moved.partition("#")[0] == request.target else None)


def _joined(request: Request, where: str) -> str:
    try:
        return urljoin(request.target, where.strip().replace(" ", "%20"))
    except ValueError:
        reason = f"Redirects to {where[:200]!r}, which is not a valid address"
        raise PageFailed(request.url, "redirected_off_site", reason) from None


def _validators(response: httpx2.Response) -> tuple[str, str]:
    etag, last_modified = (response.headers.get(name, "") for name in ("etag", "last-modified"))
    return etag[:MAX_VALIDATOR_CHARACTERS], last_modified[:MAX_VALIDATOR_CHARACTERS]


def _check_status(response: httpx2.Response, url: str) -> None:
    status = response.status_code
    # Cloudflare sends the header `cf-mitigated` with every challenge page, whatever the status code is.
    if "cf-mitigated" in response.headers:
        raise PageFailed(url, "bot_wall", "The site asks visitors to prove that they are human")
    if status == TOO_MANY:
        wait = retry_after_seconds(response.headers)
        raise PageRateLimited(url, "http_429", "The site responds with 429: too many requests", wait)
    if status in RETRIED_STATUSES:
        wait = retry_after_seconds(response.headers)
        raise PageFailedForNow(url, f"http_{status}", f"The site responds with {status}", wait)
    if status not in OK:
        raise PageFailed(url, f"http_{status}", f"The site responds with {status}")


def _check_type(response: httpx2.Response, url: str, types: frozenset[str] | None) -> None:
    # Some servers send the Content-Type header twice. The two values are then joined by a comma.
    content_type = re.split("[;,]", response.headers.get("content-type", ""))[0].strip().lower()
    if types and content_type and content_type not in types:
        raise PageFailed(url, "not_html", f"The response is {content_type[:100]}, not a web page")
    encodings = {name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")}
    if unknown := encodings - ENCODINGS - {""}:
        reason = f"The body is compressed as {min(unknown)[:100]}, which was not requested"
        raise PageFailed(url, "bad_encoding", reason)


def _check_text(body: bytes, charset: str, url: str) -> None:
    if body.startswith(FILE_SIGNATURES) or (
        body.count(0, 0, SNIFFED_BYTES) > MAX_ZERO_BYTES and not is_wide(body, charset)
    ):
        raise PageFailed(url, "not_html", "The response is declared as HTML, but is a different kind of file")


async def _body(response: httpx2.Response, request: Request) -> bytes:
    body = bytearray()
    try:
        async with aclosing(response.aiter_bytes()) as parts:
            async for part in parts:
                body += part
                if request.cut_at_bytes and len(body) >= request.cut_at_bytes:
                    break
                _check_size(len(body), response.num_bytes_downloaded, request.url)
    except ResponseTooLarge:
        if not request.cut_at_bytes:
            raise
    return bytes(body[: request.cut_at_bytes])


def _check_size(size: int, wire: int, url: str) -> None:
    if size > MAX_BYTES or (size > RATIO_FROM_BYTES and size > MAX_COMPRESSION_RATIO * wire):
        raise PageFailed(
            url, "too_large", f"The response exceeds {MAX_BYTES // 1_000_000} MB, or is compressed to an unusual degree"
        )
