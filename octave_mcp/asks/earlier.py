"""Reuses an earlier run's answers to unchanged asks when a playbook is refreshed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Usage
from octave_mcp.domain.steps import Outcome, digest_of


@dataclass(frozen=True, slots=True)
class Earlier:
    """The recorded answers of earlier runs.

    `outcomes` maps the digest of each step's input to the step's outcome in JSON.
    """

    outcomes: Mapping[str, str]

    async def answer(self, ask: Ask[A, Any]) -> Answer[A] | None:
        """Return the recorded answer, marked as reused and without costs, or None if there is no usable answer."""
        return await computed(self._answer, ask)

    def _answer(self, ask: Ask[A, Any]) -> Answer[A] | None:
        recorded = self.outcomes.get(digest_of(ask.given))
        result = Outcome.model_validate_json(recorded).result if recorded else None
        if result is None:
            return None
        form = cast("TypeAdapter[Answer[A]]", TypeAdapter(cast("Any", Answer[ask.answer])))
        try:
            answer = form.validate_json(result)
        except ValidationError:  # the type of the answer has changed since the earlier run
            return None
        return answer.model_copy(update={"usage": Usage(), "reused": True})
