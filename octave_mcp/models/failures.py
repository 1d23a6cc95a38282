"""The errors of providers as ours: by name and status, so that no SDK is imported for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import SecretStr

from octave_mcp.concurrency.retry_after import retry_after_seconds
from octave_mcp.errors import BadKey, BadRequest, NoQuota, RateLimited, Transient, UnknownModel, UpstreamError
from octave_mcp.models.told import NO_CREDIT, Told, told
from octave_mcp.settings import MASK, SHORTEST_SECRET

LONGEST_TEXT = 200
_NO_QUOTA = {"insufficientquota", "billingerror", "billinghardlimitreached", "billingnotactive"}
_UNKNOWN_MODEL = {"modelnotfound", "notfounderror"}
_LATER = {408, 409, 425}
_KEY = re.compile(r"\b(?:(?:sk|pk|key|api)[-_][\w*.-]{6,}|Bearer\s+\S+)", re.IGNORECASE)
_CREDIT = re.compile(NO_CREDIT, re.IGNORECASE)


class Key(NamedTuple):
    """What a provider is asked with, and what the user calls it; `others` are secrets in the user's headers."""

    name: str
    value: SecretStr
    others: tuple[SecretStr, ...] = ()


class Failure(NamedTuple):
    """What a provider said in place of an answer, and how our text about it begins ('openai answered 400').

    One with status 200 is not explained if it carries no other status and no known code.
    """

    said: Told
    words: str
    wait: float | None
    answered: str
    is_explained: bool = True


def raised(failed: Exception, provider: str, key: Key) -> Failure:
    """What an error of an SDK says, without the key."""
    status: int = getattr(failed, "status_code", None) or 0
    said = told(getattr(failed, "body", None), status)
    text = str(failed) if said.words in str(failed) else f"{failed} {said.words}"  # the SDK leaves some out
    wait = retry_after_seconds({**said.headers, **_headers(failed)}, text)
    name = type(failed).__name__
    return Failure(said, scrubbed(text, key) or name, wait, f"{provider} answered {status or name}")


def in_answer(error: object, provider: str, key: Key) -> Failure:
    """What an error says that came with status 200."""
    said = told(error)
    number = f" {said.status}" if said.status else ""
    words = scrubbed(said.words, key) or "it says nothing else"
    wait, answered = retry_after_seconds(said.headers, said.words), f"{provider} answered 200 with error{number}"
    return Failure(said, words, wait, answered, is_explained=bool(said.status))


def ours(failure: Failure, provider: str, model: str, key: Key) -> UpstreamError:
    """What the caller may be told of it."""
    (status, codes, *_), words, wait, answered, _ = failure
    text = f"{answered}: {words}"
    is_rate_limit = status == 429 and (codes or wait is not None)  # noqa: PLR2004 - which some call a quota, too
    if codes & _NO_QUOTA or status == 402 or (_CREDIT.search(words) and not is_rate_limit):  # noqa: PLR2004 - Payment Required
        return NoQuota(f"the account with {provider} has no credit left: add some there, or use another model ({text})")
    if status in {401, 403}:
        return BadKey(f"{provider} does not accept {key.name}: check it, and what it is allowed to do ({text})")
    if status == 404 or codes & _UNKNOWN_MODEL:  # noqa: PLR2004 - Not Found
        return UnknownModel(
            f"{provider} has no model {model!r} for this key: check OCTAVE_FAST_MODEL, OCTAVE_STRONG_MODEL or "
            f"OCTAVE_COMPAT_MODEL, and the provider's base URL ({text})"
        )
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return RateLimited(text, retry_after_seconds=wait)
    if 400 <= status < 500 and status not in _LATER and "overloadederror" not in codes:  # noqa: PLR2004 - the client's fault
        return BadRequest(text)
    return Transient(text, retry_after_seconds=wait, answered=status)


def scrubbed(text: str, key: Key) -> str:
    """The text on one line, without the keys and what looks like one."""
    text = " ".join(text.split())
    for secret in sorted((one.get_secret_value() for one in (key.value, *key.others)), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return _KEY.sub(MASK, text)[:LONGEST_TEXT]


def _headers(failed: Exception) -> Mapping[str, str]:
    return getattr(getattr(failed, "response", None), "headers", {})
