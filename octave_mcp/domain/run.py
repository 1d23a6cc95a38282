from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from octave_mcp.domain.asks import Estimate
from octave_mcp.domain.company import ROLES, Role
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.value import Value

RunStatus = Literal["queued", "running", "waiting", "completed", "partial", "failed", "cancelled"]
FINAL: frozenset[RunStatus] = frozenset({"completed", "partial", "failed", "cancelled"})


class PlaybookRequest(Value):
    """What is asked for, as given; `context` is what the user says of the deal.

    `max_pages` of each company are read, or as many as suit the model. `refresh` has everything read and asked anew.
    `session_id` names a session that the run is to belong to; `request_id` is the caller's own name of this request,
    by which the same run is found when it is asked for again. `sender` signs the e-mails; None is the settings'.
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
        """The companies of the deal, as given."""
        return {role: given for role in ROLES if (given := getattr(self, role)) is not None}


class RunError(Value):
    code: str
    message: str


class RevisionRequest(Value):
    """What is asked for: a part of the playbook of a run, written again as the instruction says.

    The model is that of the run, unless another is named; without a base version, it is the newest. `request_id` is as
    in a request for a playbook.
    """

    run_id: str
    section: str
    instruction: str
    model: str = "auto"
    base_version: int | None = None
    request_id: str | None = None


class Revision(Value):
    """A part of the playbook of another run that is to be written again, as the instruction says."""

    run_id: str
    section: str
    instruction: str
    base_version: int


class RunRecord(Value):
    """What is kept of a run beside its events and its playbook.

    `model` and `source` are those that 'auto' in the request stands for; the model was taken `by_default` if nobody
    named one and no provider was configured. `started_at` is None while the run waits its turn.
    `estimate` is what was said of its cost when it was asked for. `specialists_per_ask` is that of its beginning: a run
    that is carried on asks as before.

    A run with a `revision` was asked for by a `revision_request`; its `request` is that of the playbook, with what
    differs. Such a run, or one that `refreshes` the playbook of another run, makes a new version of that playbook;
    `base_version` is the one that it refreshes, and `anew` is why everything was asked again, '' if it was not.
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
    anew: str = ""

    @property
    def signed_request(self) -> PlaybookRequest:
        """The request as the pipeline has it, with the whole sender."""
        return self.request.model_copy(update={"sender": self.sender})

    @property
    def playbook_of(self) -> str:
        """The run whose playbook this run writes a version of: itself, where that is a new playbook."""
        return self.revision.run_id if self.revision else self.refreshes or self.run_id

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def is_at_rest(self) -> bool:
        """Nothing more comes of it, or nothing before somebody answers."""
        return self.is_final or self.status == "waiting"


class SessionRecord(Value):
    """A session: runs that belong together, and how they stand. `last_at` is when the newest of them was asked for."""

    session_id: str
    created_at: datetime
    last_at: datetime
    runs: int
