"""Exceptions for pages that cannot be read. Readers convert these exceptions to `PageFailure` objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.page import PageFailure
from octave_mcp.errors import RateLimited, TookTooLong, Transient, UpstreamError

P = ParamSpec("P")
T = TypeVar("T")

RETRIED_STATUSES = frozenset({500, 502, 503, 504})


class PageFailed(UpstreamError):
    def __init__(self, url: str, code: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = PageFailure(url=url, code=code, reason=reason)


class PageFailedForNow(PageFailed, Transient):
    """A temporary failure that is worth a retry."""

    def __init__(self, url: str, code: str, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(url, code, reason)
        self.retry_after_seconds = retry_after_seconds


class PageRateLimited(PageFailedForNow, RateLimited):
    """A temporary failure because of too many requests. The request is worth a retry after a pause."""


async def read_in_time(url: str, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Parse the response for `url` by calling `read` with a time limit, and return the result.

    Raises:
        PageFailed: If `read` takes too long.
    """
    try:
        return await computed(read, *args, **kwargs)
    except TookTooLong:
        raise PageFailed(url, "too_complex", "Reading the page takes too long") from None
