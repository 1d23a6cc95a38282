"""Runs, the requests that start them, and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AliasChoices, Field

from octave_mcp.domain.choices import AUTO
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.estimate import Estimate
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.value import Value

RunStatus = Literal["queued", "running", "waiting", "completed", "partial", "failed", "cancelled"]
FINAL: frozenset[RunStatus] = frozenset({"completed", "partial", "failed", "cancelled"})


class PlaybookRequest(Value):
    """A request for a playbook, as the caller sent it.

    - `context`: what the user says about the deal.
    - `max_pages`: pages to read per company; None for the model's default.
    - `refresh`: whether to ignore caches, read all pages again and ask all questions again.
    - `sender`: the person who signs the e-mails. If it is None, the sender in the settings is used.
    - `session_id`: the session that the run should belong to.
    - `request_id`: the caller's idempotency key. A second request with the same key returns the same run.
    """

    vendor: str
    prospect: str
    context: Annotated[str, Field(max_length=1000)] = ""
    model: str = "auto"
    source: str = "auto"
    language: str = "en"
    max_pages: Annotated[int | None, Field(ge=1, le=200)] = None
    max_cost_usd: Annotated[float | None, Field(gt=0)] = None
    refresh: bool = False
    sender: Sender | None = None
    session_id: str | None = None
    request_id: str | None = None

    @property
    def companies(self) -> dict[Role, str]:
        """The companies of the deal by role, as the caller spelled them."""
        return {role: given for role in ROLES if (given := getattr(self, role)) is not None}


class RunError(Value):
    code: str
    message: str


class RevisionRequest(Value):
    """A request to rewrite a part of a run's playbook, as the caller sent it.

    If `model` is 'auto', the model that wrote the playbook rewrites the part. `base_version` defaults to the newest
    version. `request_id` is an idempotency key, as in `PlaybookRequest`.
    """

    run_id: str
    section: str
    instruction: str
    model: str = "auto"
    base_version: int | None = None
    request_id: str | None = None


class Revision(Value):
    """The task of a run that rewrites a part of another run's playbook."""

    run_id: str
    section: str
    instruction: str
    base_version: int


class RunRecord(Value):
    """The stored record of a run. The run's events and playbook are stored separately.

    - `model`, `source`: the model and source that are actually used, never 'auto'.
    - `by_default`: true if the caller named no model and no provider is configured. The run then uses the default
      model.
    - `started_at`: None while the run is queued.
    - `estimate`: the estimated cost that was reported when the run was requested.
    - `specialists_per_ask`: the value of the setting when the run started, so that a resumed run asks the same
      questions.
    - `revision`, `revision_request`: set only for a revision, which rewrites a part of another run's playbook.
      A revision's `request` is the playbook's request, with the model and request id of the revision request.
    - `refreshes`, `base_version`: the run whose playbook is refreshed, and the version that the refresh starts from.
    - `trace_parent`: the W3C trace context of the request that started the run.
    - `full_refresh_reason`: why a refresh asked all questions again; otherwise ''.
    """

    run_id: str
    session_id: str
    request: PlaybookRequest
    status: RunStatus
    model: str
    source: str
    by_default: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: RunError | None = None
    estimate: Estimate | None = None
    sender: Sender | None = None
    specialists_per_ask: int | None = None
    files: tuple[str, ...] = ()
    revision: Revision | None = None
    revision_request: RevisionRequest | None = None
    refreshes: str | None = None
    base_version: int | None = None
    trace_parent: str | None = None
    # The alias is the field's name in records that earlier releases stored.
    full_refresh_reason: Annotated[str, Field(validation_alias=AliasChoices("full_refresh_reason", "anew"))] = ""

    @property
    def signed_request(self) -> PlaybookRequest:
        """The request with all fields of the sender filled in, for the pipeline."""
        return self.request.model_copy(update={"sender": self.sender})

    @property
    def playbook_of(self) -> str:
        """The id of the run that owns the playbook. A revision or refresh changes the playbook of an earlier run."""
        return self.revision.run_id if self.revision else self.refreshes or self.run_id

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def is_settled(self) -> bool:
        """Whether the run has ended or is waiting for answers from the client."""
        return self.is_final or self.status == "waiting"


class RunFilter(Value):
    """Selects runs. A field that is None selects all runs.

    - `company`: a part of the vendor's or the prospect's address.
    - `since`, `until`: when the run was requested; `until` is exclusive.
    """

    company: str | None = None
    status: RunStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERY_RUN = RunFilter()


class Named(NamedTuple):
    """The options that a refresh request can set. All other options are taken from the playbook's original request."""

    model: str = AUTO
    max_cost_usd: float | None = None
    request_id: str | None = None
    source: str = AUTO
    max_pages: int | None = None
    sender: Sender | None = None

    @classmethod
    def in_request(cls, request: PlaybookRequest) -> Self:
        return cls(**{name: getattr(request, name) for name in cls._fields})

    def applied_to(self, base: RunRecord) -> PlaybookRequest:
        """Return the playbook's original request, updated with these options."""
        options = {name: value for name, value in self._asdict().items() if value not in {None, AUTO}}
        # Always replace the request_id, because a request with the original request_id would return the original run.
        fixed = {"refresh": True, "session_id": base.session_id, "request_id": self.request_id}
        return base.request.model_copy(update={**options, **fixed})


NO_OPTIONS = Named()


class SessionRecord(Value):
    """A group of runs that belong together. `last_at` is the time when the newest run was requested."""

    session_id: str
    created_at: datetime
    last_at: datetime
    runs: int
