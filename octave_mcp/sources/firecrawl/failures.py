"""The errors of Firecrawl's SDK as ours: by name and status, so that no SDK is imported for it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import SecretStr

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.domain.masking import MASK
from octave_mcp.errors import BadKey, RateLimited, Transient, UpstreamError
from octave_mcp.sources.failures import RETRIED_STATUSES, PageFailed

LONGEST_TEXT = 200
# The status of the SDK's error if the response was a success by its status, but its body was not usable.
BROKEN_OFF = 200
_KEY = re.compile(r"fc-[\w-]{6,}|Bearer\s+\S+", re.IGNORECASE)
_OF_PAGES = {
    "DNSResolutionError": ("no_address", "Firecrawl finds no address for it"),
    "TLSError": ("connection_failed", "Firecrawl could not connect to it securely"),
    "RequestTimeoutError": ("timeout", "Firecrawl had no complete answer from it in time"),
}
_ANSWERS = frozenset({"FirecrawlError", "JSONDecodeError", "ValidationError", "AttributeError", "TypeError"})
_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})


class Declined(UpstreamError):
    """Firecrawl refuses the request, for the reason in the text; with `everything`, it refuses all requests."""

    def __init__(self, message: str, *, everything: bool = False) -> None:
        super().__init__(message)
        self.everything = everything


class Unreachable(Transient):
    """The Firecrawl server cannot be reached."""


def as_our_error(failed: Exception, url: str, key: SecretStr | None, *, resend: bool) -> UpstreamError:
    """Translate an error of the SDK about `url`; the text does not contain the key.

    `resend` says whether a request may be sent again after the connection broke off: one that costs credits may not.
    """
    if of_page := _OF_PAGES.get(type(failed).__name__):
        return PageFailed(url, *of_page)
    text = _masked_text(failed, key)
    return (
        _of_answer(failed, text)
        or _of_connection(failed, text, resend)
        or PageFailed(url, "not_fetched", f"Firecrawl did not fetch it: {text}")
    )


def _of_answer(failed: Exception, text: str) -> UpstreamError | None:
    status = getattr(failed, "status_code", None) or 0
    if status in RETRIED_STATUSES:
        return Transient(f"Firecrawl failed with {status}", retry_after_seconds=_retry_after(failed))
    match status:
        case 401:
            return BadKey(f"Firecrawl does not accept FIRECRAWL_API_KEY: check it ({text})")
        case 402:
            return Declined("Firecrawl's account has no credits left", everything=True)
        case 403:
            return Declined("Firecrawl does not read this site")
        case 429:
            return RateLimited("Firecrawl has too many requests", retry_after_seconds=_retry_after(failed))
        case _:
            return None


def _of_connection(failed: Exception, text: str, resend: bool) -> UpstreamError | None:
    kind = type(failed).__name__
    if kind in _ANSWERS:
        broken = getattr(failed, "status_code", None) in {None, BROKEN_OFF}
        return Transient(f"Firecrawl's API did not give a usable answer ({text})") if broken else None
    if hasattr(failed, "status_code"):
        return None
    if resend or kind in _UNSENT:
        return Unreachable(f"Firecrawl cannot be reached ({text})")
    return Declined(f"Firecrawl did not answer ({text})")


def _masked_text(failed: Exception, key: SecretStr | None) -> str:
    text = " ".join(str(failed).split()) or type(failed).__name__
    if key:
        text = text.replace(key.get_secret_value(), MASK)
    return _KEY.sub(MASK, text)[:LONGEST_TEXT]


def _retry_after(failed: Exception) -> float | None:
    headers: Mapping[str, str] = getattr(getattr(failed, "response", None), "headers", {})
    return retry_after_seconds(headers, str(failed))
