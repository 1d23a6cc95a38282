"""One tree of errors; `code` is stable, and part of the contract.

OctaveError
+-- InputError 400           what the caller gave cannot be used
|   +-- InvalidDomain        not the name of a company website
|   +-- HostNotAllowed       an address that is not public
|   +-- SameCompany          vendor and prospect are one company
|   +-- UnsupportedLanguage  the model does not write it
|   +-- UnknownName          no such model, source, section, export
+-- NotFound 404             no such run
+-- SetupError 503           a setting or a key is missing
+-- UpstreamError 502        a site or a provider failed
    +-- SiteUnreachable      a company's website does not answer
    +-- SiteRefuses          it answers, and forbids reading it
    +-- BadAnswer            a model's answer that fails its checks
    +-- Transient            worth another try
        +-- RateLimited      worth another try, later
"""

from __future__ import annotations

from typing import ClassVar


class OctaveError(Exception):
    """Its text says what was wrong and what to do next, and may be shown to the caller."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500


class InputError(OctaveError):
    code = "invalid_input"
    status = 400


class InvalidDomain(InputError):
    code = "invalid_domain"


class HostNotAllowed(InputError):
    code = "host_not_allowed"


class SameCompany(InputError):
    code = "same_company"


class UnsupportedLanguage(InputError):
    code = "unsupported_language"


class UnknownName(InputError):
    code = "unknown_name"


class NotFound(OctaveError):
    code = "not_found"
    status = 404


class SetupError(OctaveError):
    code = "setup"
    status = 503


class UpstreamError(OctaveError):
    code = "upstream_unavailable"
    status = 502


class SiteUnreachable(UpstreamError):
    code = "site_unreachable"


class SiteRefuses(UpstreamError):
    code = "site_refuses"


class BadAnswer(UpstreamError):
    code = "bad_answer"


class Transient(UpstreamError):
    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Transient):
    code = "rate_limited"
