"""Converts exceptions of Firecrawl's SDK to our own.

The exceptions are recognised by class name and status, so that the SDK need not be imported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import SecretStr

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.domain.masking import MASK
from octave_mcp.errors import BadKey, RateLimited, Transient, UpstreamError
from octave_mcp.sources.failures import RETRIED_STATUSES, PageFailed

MAX_TEXT_CHARACTERS = 200
# If a request succeeded but the response body was unusable, the SDK raises an error with this status.
STATUS_OF_UNUSABLE_BODY = 200
# Matches API keys in error texts: 'fc-0123456789', 'Bearer ...'.
_KEY = re.compile(r"fc-[\w-]{6,}|Bearer\s+\S+", re.IGNORECASE)
_PAGE_ERRORS = {
    "DNSResolutionError": ("no_address", "Firecrawl found no address for the site's host"),
    "TLSError": ("connection_failed", "Firecrawl could not connect to the site securely"),
    "RequestTimeoutError": ("timeout", "Firecrawl got no complete response from the site in time"),
}
# The SDK raises errors of these classes if it cannot use the content of a response.
_RESPONSE_ERRORS = frozenset({"FirecrawlError", "JSONDecodeError", "ValidationError", "AttributeError", "TypeError"})
# These errors occur before a request is sent, so a retry cannot cost credits twice.
_UNSENT_ERRORS = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})


class Declined(UpstreamError):
    """Firecrawl refuses the request for the given reason. If `everything` is true, Firecrawl refuses all requests."""

    def __init__(self, message: str, *, everything: bool = False) -> None:
        super().__init__(message)
        self.everything = everything


class Unreachable(Transient):
    """The Firecrawl server cannot be reached."""


def as_our_error(failed: Exception, url: str, key: SecretStr | None, *, resend: bool) -> UpstreamError:
    """Convert an exception that the SDK raised for `url`. The text of the new exception never contains the API key.

    `resend`: whether to send the request again after a broken connection. `resend` is false for requests that cost
    credits.
    """
    if page_error := _PAGE_ERRORS.get(type(failed).__name__):
        return PageFailed(url, *page_error)
    text = _masked_text(failed, key)
    return (
        _from_response(failed, text)
        or _from_connection(failed, text, resend)
        or PageFailed(url, "not_fetched", f"Firecrawl did not fetch the page: {text}")
    )


def _from_response(failed: Exception, text: str) -> UpstreamError | None:
    status = getattr(failed, "status_code", None) or 0
    if status in RETRIED_STATUSES:
        return Transient(f"Firecrawl failed with {status}", retry_after_seconds=_retry_after(failed))
    match status:
        case 401:
            return BadKey(f"Firecrawl does not accept FIRECRAWL_API_KEY: check it ({text})")
        case 402:
            return Declined("The Firecrawl account has no credits left", everything=True)
        case 403:
            return Declined("Firecrawl does not read this site")
        case 429:
            return RateLimited(
                "Firecrawl responds with 429: too many requests", retry_after_seconds=_retry_after(failed)
            )
        case _:
            return None


def _from_connection(failed: Exception, text: str, resend: bool) -> UpstreamError | None:
    kind = type(failed).__name__
    if kind in _RESPONSE_ERRORS:
        broken = getattr(failed, "status_code", None) in {None, STATUS_OF_UNUSABLE_BODY}
        return Transient(f"Firecrawl's API did not give a usable response ({text})") if broken else None
    if hasattr(failed, "status_code"):
        return None
    if resend or kind in _UNSENT_ERRORS:
        return Unreachable(f"Firecrawl cannot be reached ({text})")
    return Declined(f"Firecrawl did not answer ({text})")


def _masked_text(failed: Exception, key: SecretStr | None) -> str:
    text = " ".join(str(failed).split()) or type(failed).__name__
    if key:
        text = text.replace(key.get_secret_value(), MASK)
    return _KEY.sub(MASK, text)[:MAX_TEXT_CHARACTERS]


def _retry_after(failed: Exception) -> float | None:
    headers: Mapping[str, str] = getattr(getattr(failed, "response", None), "headers", {})
    return retry_after_seconds(headers, str(failed))
