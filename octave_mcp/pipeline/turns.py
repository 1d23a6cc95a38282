"""The order in which a connected client gets the questions about the companies, whichever site answers first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import takewhile
from typing import Literal, get_args

from octave_mcp.domain.company import Role

Stage = Literal["addresses", "pages"]


class Turns:
    """`roles` are in the order in which their companies' questions of a stage go out."""

    def __init__(self, roles: Sequence[Role]) -> None:
        self._over = {role: {stage: asyncio.Event() for stage in get_args(Stage)} for role in roles}

    async def wait(self, stage: Stage, role: Role) -> None:
        """Returns once the companies before this one have asked theirs, or will ask none."""
        for earlier in takewhile(lambda other: other != role, self._over):
            await self._over[earlier][stage].wait()

    def end(self, role: Role, *stages: Stage) -> None:
        """No more questions of these stages will come about this company; of no stage at all if none is named."""
        for stage in stages or get_args(Stage):
            self._over[role][stage].set()
