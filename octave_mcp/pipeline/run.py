"""What a step may touch: pages, answers, and the steps beside it; with events and timings around each."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from octave_mcp.asks import reuse
from octave_mcp.asks.budget import Asker
from octave_mcp.asks.schema import CUT_OFF
from octave_mcp.concurrency.computing import computed
from octave_mcp.concurrency.together import together
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Unusable
from octave_mcp.domain.company import Company, Role, Site
from octave_mcp.domain.costs import StepTiming
from octave_mcp.domain.events import Event, EventName, ModelCall
from octave_mcp.domain.evidence import Evidence
from octave_mcp.domain.notices import Gap
from octave_mcp.domain.page import Link, Page, PageFailure
from octave_mcp.domain.research import Research
from octave_mcp.domain.run import PlaybookRequest
from octave_mcp.domain.value import Value
from octave_mcp.domain.vendor import VendorElements
from octave_mcp.errors import BadAnswer, ModelRefuses, NoAccess, OctaveError, UpstreamError
from octave_mcp.evidence.checks import CUT, UNREAD, Judge, Problem, counted
from octave_mcp.ports import Journal, Source, Store

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound=Value)

TIME_SHARE = 0.7
ALL_SPECIALISTS = len(VendorElements.model_fields)
ASK_PLACES = 2
"""An ask, and the one that corrects it."""
Rules = Callable[[R, tuple[Evidence, ...]], list[Problem]]
"""What is wrong with a draft beside what its evidence does not say."""

_Found = tuple[tuple[Link, ...], tuple[PageFailure, ...]]
_Scraped = tuple[str | PageFailure, ...]
"""The keys of the pages kept, and what could not be read, in the order asked for."""


@dataclass(frozen=True, slots=True)
class Checked(Generic[R]):
    """An answer that may stand: what was dropped from it is named in `gaps`."""

    value: R
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    is_outline: bool = False


@dataclass(frozen=True, slots=True)
class _Judged(Generic[R]):
    """One answer: what of it may stand, what was dropped, and all that was wrong, for who answered."""

    value: R | None
    evidence: tuple[Evidence, ...]
    dropped: Sequence[Problem]
    problems: Sequence[Problem]
    refused: bool = False
    is_outline: bool = False

    def is_better_than(self, first: _Judged[R]) -> bool:
        if self.value is None or first.value is None:
            return first.value is None
        return len(self.problems) <= len(first.problems)


@dataclass(slots=True)
class _Tally:
    done: int = 0
    total: int = 1
    timings: list[StepTiming] = field(default_factory=list[StepTiming])


@dataclass(frozen=True, slots=True)
class Run:
    """One execution, seen from a step; `of(role)` is the same run, about one company.

    `identity` tells apart whose findings may serve another run. `until` is when it has to be over, as the event loop
    counts time: what is not done by then is left out.
    """

    run_id: str
    session_id: str
    request: PlaybookRequest
    asker: Asker
    source: Source
    journal: Journal
    store: Store
    emit: Callable[[Event], None]
    site_timeout_seconds: float
    step_timeout_seconds: float = math.inf
    until: float = math.inf
    identity: str = ""
    specialists_per_ask: int = ALL_SPECIALISTS
    role: Role | None = None
    _step: str = ""
    _tally: _Tally = field(default_factory=_Tally)

    @property
    def capacity(self) -> Capacity:
        return self.asker.model.capacity

    @property
    def max_pages(self) -> int:
        """Of each company."""
        return self.request.max_pages or self.capacity.max_pages

    def of(self, role: Role) -> Run:
        return replace(self, role=role)

    async def __call__(self, step: Callable[Concatenate[Run, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the step returns, with its start, its end and its time made known."""
        name = _name(step)
        over = asyncio.get_running_loop().time() + self.step_timeout_seconds
        inside = replace(self, _step=name, until=min(self.until, over))
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

        They have so much of the time that is left, so that what is behind them has some, too. No branch makes more than
        `places` scrapes and asks: they are where the run is taken up again after a crash.
        """
        now = asyncio.get_running_loop().time()
        until = now + min((self.until - now) * TIME_SHARE, math.inf if of else self.step_timeout_seconds)
        beside = [replace(self, journal=self.journal.part(places), until=until, _step=_name(branch)) for _ in arguments]
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
            read = await self._scraped(site, urls)
            pages = [page.model_copy(update={"links": ()}) for page in read if isinstance(page, Page)]
            keys = iter(await self.store.put_pages(self.run_id, pages))
            return tuple(next(keys) if isinstance(page, Page) else page for page in read)

        scraped = await self.journal.step("scrape", fetched, _Scraped)
        pages = iter(await self.store.pages(self.run_id, [key for key in scraped if isinstance(key, str)]))
        return tuple(next(pages) if isinstance(page, str) else page for page in scraped)

    async def _scraped(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        left = (self.until - asyncio.get_running_loop().time()) * TIME_SHARE
        try:
            async with asyncio.timeout(None if math.isinf(left) else left):
                return await self.source.scrape(site, urls)
        except TimeoutError:
            late = "the time that the run, or this step of it, may take was over"
            return tuple(PageFailure(url=url, code="timeout", reason=late) for url in urls)

    async def recall(self, key: str) -> Research | None:
        """What was kept under this key within a day, if the pages it cites are there, too."""

        async def recalled() -> Research | None:
            text = await reuse.kept(self.store, key)
            found = await computed(Research.model_validate_json, text) if text else None
            if found is None or found.found_by is None:
                return None
            texts = {page.sha256 for page in found.pages} | {e.page_sha256 for e in found.evidence}
            return found if await self.store.copy_pages(found.found_by, self.run_id, texts) else None

        return await self.journal.step("recall", recalled, cast("Any", Research | None))

    async def keep(self, key: str, research: Research) -> None:
        """For a day, or until the run is deleted; once, however often the run is carried on."""

        async def kept() -> str:
            await reuse.keep(self.store, key, await computed(research.model_dump_json), self.run_id)
            return key

        await self.journal.step("keep", kept, str)

    async def publish(self, write: Callable[[], Awaitable[tuple[str, ...]]]) -> tuple[str, ...]:
        """Has the playbook's files written, once; returns their paths."""
        return await self.journal.step("publish", write, tuple[str, ...])

    async def ask(
        self,
        ask: Ask[A, Any],
        into: type[R],
        *,
        roles: tuple[Role, ...],
        known: tuple[str, ...],
        rules: Rules[R] | None = None,
    ) -> Checked[R]:
        """The model's answer, checked: what fails is asked again once, with the complaint, and then dropped.

        `roles` says for each passage shown whose page it is on; `known` are the names free to use; `rules` say what
        else is wrong with what may stand.

        Raises:
            BadAnswer: nothing of the answer may stand, or the model declined twice.
            UpstreamError: no answer came.
        """
        journal = self.journal.part(ASK_PLACES)
        judge = Judge(shown=ask.passages, roles=roles, known=known, given=self.request.context)
        exam = _Exam(judge, into, rules)
        best = await self._judged(ask, exam, journal)
        if best.problems and (again := await self._corrected(ask, best, exam, journal)):
            best = again if again.is_better_than(best) else best
        if best.value is None:
            if best.refused:
                raise ModelRefuses(f"the model declines to answer {ask.prompt!r}")
            raise BadAnswer(f"the answer to {ask.prompt!r} failed its checks: {counted(best.dropped)}")
        return Checked(best.value, best.evidence, _gaps(ask.prompt, best.dropped), best.is_outline)

    async def _corrected(
        self, ask: Ask[A, Any], first: _Judged[R], exam: _Exam[R], journal: Journal
    ) -> _Judged[R] | None:
        """A second answer, told what was wrong with the first; where none comes, the first has to do."""
        again = ask.model_copy(update={"complaint": _complaint(first.problems)})
        try:
            return await self._judged(again, exam, journal)
        except UpstreamError as failed:
            if first.value is None and isinstance(failed, NoAccess):
                raise
            return None

    async def _judged(self, ask: Ask[A, Any], exam: _Exam[R], journal: Journal) -> _Judged[R]:
        answer = await self._answer(ask, journal)
        self.asker.book(self._step, self.role, answer)
        judged = await computed(_judge, answer, exam)
        await self.asker.judged(answer, _complaint(judged.problems))
        return judged

    async def _answer(self, ask: Ask[A, Any], journal: Journal) -> Answer[A] | Unusable:
        is_new = False

        async def asked() -> Answer[A] | Unusable:
            nonlocal is_new
            is_new = True
            return await self.asker.answer(ask, self.until, self._tell_call)

        answer = await journal.step("ask", asked, cast("Any", Answer[ask.answer] | Unusable))
        if not is_new:
            self.asker.replayed(answer)
        return answer

    def _tell_call(self, call: ModelCall, failed: UpstreamError | None) -> None:
        if failed is None or isinstance(failed, BadAnswer):
            self.tell("answered", call=call, message=str(failed or ""))
        else:
            self.tell("call_failed", call=call, error=failed.code, message=str(failed), success=False)

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


