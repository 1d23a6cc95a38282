from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from octave_mcp.domain.value import Value

RunStatus = Literal["queued", "running", "waiting", "completed", "partial", "failed", "cancelled"]
FINAL: frozenset[RunStatus] = frozenset({"completed", "partial", "failed", "cancelled"})


class PlaybookRequest(Value):
    """What is asked for, as given; `context` is what the user says of the deal."""

    vendor: str
    prospect: str
    context: Annotated[str, Field(max_length=1000)] = ""
    model: str = "auto"
    source: str = "auto"
    language: str = "en"
    max_pages: Annotated[int, Field(ge=1, le=200)] = 25
    session_id: str | None = None


class RunError(Value):
    code: str
    message: str


class RunRecord(Value):
    """What is kept of a run beside its playbook."""

    run_id: str
    session_id: str
    request: PlaybookRequest
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None = None
    error: RunError | None = None
    files: tuple[str, ...] = ()
