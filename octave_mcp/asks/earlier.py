"""Answers that were given in earlier runs: whatever is asked again as it was then, they answer."""

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
    """`outcomes` are those of the recorded steps, as JSON, by the digest of what each was given."""

    outcomes: Mapping[str, str]

    async def answer(self, ask: Ask[A, Any]) -> Answer[A] | None:
        """The answer, which costs nothing now; None if nobody gave one, or none that can be read."""
        return await computed(self._answer, ask)

    def _answer(self, ask: Ask[A, Any]) -> Answer[A] | None:
        recorded = self.outcomes.get(digest_of(ask.given))
        result = Outcome.model_validate_json(recorded).result if recorded else None
        if result is None:
            return None
        form = cast("TypeAdapter[Answer[A]]", TypeAdapter(cast("Any", Answer[ask.answer])))
        try:
            found = form.validate_json(result)
        except ValidationError:
            return None
        return found.model_copy(update={"usage": Usage(), "reused": True})
