"""What a model answered in an earlier run about the same two companies, on their pages as they are now.

It takes on what a connected client does, so that the same is asked; it costs nothing, and answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.addresses import parse_company
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Usage
from octave_mcp.domain.choices import MODELS, choice
from octave_mcp.domain.company import Company, Role
from octave_mcp.errors import SetupError, StaleRecording, UnsupportedLanguage
from octave_mcp.models.extractive.model import Extractive
from octave_mcp.models.host import make as make_host
from octave_mcp.ports import Model, RunContext
from octave_mcp.recordings.library import find
from octave_mcp.recordings.recording import RecordedRun
from octave_mcp.recordings.replay import answered
from octave_mcp.settings import Settings

CHOICE = choice(MODELS, "recorded", "model")


def make(settings: Settings, context: RunContext | None = None, deal: Mapping[Role, str] | None = None) -> Model:  # noqa: ARG001 - it asks nobody
    """Without a deal, only to see how it works.

    Raises:
        InputError: there is no recording of this deal.
        StaleRecording: it cannot be read.
    """
    if not deal:
        return Recorded(None, (), make_host(settings).capacity)
    companies = tuple(parse_company(given, role, frozenset(settings.allow_hosts)) for role, given in deal.items())
    recording = find({company.role: company.domain for company in companies}, settings.home)
    as_then = settings.model_copy(update={"shown_characters": recording.shown_characters})
    limits = {"max_pages": recording.max_pages, "verification_tokens": recording.verification_tokens}
    return Recorded(recording, companies, make_host(as_then).capacity.model_copy(update=limits))


class Recorded:
    """What the connected client's model leaves to rules, rules answer here, too."""

    name = "recorded"
    languages: frozenset[str] | None = None
    """Those of its recording: where a model writes any language, that of its copy is checked."""

    def __init__(self, recording: RecordedRun | None, companies: Sequence[Company], capacity: Capacity) -> None:
        self.capacity = capacity.model_copy(update={"keeps_research": False})
        self.identity = f"recorded {recording.digest}" if recording else "recorded"
        self._recording, self._companies = recording, companies
        self._rules = Extractive()

    def estimate(self, max_pages: int) -> Estimate:  # noqa: ARG002 - the port's
        return Estimate(asks=0, input_tokens=0, output_tokens=0, usd=0.0, tested=CHOICE.tested)

    def estimate_verification(self, max_pages: int) -> Estimate:  # noqa: ARG002 - the port's
        return Estimate(asks=0, input_tokens=0, output_tokens=0, usd=0.0)

    def check(self) -> None:
        """Do nothing: it needs no setup."""

    def prepare(self) -> None:
        """Is ready."""

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Need not: it answers in any order."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:  # noqa: ARG002 - the port's
        return False

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """Raises also StaleRecording: the answer is of a form that is not asked for any more."""
        recording = self._recording
        if recording is None:
            raise SetupError("the recorded model answers within a run about two companies")
        if ask.language != recording.language:
            raise UnsupportedLanguage(f"the recording is in {recording.language!r}, not in {ask.language!r}")
        if ask.prompt in self.capacity.by_rules:
            return await self._rules.answer(ask)
        value, replayed = await computed(answered, recording, ask, self._companies)
        try:
            found = ask.answer.model_validate(value)
        except ValidationError as wrong:
            where = ".".join(map(str, wrong.errors(include_input=False)[0]["loc"]))
            raise StaleRecording(
                f"the recorded answer to {ask.prompt!r} is of another form than this release asks for, at {where!r}; "
                "make a new recording with octave-mcp record"
            ) from None
        return Answer[ask.answer](value=found, usage=Usage(), reused=True, replayed=replayed)

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Need not know."""

    async def close(self) -> None:
        """Holds nothing open."""
