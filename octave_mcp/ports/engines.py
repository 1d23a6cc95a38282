"""Where runs are executed, and the record of what they have done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")


class Journal(Protocol):
    """The record of a run's work: a step that is recorded under the same name, with the same input, is not repeated."""

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T], *given: object) -> T:
        """The result of the call, a scrape or an ask; an `OctaveError` that it raises is a result, too.

        `given` is the input on which the result depends, without anything that differs from process to process.
        """
        ...

    def within(self, name: str) -> Journal:
        """The journal of a part of the run, which puts its name before those of the steps."""
        ...


# Executes the run of this id, from its start or from where its journal ends.
Execute = Callable[[str], Awaitable[None]]


Claim = Literal["ours", "others", "over"]


# Who can execute the run: `ours` if this process has its model, source and hosts; `over` if it is final or gone.
Claims = Callable[[str], Awaitable[Claim]]


class Engine(Protocol):
    """Where runs are executed."""

    async def launch(self, execute: Execute, claims: Claims) -> None:
        """Makes it ready; a durable engine also resumes what an earlier process left."""

    async def start(self, run_id: str) -> None:
        """Has the run executed: once, however often this is called."""

    async def going(self, run_ids: Collection[str]) -> dict[str, bool]:
        """Those that were started, here or elsewhere, and have not ended; each with whether its process is alive."""
        ...

    async def cancel(self, run_id: str) -> None:
        """Stops the run, in whatever process it is."""

    async def forget(self, run_ids: Sequence[str]) -> None:
        """Removes everything that it has recorded of these runs."""

    async def close(self, grace_seconds: float = 0) -> None:
        """Waits that long for the runs of this process, and stops the rest."""
