"""Journal entries of finished steps. A process that resumes a run does not repeat the finished steps."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from octave_mcp.domain.value import Value

_ANY = TypeAdapter[Any](Any)


class StepEntry(Value):
    """A finished step.

    `name` is the step's path in the run ('vendor/pack-3/ask'). `digest` is the digest of the step's input. `epoch` is
    the number of the execution that finished the step. `outcome` is an `Outcome` as JSON. `began_at` and
    `ended_at` are the times of that execution, even if a later execution uses the result.
    """

    name: str
    digest: str
    epoch: int = 0
    outcome: str
    began_at: datetime
    ended_at: datetime

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.began_at).total_seconds()


class StepRecord(StepEntry):
    """A finished step with its token usage."""

    input_tokens: int = 0
    output_tokens: int = 0


class Outcome(Value):
    """How a step ended: with a result (as JSON), or with an error. `failed` is the name of the error."""

    result: str | None = None
    failed: str = ""
    message: str = ""


def digest_of(*given: object) -> str:
    """Return a SHA-256 digest of the values, which is the same in all processes.

    Values are serialized by their runtime type, so that the digest includes the fields of subclasses.
    """
    return sha256(_ANY.dump_json(given, serialize_as_any=True)).hexdigest()