def _name(step: Callable[..., object]) -> str:
    return getattr(step, "__name__", "step")


@dataclass(frozen=True, slots=True)
class _Exam(Generic[R]):
    """What an answer has to pass, and the form of what may stand of it."""

    judge: Judge
    into: type[R]
    rules: Rules[R] | None


def _judge(answer: Answer[Any] | Unusable, exam: _Exam[R]) -> _Judged[R]:
    unread = [Problem(CUT if answer.wrong.startswith(CUT_OFF) else UNREAD, answer.wrong)] if answer.wrong else []
    if isinstance(answer, Unusable):
        return _Judged(None, (), unread, unread, refused=answer.refused)
    value, evidence, dropped = exam.judge.kept(answer.value, exam.into)
    problems = exam.judge.problems(answer.value) if dropped else []
    rules = None if answer.is_outline else exam.rules
    broken = rules(value, evidence) if rules and value is not None else []
    return _Judged(value, evidence, [*unread, *dropped], [*unread, *problems, *broken], is_outline=answer.is_outline)


def _complaint(problems: Sequence[Problem]) -> str:
    return "; ".join(dict.fromkeys(map(str, problems[:20])))


def _gaps(prompt: str, dropped: Sequence[Problem]) -> tuple[Gap, ...]:
    if not dropped:
        return ()
    count = "1 statement" if len(dropped) == 1 else f"{len(dropped)} statements"
    reason = f"{count} failed a check and were dropped: {counted(dropped)}"
    return (Gap(section=prompt, code="dropped_by_check", reason=reason, would_fill="another run, or another model"),)
