"""The contents of a recording and its file format: gzip-compressed JSON, indented so that people can compare files."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any, Literal, TypeGuard

from pydantic import ValidationError

from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Verdict
from octave_mcp.domain.value import Value
from octave_mcp.domain.verification import ClaimKind
from octave_mcp.errors import StaleRecording

# Version of the file format. Recordings with any other version are rejected.
FORMAT = 1
Json = Any
Object = dict[str, Json]


def is_object(part: Json) -> TypeGuard[Object]:
    return isinstance(part, dict)


def is_list(part: Json) -> TypeGuard[list[Json]]:
    return isinstance(part, list)


class RecordedAnswer(Value):
    """An accepted answer.

    - `company`: the company whose pages the question was about; '' if the question was not about a company's pages.
    - `form`: the name of the answer's type.
    - `value`: the answer as JSON, in which each `evidence` is a list of citations.
    """

    step: str
    company: Role | Literal[""]
    prompt: str
    form: str
    value: Object


class RecordedPersona(Value):
    """A buyer persona, and the sales copy for this persona. `value` is None if no sales copy was written."""

    title: str
    value: Object | None


class RecordedVerdict(Value):
    """A model's verdict on a claim. The verdict applies only to claims with exactly this text and these quotations."""

    text: str
    kind: ClaimKind
    label: str
    quotations: tuple[str, ...]
    verdict: Verdict
    reason: str
    better: str


class RecordedRun(Value):
    """The recorded answers of a run.

    - `vendor`, `prospect`: domains.
    - `max_pages`, `shown_characters`, `verification_tokens`: settings of the run that affected its questions.
    - `prompts`: the versions of the prompts.
    - `personas`: the personas, in the order of their ids.
    - `digest`: SHA-256 of all other fields.
    """

    format: int = FORMAT
    vendor: str
    prospect: str
    model: str
    recorded_on: date
    language: str
    context: str
    max_pages: int
    shown_characters: int
    verification_tokens: int
    prompts: dict[str, int]
    answers: tuple[RecordedAnswer, ...]
    personas: tuple[RecordedPersona, ...]
    verdicts: tuple[RecordedVerdict, ...]
    digest: str = ""

    @property
    def citations(self) -> int:
        values = (*(answer.value for answer in self.answers), *(persona.value for persona in self.personas))
        return sum(map(count, values))


def citations_in(value: Json) -> Iterator[Object]:
    if is_object(value):
        for name, part in value.items():
            yield from part if name == "evidence" else citations_in(part)
    elif is_list(value):
        for part in value:
            yield from citations_in(part)


def count(value: Json) -> int:
    """Count the citations in a value."""
    return sum(1 for _ in citations_in(value))


def packed(recording: RecordedRun) -> bytes:
    """Serialize a recording. Equal recordings result in equal bytes."""
    text = json.dumps(_with_digest(recording.model_dump(mode="json")), ensure_ascii=False, indent=1)
    # Set `mtime` to a fixed value, because some Python versions would write the current time into the file's header,
    # and equal recordings would then differ.
    return gzip.compress(f"{text}\n".encode(), mtime=0)


def unpacked(data: bytes, name: str) -> RecordedRun:
    """Parse a recording. `name` is the file name to show in error messages.

    Raises:
        StaleRecording: If the recording is damaged or has a format that this release cannot read.
    """
    try:
        stored: Json = json.loads(gzip.decompress(data))
    except (OSError, EOFError, zlib.error, ValueError):
        raise _unusable(name, "is damaged: it is not gzip-compressed JSON") from None
    if not is_object(stored) or stored.get("format") != FORMAT:
        raise _unusable(name, f"has a format that this release cannot read (it reads format {FORMAT})")
    if _with_digest(stored) != stored:
        raise _unusable(name, "is damaged: its digest does not match its content")
    try:
        return RecordedRun.model_validate(stored)
    except ValidationError as wrong:
        where = ".".join(map(str, wrong.errors(include_input=False)[0]["loc"]))
        raise _unusable(name, f"has a field that this release cannot read: {where!r}") from None


def _with_digest(recording: Object) -> Object:
    rest = {name: part for name, part in recording.items() if name != "digest"}
    digest = sha256(json.dumps(rest, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    return {**rest, "digest": digest}


def _unusable(name: str, wrong: str) -> StaleRecording:
    return StaleRecording(f"the recording {name!r} {wrong}; make a new one with octave-mcp record")
