"""The errors of providers' SDKs as ours: by name and status, so that no SDK is imported for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import SecretStr

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.errors import BadKey, BadRequest, NoQuota, RateLimited, Transient, UnknownModel, UpstreamError
from octave_mcp.settings import MASK, SHORTEST_SECRET

LONGEST_TEXT = 200
_NO_QUOTA = {"insufficient_quota", "billing_error", "billing_hard_limit_reached", "billing_not_active"}
_UNKNOWN_MODEL = {"model_not_found", "not_found_error"}
_LATER = {408, 409, 425}
_KEY = re.compile(r"\b(?:(?:sk|pk|key|api)[-_][\w*.-]{6,}|Bearer\s+\S+)", re.IGNORECASE)
_CREDIT = re.compile(r"credit balance|insufficient (?:credit|balance|quota)|exceeded your current quota", re.IGNORECASE)


class Key(NamedTuple):
    """What a provider is asked with, and what the user calls it; `others` are secrets in the user's headers."""

    name: str
    value: SecretStr
    others: tuple[SecretStr, ...] = ()


def ours(failed: Exception, provider: str, model: str, key: Key) -> UpstreamError:
    """What the caller may be told of it, without the key."""
    status: int = getattr(failed, "status_code", None) or 0
    code = _code(failed)
    words, wait = said(failed, key), retry_after_seconds(_headers(failed), _text(failed))
    told = f"{provider} answered {status or type(failed).__name__}: {words}"
    is_rate_limit = status == 429 and (code or wait is not None)  # noqa: PLR2004 - which some call a quota, too
    if code in _NO_QUOTA or status == 402 or (_CREDIT.search(words) and not is_rate_limit):  # noqa: PLR2004 - Payment Required
        return NoQuota(f"the account with {provider} has no credit left: add some there, or use another model ({told})")
    if status in {401, 403}:
        return BadKey(f"{provider} does not accept {key.name}: check it, and what it is allowed to do ({told})")
    if status == 404 or code in _UNKNOWN_MODEL:  # noqa: PLR2004 - Not Found
        return UnknownModel(
            f"{provider} has no model {model!r} for this key: check OCTAVE_FAST_MODEL, OCTAVE_STRONG_MODEL or "
            f"OCTAVE_COMPAT_MODEL, and the provider's base URL ({told})"
        )
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return RateLimited(told, retry_after_seconds=wait)
    if 400 <= status < 500 and status not in _LATER and code != "overloaded_error":  # noqa: PLR2004 - the client's fault
        return BadRequest(told)
    return Transient(told, retry_after_seconds=wait, answered=status)


def said(failed: Exception, key: Key) -> str:
    """The error's own words, without the key and what looks like one."""
    text = " ".join(_text(failed).split()) or type(failed).__name__
    for secret in sorted((one.get_secret_value() for one in (key.value, *key.others)), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return _KEY.sub(MASK, text)[:LONGEST_TEXT]


def _headers(failed: Exception) -> Mapping[str, str]:
    return getattr(getattr(failed, "response", None), "headers", {})


def _text(failed: Exception) -> str:
    """What it says; a list of errors, as Google sends it, the SDK leaves out."""
    body: object = getattr(failed, "body", None)
    return f"{failed} {body}" if isinstance(body, list) else str(failed)


def _code(failed: Exception) -> str:
    return str(getattr(failed, "code", None) or getattr(failed, "type", None) or "")
