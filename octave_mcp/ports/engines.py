"""Ports for the execution of runs and for the journal of their steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Literal, Protocol, TypeVar

T = TypeVar("T")


class Journal(Protocol):
    """The journal of a run, which records the results of its steps.

    If a step with the same name and input is recorded, the step is not repeated.
    """

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T], *given: object) -> T:
        """Return the result of the step from the journal. If it is not recorded, make the call and record its result.

        If the call raises an `OctaveError`, the error is recorded like a result and raised again. `given` is the input
        on which the result depends, and must be the same in all processes.
        """
        ...

    def within(self, name: str) -> Journal:
        """Return a journal for one part of the run. The names of all steps in this journal start with `name`."""
        ...


# Callback that executes a run from its start, or resumes it from its journal.
Execute = Callable[[str], Awaitable[None]]


Claim = Literal["ours", "others", "over"]


# Callback that says whether this process can execute a run. `ours`: it can. `others`: it cannot, for example because a
# key or an allowed host is missing. `over`: the run is final or deleted.
Claims = Callable[[str], Awaitable[Claim]]


class Engine(Protocol):
    """Executes runs."""

    async def launch(self, execute: Execute, claims: Claims) -> None:
        """Start the engine. A durable engine also resumes runs that an earlier process left unfinished."""

    async def start(self, run_id: str) -> None:
        """Schedule a run. Do nothing if the run is already scheduled."""

    async def owners_alive(self, run_ids: Collection[str]) -> dict[str, bool]:
        """Map the id of each run in progress to True or False: whether the process that executes the run is alive."""
        ...

    async def cancel(self, run_id: str) -> None:
        """Stop a run, even if another process executes it."""

    async def forget(self, run_ids: Sequence[str]) -> None:
        """Delete everything that the engine has stored about these runs."""

    async def close(self, grace_seconds: float = 0) -> None:
        """Wait up to `grace_seconds` for the runs of this process, then stop those that are still running."""
