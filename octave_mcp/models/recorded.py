"""A model that replays recorded answers from an earlier run about the same two companies.

Citations are mapped to the current pages. The recorded answers came from a connected client. Therefore this model has
the capacity of a connected client, so that the run asks the questions that were recorded. Replaying is free and
immediate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Judgement, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.company import Company, Role
from octave_mcp.domain.estimate import Estimate
from octave_mcp.errors import SetupError, StaleRecording, UnsupportedLanguage
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.models.host import make as make_host
from octave_mcp.ports import Model, RunContext
from octave_mcp.recordings.library import find
from octave_mcp.recordings.recording import RecordedRun
from octave_mcp.recordings.replay import answered
from octave_mcp.settings import Settings

CHOICE = choice(MODELS, "recorded", "model")


def make(settings: Settings, context: RunContext | None = None, deal: Mapping[Role, str] | None = None) -> Model:  # noqa: ARG001 - a replay needs no context
    """Return the model for a deal. Without a deal, the model can report its capacity and estimates, but cannot answer.

    Raises:
        InputError: If no recording of this deal exists.
        StaleRecording: If the recording cannot be read.
    """
    if not deal:
        return Recorded(None, (), make_host(settings).capacity)
    companies = tuple(parse_company(given, role, frozenset(settings.allow_hosts)) for role, given in deal.items())
    recording = find({company.role: company.domain for company in companies}, settings.home)
    # Use the recording's own limits, so that the run asks the questions that were recorded.
    as_then = settings.model_copy(update={"shown_characters": recording.shown_characters})
    limits = {"max_pages": recording.max_pages, "verification_tokens": recording.verification_tokens}
    return Recorded(recording, companies, make_host(as_then).capacity.model_copy(update=limits))


class Recorded:
    """Replays a recording. As with a connected client, fixed rules answer some of the asks."""

    name = "recorded"
    languages: frozenset[str] | None = None
    """None means that any language is possible. The run then checks that the copy is in the requested language."""

    def __init__(self, recording: RecordedRun | None, companies: Sequence[Company], capacity: Capacity) -> None:
        self.capacity = capacity.model_copy(update={"caches_research": False})
        self.identity = f"recorded {recording.digest}" if recording else "recorded"
        self._recording, self._companies = recording, companies
        self._rules = Extractive()

    def estimate(self, max_pages: int) -> Estimate:  # noqa: ARG002 - part of the Model port
        return Estimate(asks=0, input_tokens=0, output_tokens=0, usd=0.0, tested=CHOICE.tested)

    def estimate_verification(self, max_pages: int) -> Estimate:  # noqa: ARG002 - part of the Model port
        return Estimate(asks=0, input_tokens=0, output_tokens=0, usd=0.0)

    def check(self) -> None:
        """Do nothing: a recording needs no setup."""

    def prepare(self) -> None:
        """Do nothing: the recording is already loaded."""

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Do nothing: this model does not have to know about asks in advance."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:  # noqa: ARG002 - part of the Model port
        return False

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """Return the recorded answer.

        Raises:
            StaleRecording: If the recorded answer does not match the schema of this release.
            UnsupportedLanguage: If the recording is not in the language of the ask.
        """
        recording = self._recording
        if recording is None:
            raise SetupError("the recorded model can answer only within a run about two companies")
        if ask.language != recording.language:
            raise UnsupportedLanguage(f"the recording is in {recording.language!r}, not in {ask.language!r}")
        if ask.prompt in self.capacity.by_rules:
            return await self._rules.answer(ask)
        value, replayed = await computed(answered, recording, ask, self._companies)
        try:
            answer = ask.answer.model_validate(value)
        except ValidationError as error:
            path = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
            raise StaleRecording(
                f"the recorded answer to {ask.prompt!r} does not match the schema of this release, at {path!r}: "
                "make a new recording with octave-mcp record"
            ) from None
        return Answer[ask.answer](value=answer, usage=Usage(), reused=True, replayed=replayed)

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Do nothing: recorded answers are not cached."""

    async def close(self) -> None:
        """Do nothing: no connection is open."""
