"""The context that every step of a run receives: settings, model, pages, journal and progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar

from octave_mcp.asks.asker import Asker
from octave_mcp.asks.corrections import Checked, Checks, RecordedAsks, Rules, corrected
from octave_mcp.concurrency.together import together
from octave_mcp.domain.asks import A, Ask, Capacity
from octave_mcp.domain.company import Role
from octave_mcp.domain.evidence import Passage
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import READ_KINDS
from octave_mcp.evidence.judge import Judge
from octave_mcp.pipeline.base import Base
from octave_mcp.pipeline.deadline import Deadline
from octave_mcp.pipeline.pages import Pages
from octave_mcp.pipeline.progress import Progress
from octave_mcp.pipeline.research_cache import ResearchCache
from octave_mcp.pipeline.turns import Stage, Turns
from octave_mcp.ports import Journal, Source, Store

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=Value)


@dataclass(frozen=True, slots=True)
class Run:
    """The context of one execution of a run. Call the context with a step function to execute the step.

    - `identity`: the names of the model and the source. Runs share research only if their identities are equal.
    - `offer`: what the vendor sells, in the words of its home page; '' until the home page is read.
    - `turns`: the order of the questions for a connected client; None if no client answers.
    - `verifier`: asks the model that judges claims; None if no model judges claims.
    - `by_default`: whether the model was chosen because the user named no model and no provider is configured.
    - `base`: the playbook version to refresh; None for a new playbook.
    """

    request: PlaybookRequest
    asker: Asker
    source: Source
    journal: Journal
    store: Store
    progress: Progress
    deadline: Deadline
    site_timeout_seconds: float
    identity: str = ""
    offer: str = ""
    turns: Turns | None = None
    verifier: Asker | None = None
    specialists_per_ask: int = len(READ_KINDS)
    by_default: bool = False
    base: Base | None = None

    @property
    def run_id(self) -> str:
        return self.progress.run_id

    @property
    def capacity(self) -> Capacity:
        return self.asker.model.capacity

    @property
    def max_pages(self) -> int:
        """Maximum number of pages to read about each company."""
        return self.request.max_pages or self.capacity.max_pages

    @property
    def pages(self) -> Pages:
        return Pages(self.run_id, self.source, self.store, self.journal, self.deadline, self.progress)

    @property
    def research_cache(self) -> ResearchCache:
        return ResearchCache(self.run_id, self.store, self.journal)

    def of(self, role: Role) -> Run:
        """Return a copy of this run that is limited to one company."""
        return replace(self.within(role), progress=self.progress.of(role))

    def within(self, part: str) -> Run:
        """Return a copy of this run that adds `part` to the path of its steps in the journal."""
        return replace(self, journal=self.journal.within(part))

    async def __call__(self, step: Callable[Concatenate[Run, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a step, report its start, end and duration, and return its result."""
        name = _name(step)
        inside = replace(self.within(name), progress=self.progress.within(name), deadline=self.deadline.for_step())
        with inside.progress.timed():
            return await step(inside, *args, **kwargs)

    async def side_by_side(
        self,
        branch: Callable[..., Coroutine[Any, Any, T]],
        *arguments: tuple[Any, ...],
        of: Sequence[Role] = (),
        name: str = "",
    ) -> tuple[T, ...]:
        """Call `branch` concurrently with each tuple of arguments, and return the results in the same order.

        In the journal, each branch is named after its role, or after `name` and a number, as in 'pack-1'. A resumed run
        finds the recorded results of each branch by the branch's name, so it does not matter which branch ends first.
        """
        progress, deadline = self.progress.within(_name(branch)), self.deadline.for_branches(of_one_step=not of)
        inside = replace(self, progress=progress, deadline=deadline)
        runs = [inside.of(role) for role in of] or [
            inside.within(f"{name}-{number}") for number in range(1, len(arguments) + 1)
        ]
        return await together(*(branch(run, *given) for run, given in zip(runs, arguments, strict=True)))

    async def announce(self, stage: Stage, *asks: Ask[Any, Any]) -> None:
        """Queue the questions of a stage for a connected client.

        The client gets the questions about one company before the questions about the other. This method does nothing
        if the run's questions are not for a connected client. A refresh does not queue questions that were answered in
        the earlier run.
        """
        role = self.progress.company
        if self.turns and role:
            await self.turns.wait(stage, role)
            for ask in asks:
                if self.base is None or await self.base.earlier.answer(ask) is None:
                    await self.asker.model.announce(ask)
            self.turns.end(role, stage)

    async def was_answered(self, ask: Ask[Any, Any], name: str) -> bool:
        """Whether an answer from another run can be reused for this ask.

        The journal records the result, because a resumed run must make the same asks, even if more answers have been
        stored in the meantime.
        """
        return await self.journal.step(f"{name}/recall", lambda: self.asker.model.has_answered(ask), bool, ask.given)

    async def ask(
        self,
        ask: Ask[A, Any],
        into: type[R],
        *,
        roles: tuple[Role, ...],
        known: tuple[str, ...],
        companies: Mapping[Role, str] = MappingProxyType({}),
        rules: Rules[R] | None = None,
        name: str = "ask",
    ) -> Checked[R]:
        """Ask the model, check and correct its answer, and return the answer as a value of the type `into`.

        - `ask`: the question, with the passages that its answer can cite.
        - `into`: the type of the returned answer, with evidence ids instead of passage numbers.
        - `roles`: for each passage, the role of the company whose page contains the passage.
        - `known`: names that the answer can use without evidence.
        - `companies`: the names of the two companies, if they are known.
        - `rules`: additional checks of the answer.
        - `name`: the ask's name in the journal. Asks with the same path in the journal must have different names.

        Raises:
            BadAnswer: If no part of the answer passed the checks, or the model twice refused to answer.
            UpstreamError: If the model did not answer.
        """
        judge = self.judge(ask.passages, roles, known, companies)
        return await corrected(ask, Checks(judge, into, rules, ask.language), self.asks(name))

    def asks(self, name: str = "ask") -> RecordedAsks:
        """Return an object that makes an ask and its correction, and records both in the journal under `name`."""
        return RecordedAsks(
            self.asker,
            self.journal,
            name,
            self.progress.step,
            self.progress.company,
            self.deadline.at,
            self.progress.model_called,
            self.base.earlier if self.base else None,
        )

    def judge(
        self,
        shown: tuple[Passage, ...],
        roles: tuple[Role, ...],
        known: tuple[str, ...],
        companies: Mapping[Role, str],
    ) -> Judge:
        """Return a judge that checks answers about these passages. See `ask` for the arguments."""
        return Judge(
            shown=shown, roles=roles, known=known, given=self.request.context, companies=companies,
            asks_softly=self.verifier is None,
        )  # fmt: skip


def _name(step: Callable[..., object]) -> str:
    return getattr(step, "__name__", "step")
