"""What a run has done, step by step: whichever process resumes the run does not do it again."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from octave_mcp.domain.value import Value

_ANY = TypeAdapter[Any](Any)


class StepEntry(Value):
    """A step with its outcome, which is JSON.

    `name` is its path in the run ('vendor/pack-3/ask'), `digest` that of its input, `epoch` the number of the
    execution that did it.
    """

    name: str
    digest: str
    epoch: int = 0
    outcome: str


class StepRecord(StepEntry):
    """The entry with what the step took."""

    began_at: datetime
    ended_at: datetime
    input_tokens: int = 0
    output_tokens: int = 0


class Outcome(Value):
    """The result as JSON, or the name and the message of the error that the step raised."""

    result: str | None = None
    failed: str = ""
    message: str = ""


def digest_of(*given: object) -> str:
    """A digest of these values, which is the same in every process; all their fields count."""
    return sha256(_ANY.dump_json(given, serialize_as_any=True)).hexdigest()
