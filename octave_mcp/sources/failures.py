"""Exceptions for a page that cannot be read; a reader turns them into a `PageFailure`."""

from __future__ import annotations

from octave_mcp.domain.page import PageFailure
from octave_mcp.errors import RateLimited, Transient, UpstreamError

RETRIED_STATUSES = frozenset({500, 502, 503, 504})


class PageFailed(UpstreamError):
    def __init__(self, url: str, code: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = PageFailure(url=url, code=code, reason=reason)


class PageFailedForNow(PageFailed, Transient):
    """Worth another try."""

    def __init__(self, url: str, code: str, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(url, code, reason)
        self.retry_after_seconds = retry_after_seconds


class PageRateLimited(PageFailedForNow, RateLimited):
    """Worth another try, later."""
