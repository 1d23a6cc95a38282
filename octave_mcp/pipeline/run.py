"""What each step receives: pages, answers, progress, and the means to run other steps."""

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
    """One execution, seen from a step; `of(role)` is the same run, about one company.

    `identity` says which model and source it uses: only runs with the same one share findings. `offer` is what the
    vendor sells, in the words of its home page; '' before that is read. `turns` are set where a client answers. The
    `verifier` asks the model that judges claims; None if none does. What is not done by the deadline is left out.
    The model is taken `by_default` if nobody named one and no provider is configured. `base` is what the run
    refreshes; None if it writes a new playbook.
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
        """Of each company."""
        return self.request.max_pages or self.capacity.max_pages

    @property
    def pages(self) -> Pages:
        return Pages(self.run_id, self.source, self.store, self.journal, self.deadline)

    @property
    def research_cache(self) -> ResearchCache:
        return ResearchCache(self.run_id, self.store, self.journal)

    def of(self, role: Role) -> Run:
        return replace(self.within(role), progress=self.progress.of(role))

    def within(self, part: str) -> Run:
        """The same run, in a part of it: the names of the steps in the journal begin with that of the part."""
        return replace(self, journal=self.journal.within(part))

    async def __call__(self, step: Callable[Concatenate[Run, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step returns; its start, its end and its duration are reported."""
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
        """Runs the branch once for each tuple of arguments, concurrently; results in the order given.

        In the journal, a branch is called as the role it is about, else by the name and its number: 'pack-1'.
        """
        progress, deadline = self.progress.within(_name(branch)), self.deadline.for_branches(of_one_step=not of)
        inside = replace(self, progress=progress, deadline=deadline)
        runs = [inside.of(role) for role in of] or [
            inside.within(f"{name}-{number}") for number in range(1, len(arguments) + 1)
        ]
        return await together(*(branch(run, *given) for run, given in zip(runs, arguments, strict=True)))

    async def announce(self, stage: Stage, *asks: Ask[Any, Any]) -> None:
        """Puts the questions of a stage in line, after those about the companies that come before this one."""
        role = self.progress.company
        if self.turns and role:
            await self.turns.wait(stage, role)
            for ask in asks:
                if self.base is None or await self.base.earlier.answer(ask) is None:
                    await self.asker.model.announce(ask)
            self.turns.end(role, stage)

    async def was_answered(self, ask: Ask[Any, Any], name: str) -> bool:
        """Whether another run got an answer that serves this ask; the same whenever this run is resumed."""
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
        """The model's answer, checked and corrected, in the form `into`.

        `name` is that of the ask in the journal, unique in its part of the run. `roles` are those of the companies
        whose pages the passages are on; `known` are names that need no evidence; `companies` the names known of the
        two companies; `rules` are further checks.

        Raises:
            BadAnswer: nothing of the answer passed, or the model refused twice.
            UpstreamError: no answer came.
        """
        judge = self.judge(ask.passages, roles, known, companies)
        return await corrected(ask, Checks(judge, into, rules, ask.language), self.asks(name))

    def asks(self, name: str = "ask") -> RecordedAsks:
        """Makes an ask and its correction, under this name in the journal."""
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
        """Checks what cites these passages; arguments as in `ask`."""
        return Judge(
            shown=shown, roles=roles, known=known, given=self.request.context, companies=companies,
            asks_softly=self.verifier is None,
        )  # fmt: skip


def _name(step: Callable[..., object]) -> str:
    return getattr(step, "__name__", "step")
