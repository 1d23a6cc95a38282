"""A fixed order for the questions that a connected client gets about the companies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import takewhile
from typing import Literal, get_args

from octave_mcp.concurrency.critical_path import Strand, joined, strand
from octave_mcp.domain.company import Role

Stage = Literal["addresses", "pages"]


class Turns:
    """Tracks the stages in which all questions about a company are queued.

    Both companies are researched concurrently. Without turns, the order of the questions would depend on which site
    answers first.
    """

    def __init__(self, roles: Sequence[Role]) -> None:
        self._ended = {role: {stage: asyncio.Event() for stage in get_args(Stage)} for role in roles}
        self._strands = {role: dict[Stage, Strand]() for role in roles}

    async def wait(self, stage: Stage, role: Role) -> None:
        """Wait until this stage's questions about the companies that come before `role` are queued.

        The companies come in the order of the constructor's argument `roles`. Companies for which `end` was called do
        not delay the other companies.
        """
        for earlier in takewhile(lambda other: other != role, self._ended):
            await self._ended[earlier][stage].wait()
            joined(self._strands[earlier][stage])

    def end(self, role: Role, *stages: Stage) -> None:
        """Declare that all questions about this company are queued in these stages.

        If no stage is given, this applies to all stages.
        """
        for stage in stages or get_args(Stage):
            self._strands[role].setdefault(stage, strand())
            self._ended[role][stage].set()
