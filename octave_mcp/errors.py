"""All errors of the application. Each class has a stable `code`, which is part of the public API.

The subclasses of `OctaveError` (500), each with its HTTP status if it differs from the status of the base class:

- `InputError` (400): an argument is invalid
  - `InvalidDomain`: the argument is not the domain of a company website
  - `HostNotAllowed`: the host has no public address
  - `SameCompany`: vendor and prospect are the same company
  - `UnsupportedLanguage`: the model cannot write in this language
  - `UnknownName`: there is no such model, source, section or export format
  - `ReusedRequest` (422): the request_id belongs to a different request
- `Unauthorized` (401): the token is missing or unknown
- `RefusedOrigin` (403): the call comes from another site's web page
- `NotFound` (404): there is no such run, session or route
- `NotAllowed` (405): the route does not support this method
- `NotFinished` (409): the run has not ended yet, or ended without a playbook
- `Outdated` (409): a newer version of the playbook exists
- `TooLarge` (413): the request body exceeds the limit
- `WrongType` (415): the request body is neither JSON nor a form
- `RefusedHost` (421): the Host header does not name this server
- `SetupError` (503): a setting or a key is missing or invalid
- `StaleRecording` (503): recorded answers are unreadable, or no longer match the pages
- `NotReady` (503): the server is starting, stopping or overloaded, or a background task fails
- `StoreFailed` (503): the database cannot be read or written
  - `Unreadable` (500): stored data is corrupt; a retry does not help
- `Abandoned`: for a week, no server could execute the run
- `Crashed`: every server that executed the run crashed
- `NotWritten`: the playbook's files cannot be written
- `UpstreamError` (502): a site or a provider failed
  - `SiteUnreachable`: the company's website does not respond
  - `SiteRefuses`: the website forbids crawling
  - `BadAnswer`: the model's answer failed its checks
    - `ModelRefuses`: the model refused to answer
  - `BadRequest`: the provider rejected the request
  - `BudgetExceeded` (402): the run has reached its spending limit
  - `DeadlineExceeded` (504): the run, or one of its steps, ran out of time
    - `TookTooLong`: a computation did not finish in time and was stopped
  - `NotRecorded` (503): the recording has no answer to this question
  - `Unanswered` (504): the connected client left a question unanswered for a week
  - `NoAccess`: the provider will reject every call of this run
    - `BadKey`: the API key is invalid, or lacks permission
    - `NoQuota`: the account has no credit left
    - `UnknownModel`: the provider has no model of this name
    - `LongWait`: the provider asks for a longer wait than the run's deadline allows
    - `Unresponsive`: several calls timed out and none was answered
  - `Transient`: the call failed and is retried
    - `RateLimited`: the call is retried after a wait
    - `Busy`: the call is retried while fewer other calls are in progress
    - `TimedOut`: the call timed out and is retried once
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar


class OctaveError(Exception):
    """Base class of all errors.

    The message says what is wrong and what to do next. Callers see the message, so it must not contain secrets.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500


class InputError(OctaveError):
    """An invalid argument. `faults`: what is wrong with each argument, by its name in a form, such as 'sender_name'."""

    code = "invalid_input"
    status = 400

    def __init__(self, message: str, argument: str = "") -> None:
        super().__init__(message)
        self.faults: Mapping[str, str] = {argument: message} if argument else {}


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
    """A model's answer that failed its checks. `fault`: the kind of problem.

    `usage`: the tokens and cost of the answer, if known. `key`: identifies the answer in `Model.record_verdict`.
    """

    code = "bad_answer"
    # `fault` is a `Fault` and `usage` a `Usage`; both are typed Any because this lowest layer must not import domain.
    fault: Any = "unreadable"

    def __init__(self, message: str, *, usage: Any = None, key: str = "", fault: Any = None) -> None:  # noqa: ANN401 - domain types
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
    """A computation was stopped, because it took too long.

    A retry would take just as long, but a new run with a lower `max_pages` can succeed.
    """


class NotRecorded(UpstreamError):
    """The recording lacks the answer to one question.

    The run does not fail if it can still write a part of the playbook without this answer.
    """

    # The base class is `UpstreamError` and not `StaleRecording`, so that the run reports a gap and continues. Callers
    # see the code and the HTTP status of a stale recording.
    code, status = StaleRecording.code, StaleRecording.status


class Unanswered(UpstreamError):
    code = "unanswered"
    status = 504


class NoAccess(UpstreamError):
    """The provider will reject every call of this run. If the run has no result yet, the run ends with this error."""

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
    """A failed call that is retried.

    `retry_after_seconds`: the wait that the provider asks for. `upstream_status`: HTTP status of the response; 0 if the
    connection failed, None if the code that raises the error does not set it. `max_tries`: the maximum number of
    attempts, if lower than usual.
    """

    max_tries: int | None = None

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, upstream_status: int | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.upstream_status = upstream_status


class RateLimited(Transient):
    code = "rate_limited"


class Busy(Transient):
    """The server rejects a call because too many other calls from this process are in progress."""


class TimedOut(Transient):
    """A call timed out. The server may still be working on the call."""


@contextmanager
def about(argument: str) -> Generator[None]:
    """Say in an `InputError` that it is about this argument, unless the error already names an argument."""
    try:
        yield
    except InputError as invalid:
        invalid.faults = invalid.faults or {argument: str(invalid)}
        raise


def without_provider_text(failed: OctaveError) -> str:
    """Return the message without the provider's own text, which only the log contains."""
    text = str(failed)
    # In these errors, adapters write the provider's text after the first ': '. Leave out this text, because it can
    # repeat parts of the prompt, including text from pages.
    is_quoting = isinstance(failed, Transient | BadRequest)
    return f"{text.partition(': ')[0]}; see the log for the provider's message" if is_quoting else text


def name_of(error: OctaveError) -> str:
    """Return the name of the error's class, or of the nearest base class that this module defines."""
    # Do not return the name of a subclass that an adapter defines. The journal stores the name, and a process that
    # resumes the run may restore the error before it has imported the adapter.
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == __name__)


def by_name(name: str, message: str) -> OctaveError:
    """Return an error of the named class, or a plain `OctaveError` if there is no such class."""
    return next((kind for kind in tree() if kind.__name__ == name), OctaveError)(message)


def tree(kind: type[OctaveError] = OctaveError) -> Iterator[type[OctaveError]]:
    """Yield a class and all its subclasses."""
    yield kind
    for subclass in kind.__subclasses__():
        yield from tree(subclass)
