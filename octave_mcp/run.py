"""What a step may touch: pages, answers, and the steps beside it; with events and timings around each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from octave_mcp.computing import computed
from octave_mcp.domain.asks import A, Answer, Ask, Unusable, Usage
from octave_mcp.domain.company import Company, Role, Site
from octave_mcp.domain.events import Event, EventName
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.page import Link, Page, PageFailure
from octave_mcp.domain.playbook import Gap, StepTiming
from octave_mcp.domain.research import Spent
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.domain.value import Value
from octave_mcp.errors import BadAnswer, ModelRefuses, NoAccess, OctaveError, Transient, UpstreamError
from octave_mcp.gates import Judge, Problem
from octave_mcp.ports import Journal, Model, Source, Store
from octave_mcp.retrying import retrying
from octave_mcp.together import together

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=Value)

ASK_PLACES = 2
"""An ask, and the one that corrects it."""
ASK_ATTEMPTS = 10
ASK_SECONDS = 240.0
"""How long one answer may be tried for."""

_Found = tuple[tuple[Link, ...], tuple[PageFailure, ...]]
_Scraped = tuple[str | PageFailure, ...]
"""The keys of the pages kept, and what could not be read, in the order asked for."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[R]):
    """An answer that may stand: what was dropped from it is named in `gaps`."""

    value: R
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    spent: Spent


@dataclass(frozen=True, slots=True)
class _Judged(Generic[R]):
    """One answer: what of it may stand, what was dropped, and all that was wrong, for who answered."""

    value: R | None
    evidence: tuple[Evidence, ...]
    dropped: Sequence[Problem]
    problems: Sequence[Problem]
    spent: Spent
    refused: bool = False

    def is_better_than(self, first: _Judged[R]) -> bool:
        if self.value is None or first.value is None:
            return first.value is None
        return len(self.problems) <= len(first.problems)


