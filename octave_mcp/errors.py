"""One tree of errors; `code` is stable, and part of the contract.

OctaveError
+-- InputError 400           what the caller gave cannot be used
|   +-- InvalidDomain        not the name of a company website
|   +-- HostNotAllowed       an address that is not public
|   +-- SameCompany          vendor and prospect are one company
|   +-- UnsupportedLanguage  the model does not write it
|   +-- UnknownName          no such model, source, section, export
|   +-- ReusedRequest 422    a request_id that names another request already
+-- Unauthorized 401         no token, or one that is not known
+-- RefusedOrigin 403        a web page of another site calls
+-- NotFound 404             no such run, session, route
+-- NotAllowed 405           the route is there, the method is not
+-- NotFinished 409          a run without a playbook, or without one yet
+-- Outdated 409             a change to a version of a playbook that is not the newest
+-- TooLarge 413             a body beyond the limit
+-- WrongType 415            a body that is neither JSON nor a form
+-- RefusedHost 421          a name that this server is not known by
+-- SetupError 503           a setting or a key is missing
+-- StaleRecording 503       recorded answers that cannot be read, or no longer fit the pages
+-- NotReady 503             the server is starting, stopping, or held up, or something in the background fails
+-- StoreFailed 503          the database cannot be read or written
|   +-- Unreadable 500       what it holds cannot be read, however often it is tried
+-- Abandoned 500            a run that no server could execute for a week
+-- Crashed 500              a run that ended every server which carried it on
+-- NotWritten 500           the playbook's files cannot be written
+-- UpstreamError 502        a site or a provider failed
    +-- SiteUnreachable      a company's website does not answer
    +-- SiteRefuses          it answers, and forbids reading it
    +-- BadAnswer            a model's answer that fails its checks
    |   +-- ModelRefuses     it declines to answer
    +-- BadRequest           the provider does not take what it is sent
    +-- BudgetExceeded 402   the run has used up what it may spend
    +-- DeadlineExceeded 504 the run, or a step of it, has used up its time
    |   +-- TookTooLong      a piece of its work did not end and was stopped
    +-- NotRecorded          a recording has no answer to this question
    +-- Unanswered           a question to the connected client stood open for a week
    +-- NoAccess             the provider lets us have nothing, now or later
    |   +-- BadKey           it does not know the key, or the key may not do this
    |   +-- NoQuota          the account has no credit left
    |   +-- UnknownModel     it has no model of that name
    |   +-- LongWait         it asks for a longer wait than the run has left
    |   +-- Unresponsive     several calls timed out and none was answered
    +-- Transient            worth another try
        +-- RateLimited      worth another try, later
        +-- Busy             worth another try, with fewer calls at once
        +-- TimedOut         worth one more try
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar


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


class ReusedRequest(InputError):
    code = "request_id_reused"
    status = 422


class Unauthorized(OctaveError):
    code = "unauthorized"
    status = 401


class RefusedOrigin(OctaveError):
    code = "refused_origin"
    status = 403


class NotFound(OctaveError):
    code = "not_found"
    status = 404


class NotAllowed(OctaveError):
    code = "method_not_allowed"
    status = 405


class NotFinished(OctaveError):
    code = "not_finished"
    status = 409


class Outdated(OctaveError):
    code = "outdated_version"
    status = 409


class TooLarge(OctaveError):
    code = "too_large"
    status = 413


class WrongType(OctaveError):
    code = "unsupported_media_type"
    status = 415


class RefusedHost(OctaveError):
    code = "refused_host"
    status = 421


class SetupError(OctaveError):
    code = "setup"
    status = 503


class StaleRecording(OctaveError):
    code = "stale_recording"
    status = 503


class NotReady(OctaveError):
    code = "not_ready"
    status = 503


class StoreFailed(OctaveError):
    code = "store_unavailable"
    status = 503


class Unreadable(StoreFailed):
    code = "unreadable"
    status = 500


class Abandoned(OctaveError):
    code = "abandoned"


class Crashed(OctaveError):
    code = "crashed"


class NotWritten(OctaveError):
    code = "not_written"


class UpstreamError(OctaveError):
    code = "upstream_unavailable"
    status = 502


class SiteUnreachable(UpstreamError):
    code = "site_unreachable"


class SiteRefuses(UpstreamError):
    code = "site_refuses"


class BadAnswer(UpstreamError):
    """`usage` is what the answer cost all the same: a `Usage`, where that is known.

    `key` is what its model knows it by, if it wants to be told what the checks found. `fault` is a `Fault`.
    """

    code = "bad_answer"
    fault: Any = "unreadable"

    def __init__(self, message: str, *, usage: Any = None, key: str = "", fault: Any = None) -> None:  # noqa: ANN401 - the domain's
        super().__init__(message)
        self.usage = usage
        self.key = key
        self.fault = self.fault if fault is None else fault


class ModelRefuses(BadAnswer):
    code = "model_refuses"
    fault = "refused"


class BadRequest(UpstreamError):
    code = "bad_request"


class BudgetExceeded(UpstreamError):
    code = "budget_exceeded"
    status = 402


class DeadlineExceeded(UpstreamError):
    code = "deadline_exceeded"
    status = 504


class TookTooLong(DeadlineExceeded):
    """The work was stopped. Doing it again does not help; a new run with a lower `max_pages` may."""


class NotRecorded(UpstreamError):
    """One question may lack an answer; a run in which nothing is left to write ends with this."""

    code, status = StaleRecording.code, StaleRecording.status


class Unanswered(UpstreamError):
    code = "unanswered"
    status = 504


class NoAccess(UpstreamError):
    """Other asks will fare no better: a run that has nothing yet ends with it."""

    code = "no_access"


class BadKey(NoAccess):
    code = "bad_key"


class NoQuota(NoAccess):
    code = "no_quota"


class UnknownModel(NoAccess):
    code = "unknown_model"


class LongWait(NoAccess):
    code = "rate_limited"


class Unresponsive(NoAccess):
    code = "upstream_unavailable"


class Transient(UpstreamError):
    """`upstream_status` is the status of the response: 0 if the connection failed, None if it does not matter.

    `most_tries` is set if the failure is worth fewer tries than usual.
    """

    most_tries: int | None = None

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, upstream_status: int | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.upstream_status = upstream_status


class RateLimited(Transient):
    code = "rate_limited"


class Busy(Transient):
    """The server accepts no more calls while others of ours are under way."""


class TimedOut(Transient):
    """A call was abandoned; the server may still be working on it."""


def own_words(failed: OctaveError) -> str:
    """Its text, without a provider's words that may repeat what it was sent: these are for the log."""
    text = str(failed)
    return f"{text.partition(': ')[0]}; the log has its words" if isinstance(failed, Transient | BadRequest) else text


def name_of(error: OctaveError) -> str:
    """The name of its class, or of the nearest one above that is of this tree."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == __name__)


def by_name(name: str, message: str) -> OctaveError:
    """An error of the class of this name, with this message; of the root, where there is no such class."""
    return next((kind for kind in tree() if kind.__name__ == name), OctaveError)(message)


def tree(kind: type[OctaveError] = OctaveError) -> Iterator[type[OctaveError]]:
    """The class and all those below it."""
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)
