"""Converts providers' errors to this project's exceptions.

This module looks only at error codes, statuses and texts, so it imports no SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import SecretStr

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.domain.masking import MASK
from octave_mcp.errors import BadKey, BadRequest, NoQuota, RateLimited, Transient, UnknownModel, UpstreamError
from octave_mcp.models.error_info import NO_CREDIT, ErrorInfo, error_info
from octave_mcp.settings import MIN_SECRET_LENGTH

MAX_TEXT_CHARACTERS = 200
_NO_QUOTA = {"insufficientquota", "billingerror", "billinghardlimitreached", "billingnotactive"}
_UNKNOWN_MODEL = {"modelnotfound", "notfounderror"}
# Request Timeout, Conflict and Too Early are client errors, but a retry may succeed.
_RETRYABLE_STATUSES = {408, 409, 425}
_LOOKS_LIKE_KEY = re.compile(r"\b(?:(?:sk|pk|key|api)[-_][\w*.-]{6,}|Bearer\s+\S+)", re.IGNORECASE)
_NO_CREDIT_TEXT = re.compile(NO_CREDIT, re.IGNORECASE)


class Key(NamedTuple):
    """A provider's API key, with the name of its environment variable.

    `others` are the secrets in the user's headers.
    """

    name: str
    value: SecretStr
    others: tuple[SecretStr, ...] = ()


class Failure(NamedTuple):
    """A provider's error. The error text for users begins with the text in `answered`, such as 'openai answered 400'.

    `is_explained` is False if the HTTP status is 200 and the error itself contains no status and no known code.
    """

    error: ErrorInfo
    words: str
    wait: float | None
    answered: str
    is_explained: bool = True


def failure_from_exception(failed: Exception, provider: str, key: Key) -> Failure:
    """Describe an exception that an SDK raised, without secrets."""
    status: int = getattr(failed, "status_code", None) or 0
    info = error_info(getattr(failed, "body", None), status)
    text = str(failed) if info.words in str(failed) else f"{failed} {info.words}"  # str() can omit nested errors
    wait = retry_after_seconds({**info.headers, **_headers(failed)}, text)
    name = type(failed).__name__
    return Failure(info, scrubbed(text, key) or name, wait, f"{provider} answered {status or name}")


def failure_from_answer(error: object, provider: str, key: Key) -> Failure:
    """Describe the error in a response with status 200, without secrets."""
    info = error_info(error)
    number = f" {info.status}" if info.status else ""
    words = scrubbed(info.words, key) or "no message"
    wait, answered = retry_after_seconds(info.headers, info.words), f"{provider} answered 200 with error{number}"
    return Failure(info, words, wait, answered, is_explained=bool(info.status))


def translated(failure: Failure, provider: str, model: str, key: Key) -> UpstreamError:
    """Convert the failure to one of this project's exceptions. The error text contains no secrets."""
    (status, codes, *_), words, wait, answered, _ = failure
    text = f"{answered}: {words}"
    # Some providers also call a rate limit a quota: "exceeded your current quota".
    is_rate_limit = status == 429 and (codes or wait is not None)  # noqa: PLR2004 - Too Many Requests
    if codes & _NO_QUOTA or status == 402 or (_NO_CREDIT_TEXT.search(words) and not is_rate_limit):  # noqa: PLR2004 - Payment Required
        return NoQuota(
            f"the account with {provider} has no credit left: add credit there, or use another model ({text})"
        )
    if status in {401, 403}:
        return BadKey(f"{provider} does not accept {key.name}: check the key and its permissions ({text})")
    if status == 404 or codes & _UNKNOWN_MODEL:  # noqa: PLR2004 - Not Found
        return UnknownModel(
            f"{provider} has no model {model!r} for this key: check OCTAVE_FAST_MODEL, OCTAVE_STRONG_MODEL or "
            f"OCTAVE_COMPAT_MODEL, and the provider's base URL ({text})"
        )
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return RateLimited(text, retry_after_seconds=wait)
    if 400 <= status < 500 and status not in _RETRYABLE_STATUSES and "overloadederror" not in codes:  # noqa: PLR2004 - the client's fault
        return BadRequest(text)
    return Transient(text, retry_after_seconds=wait, upstream_status=status)


def scrubbed(text: str, key: Key) -> str:
    """Return the text on one line. Mask secrets and anything that looks like a key."""
    text = " ".join(text.split())
    # Mask the longest secrets first. If a short secret is part of a longer one, masking the short secret first would
    # leave the rest of the longer one readable.
    for secret in sorted((word.get_secret_value() for word in (key.value, *key.others)), key=len, reverse=True):
        if len(secret) >= MIN_SECRET_LENGTH:
            text = text.replace(secret, MASK)
    return _LOOKS_LIKE_KEY.sub(MASK, text)[:MAX_TEXT_CHARACTERS]


def _headers(failed: Exception) -> Mapping[str, str]:
    return getattr(getattr(failed, "response", None), "headers", {})