@dataclass(slots=True)
class _Tally:
    done: int = 0
    total: int = 1
    timings: list[StepTiming] = field(default_factory=list[StepTiming])
    shut: set[str] = field(default_factory=set[str])
    stood_in: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class Run:
    """One execution, seen from a step; `of(role)` is the same run, about one company."""

    run_id: str
    session_id: str
    request: PlaybookRequest
    model: Model
    source: Source
    journal: Journal
    store: Store
    emit: Callable[[Event], None]
    site_timeout_seconds: float
    fallback: tuple[Model, ...] = ()
    role: Role | None = None
    _step: str = ""
    _tally: _Tally = field(default_factory=_Tally)

    def of(self, role: Role) -> Run:
        return replace(self, role=role)

    async def __call__(self, step: Callable[Concatenate[Run, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step returns, with its start, its end and its time made known."""
        name = getattr(step, "__name__", "step")
        inside = replace(self, _step=name)
        began = time.perf_counter()
        inside.tell("step_started")
        try:
            result = await step(inside, *args, **kwargs)
        except Exception as failed:
            inside.tell("step_finished", began=began, success=False, error=getattr(failed, "code", OctaveError.code))
            raise
        inside.tell("step_finished", began=began, success=True)
        seconds = round(time.perf_counter() - began, 3)
        self._tally.timings.append(StepTiming(step=name, company=self.role, seconds=seconds))
        return result

    async def side_by_side(
        self,
        branch: Callable[..., Coroutine[Any, Any, T]],
        *arguments: tuple[Any, ...],
        of: Sequence[Role] = (),
        places: int,
    ) -> tuple[T, ...]:
        """The branch once for each tuple of arguments, at the same time; results in the order given.

        No branch makes more than `places` scrapes and asks: they are where the run is taken up again after a crash.
        """
        beside = [replace(self, journal=self.journal.part(places)) for _ in arguments]
        runs = [run.of(role) for run, role in zip(beside, of, strict=True)] if of else beside
        return await together(*(branch(run, *given) for run, given in zip(runs, arguments, strict=True)))

    def plan(self, units: int) -> None:
        """Adds work to what the progress is measured against."""
        self._tally.total += units

    def progress(self, message: str, units: int = 0) -> None:
        """Tells followers what is being done now; `units` of work are finished with it."""
        self._tally.done += units
        self.tell("progress", message=message)

    @property
    def timings(self) -> tuple[StepTiming, ...]:
        return tuple(self._tally.timings)

    async def open(self, company: Company) -> Company:
        return await self.journal.step("open", lambda: self.source.open(company), Company)

    async def home(self, company: Company) -> Page:
        async def fetched() -> str:
            (key,) = await self.store.put_pages(self.run_id, [await self.source.home(company)])
            return key

        (page,) = await self.store.pages(self.run_id, [await self.journal.step("home", fetched, str)])
        return page

    async def map(self, company: Company, home: Page) -> Site:
        async def mapped() -> _Found:
            site = await self.source.map(company, home)
            return site.links, site.failures

        links, failures = await self.journal.step("map", mapped, _Found)
        return Site(company=company, home=home, links=links, failures=failures)

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        async def fetched() -> _Scraped:
            read = await self.source.scrape(site, urls)
            pages = [page.model_copy(update={"links": ()}) for page in read if isinstance(page, Page)]
            keys = iter(await self.store.put_pages(self.run_id, pages))
            return tuple(next(keys) if isinstance(page, Page) else page for page in read)

        scraped = await self.journal.step("scrape", fetched, _Scraped)
        pages = iter(await self.store.pages(self.run_id, [key for key in scraped if isinstance(key, str)]))
        return tuple(next(pages) if isinstance(page, str) else page for page in scraped)

    async def publish(self, write: Callable[[], Awaitable[tuple[str, ...]]]) -> tuple[str, ...]:
        """Has the playbook's files written, once; returns their paths."""
        return await self.journal.step("publish", write, tuple[str, ...])

    async def ask(
        self, ask: Ask[A, Any], into: type[R], *, roles: tuple[Role, ...], known: tuple[str, ...]
    ) -> Checked[R]:
        """The model's answer, checked: what fails is asked again once, with the complaint, and then dropped.

        `roles` says for each passage shown whose page it is on; `known` are the names free to use.

        Raises:
            BadAnswer: nothing of the answer may stand, or the model declined twice.
            UpstreamError: no answer came.
        """
        journal = self.journal.part(ASK_PLACES)
        judge = Judge(shown=ask.passages, roles=roles, known=known, given=self.request.context)
        best = await self._judged(ask, judge, into, journal)
        spent = best.spent
        if best.problems and (again := await self._corrected(ask, best.problems, judge, into, journal)):
            spent += again.spent
            best = again if again.is_better_than(best) else best
        if best.value is None:
            raise (ModelRefuses if best.refused else BadAnswer)(
                f"the answer to {ask.prompt!r} failed its checks: {_complaint(best.dropped)}"
            )
        return Checked(best.value, best.evidence, _gaps(ask.prompt, best.dropped), spent)

    async def _corrected(
        self, ask: Ask[A, Any], problems: Sequence[Problem], judge: Judge, into: type[R], journal: Journal
    ) -> _Judged[R] | None:
        """A second answer, told what was wrong with the first; where none comes, the first has to do."""
        again = ask.model_copy(update={"complaint": _complaint(problems)})
        try:
            return await self._judged(again, judge, into, journal)
        except NoAccess:
            raise
        except UpstreamError:
            return None

    async def _judged(self, ask: Ask[A, Any], judge: Judge, into: type[R], journal: Journal) -> _Judged[R]:
        answer = await self._answer(ask, journal)
        if isinstance(answer, Answer) and answer.by:
            self._tally.stood_in.add(answer.by)
        unread = [Problem("form", answer.wrong)] if answer.wrong else []
        spent = Spent.of(answer.usage)
        if isinstance(answer, Unusable):
            return _Judged(None, (), unread, unread, spent, refused=answer.refused)
        value, evidence, dropped = await computed(judge.kept, answer.value, into)
        problems = await computed(judge.problems, answer.value) if dropped else []
        return _Judged(value, evidence, [*unread, *dropped], [*unread, *problems], spent)

    async def _answer(self, ask: Ask[A, Any], journal: Journal) -> Answer[A] | Unusable:
        return await journal.step("ask", lambda: self._asked(ask), cast("Any", Answer[ask.answer] | Unusable))

    async def _asked(self, ask: Ask[A, Any]) -> Answer[A] | Unusable:
        """What the model answers, or the first of its fallbacks that does."""
        able = [model for model in self.fallback if model.languages is None or ask.language in model.languages]
        models = [model for model in (self.model, *able) if model.name not in self._tally.shut] or [self.model]
        for model in models[:-1]:
            try:
                return await self._asked_of(model, ask)
            except Transient:
                continue
            except NoAccess:
                self._tally.shut.add(model.name)
        return await self._asked_of(models[-1], ask)

    async def _asked_of(self, model: Model, ask: Ask[A, Any]) -> Answer[A] | Unusable:
        try:
            answer = await retrying(lambda: model.answer(ask), attempts=ASK_ATTEMPTS, seconds=ASK_SECONDS)
        except BadAnswer as bad:
            refused = isinstance(bad, ModelRefuses)
            return Unusable(wrong=str(bad), usage=bad.usage or Usage(), refused=refused)
        if not isinstance(answer.value, ask.answer):
            return Unusable(wrong="the answer is not of the form asked for", usage=answer.usage)
        by = "" if model is self.model else model.name
        return Answer[ask.answer](value=answer.value, usage=answer.usage, wrong=answer.wrong, by=by)

    @property
    def models(self) -> tuple[str, ...]:
        """Who has answered: the model asked for, and those that stood in for it."""
        return (self.model.name, *sorted(self._tally.stood_in))

    def tell(self, event: EventName, *, began: float | None = None, **more: Any) -> None:  # noqa: ANN401 - Event's fields
        took = None if began is None else round((time.perf_counter() - began) * 1000, 1)
        tally = self._tally
        self.emit(
            Event(
                event=event,
                run_id=self.run_id,
                session_id=self.session_id,
                step=self._step,
                company=self.role,
                done=tally.done,
                total=max(tally.total, tally.done + 1),
                duration_ms=took,
                **more,
            )
        )


def _complaint(problems: Sequence[Problem]) -> str:
    return "; ".join(dict.fromkeys(map(str, problems[:20])))


def _gaps(prompt: str, dropped: Sequence[Problem]) -> tuple[Gap, ...]:
    if not dropped:
        return ()
    reason = f"{len(dropped)} statements failed a check and were dropped: {_complaint(dropped[:3])}"
    return (Gap(section=prompt, code="dropped_by_check", reason=reason, would_fill="another run, or another model"),)
