"""A fixed order for the questions that a connected client gets about the companies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import takewhile
from typing import Literal, get_args

from octave_mcp.domain.company import Role

Stage = Literal["addresses", "pages"]


class Turns:
    """Tracks, for each company and stage, whether all questions are queued.

    Both companies are researched concurrently. Without turns, the order of the questions would depend on which site
    answers first.
    """

    def __init__(self, roles: Sequence[Role]) -> None:
        self._ended = {role: {stage: asyncio.Event() for stage in get_args(Stage)} for role in roles}

    async def wait(self, stage: Stage, role: Role) -> None:
        """Wait until all questions of this stage about the preceding companies are queued.

        Companies for which `end` was called do not delay the other companies.
        """
        for earlier in takewhile(lambda other: other != role, self._ended):
            await self._ended[earlier][stage].wait()

    def end(self, role: Role, *stages: Stage) -> None:
        """Declare that this company has no more questions in these stages, or in any stage if no stage is given."""
        for stage in stages or get_args(Stage):
            self._ended[role][stage].set()
