"""What a recording holds, and how it is stored: compressed JSON, indented so that people can read and compare it."""

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

FORMAT = 1
# What JSON can hold.
Json = Any
Object = dict[str, Json]


def is_object(part: Json) -> TypeGuard[Object]:
    return isinstance(part, dict)


def is_list(part: Json) -> TypeGuard[list[Json]]:
    return isinstance(part, list)


class RecordedAnswer(Value):
    """An accepted answer: `value` has the fields of its `form`, with a list of citations as each `evidence`.

    `company` is that whose pages were asked about; '' where it was not about one company's pages.
    """

    step: str
    company: Role | Literal[""]
    prompt: str
    form: str
    value: Object


class RecordedPersona(Value):
    """A buyer persona by its title, and what was written for it; None if nothing was."""

    title: str
    value: Object | None


class RecordedVerdict(Value):
    """A model's verdict on a claim, which holds as long as the claim and its quotations are the same."""

    text: str
    kind: ClaimKind
    label: str
    quotations: tuple[str, ...]
    verdict: Verdict
    reason: str
    better: str


class RecordedRun(Value):
    """The answers of a run. `vendor` and `prospect` are domains; `prompts` are the versions that were asked.

    `max_pages`, `shown_characters` and `verification_tokens` are those of the run: what is asked depends on them.
    `personas` are in their order, 'persona-1' first. `digest` is that of all the rest.
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
    """How many citations a value has."""
    return sum(1 for _ in citations_in(value))


def packed(recording: RecordedRun) -> bytes:
    """The same bytes for the same recording, whenever it is made."""
    text = json.dumps(_signed(recording.model_dump(mode="json")), ensure_ascii=False, indent=1)
    return gzip.compress(f"{text}\n".encode(), mtime=0)


def unpacked(data: bytes, name: str) -> RecordedRun:
    """The recording; `name` is that of its file.

    Raises:
        StaleRecording: it is damaged, or of a form that this release does not read.
    """
    try:
        found: Json = json.loads(gzip.decompress(data))
    except (OSError, EOFError, zlib.error, ValueError):
        raise _unusable(name, "is damaged: it is no compressed JSON") from None
    if not is_object(found) or found.get("format") != FORMAT:
        raise _unusable(name, f"is not of the format that this release reads, {FORMAT}")
    if _signed(found) != found:
        raise _unusable(name, "is damaged: it is not what its digest says")
    try:
        return RecordedRun.model_validate(found)
    except ValidationError as wrong:
        where = ".".join(map(str, wrong.errors(include_input=False)[0]["loc"]))
        raise _unusable(name, f"is not of the form that this release reads, at {where!r}") from None


def _signed(recording: Object) -> Object:
    rest = {name: part for name, part in recording.items() if name != "digest"}
    digest = sha256(json.dumps(rest, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    return {**rest, "digest": digest}


def _unusable(name: str, wrong: str) -> StaleRecording:
    return StaleRecording(f"the recording {name!r} {wrong}; make a new one with octave-mcp record")
