"""What the core needs from outside, as protocols that adapters implement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from octave_mcp.concurrency.run_clock import RunClock
from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Judgement, Usage
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.events import Event
from octave_mcp.domain.page import CacheEntry, Page, PageFailure
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import RunRecord, SessionRecord

T = TypeVar("T")


class Model(Protocol):
    """What answers asks: one is made for each run, and closed with it. `languages` are those it writes, None for any.

    `name` is shown to the user. `identity` adds the names of the models that it asks: cached findings of one model are
    not used for another.
    """

    name: str
    identity: str
    languages: frozenset[str] | None
    capacity: Capacity

    def estimate(self, max_pages: int) -> Estimate:
        """Roughly what a playbook from that many pages of each company will cost, until its claims are verified."""
        ...

    def estimate_verification(self, max_pages: int) -> Estimate: ...

    def check(self) -> None:
        """Raises: SetupError: a setting or environment variable makes it unusable."""

    def prepare(self) -> None:
        """Starts early what the first answer would wait for. Called when a run begins to fetch pages."""

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """The answer in the form asked for, unchecked.

        Raises:
            Transient: worth a retry.
            BadAnswer: worth a correction.
            NoAccess, SetupError: it will not answer other asks either.
            UpstreamError: not worth a retry.
        """
        ...

    async def announce(self, ask: Ask[Any, Any]) -> None:
        """Puts the ask in line before those that are made after this; a model that answers at once need not."""

    async def has_answered(self, ask: Ask[Any, Any]) -> bool:
        """Whether another run got an answer that serves this ask, too."""
        ...

    async def record_verdict(self, key: str, verdict: Judgement) -> None:
        """Takes what the checks made of the answer under that key; again, if a correction of it was refused."""

    async def close(self) -> None: ...


class Source(Protocol):
    """Where pages come from. One is made for each run, and closed with it."""

    @property
    def credits(self) -> int:
        """The credits that it has used up; 0 where fetching is free."""
        ...

    def listen(self, on_progress: Callable[[str], None]) -> None:
        """Sets a callback that gets what is being done while a call takes long."""

    async def open(self, company: Company) -> Company:
        """The company at the address that answers ('https://www.acme.com'), its robots.txt read; no page is fetched.

        Raises:
            HostNotAllowed: its address is not public.
            SiteUnreachable: nothing answers there.
            SiteRefuses: robots.txt forbids reading it.
        """
        ...

    async def home(self, company: Company) -> Page:
        """Its home page, retried with and without www.

        Raises:
            SiteUnreachable: there is none.
        """
        ...

    async def map(self, company: Company, home: Page) -> Site:
        """Every address of the site that sitemaps and the home page name, without the home page itself."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """A page or a named failure for each address, in the order given. Never raises for a page.

        A page that says the same as an earlier one, or as the home page, is a failure.
        """
        ...

    async def read(self, company: Company, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """As `scrape`, without a site to compare the pages with."""
        ...

    async def close(self) -> None: ...


class Journal(Protocol):
    """The record of a run's work: each step is done once, and its result is stored.

    A step is found by its place, taken in the order of the calls: a resumed run must take them in the same order.
    Concurrent calls take theirs before they wait for anything.
    """

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        """The result of one call, a scrape or an ask; an `OctaveError` that it raises is a result, too."""
        ...

    def part(self, places: int) -> Journal:
        """A journal for a chain of at most that many steps that runs concurrently with others."""
        ...


Execute = Callable[[str, Journal], Awaitable[None]]
"""Executes the run of this id, from its start or from where its journal ends."""

Claim = Literal["ours", "others", "over"]
Claims = Callable[[str], Awaitable[Claim]]
"""Who can execute the run: `ours` if this process has its model, source and hosts; `over` if it is final or gone."""


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


class Notes(Protocol):
    """Small texts by key, such as a site's robots.txt, shared by all runs."""

    async def put_note(self, key: str, text: str) -> None: ...

    async def note(self, key: str, *, since: datetime) -> str | None:
        """The note of this key, if it was put at that time or later."""
        ...


class Inbox(Protocol):
    """Where a run puts its questions to a connected client, which may answer today or in a week."""

    async def questions(self) -> Sequence[QuestionRecord]:
        """All that the run has asked."""
        ...

    async def put(self, question: QuestionRecord) -> QuestionRecord:
        """Asks it, unless it was asked before or has an answer."""
        ...

    async def answer(self, question: QuestionRecord) -> str:
        """The answer's text, once it is there. Raises: Unanswered: it was open for a week."""
        ...

    async def record_verdict(self, question_id: str, *, wrong: str | None = None, dropped: str | None = None) -> None:
        """Stores what the checks found wrong with its answer, and what was dropped for good; None changes nothing."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What a model may use of its run; `fresh` says not to use cached answers.

    A paid model calls `check` right before each ask, which raises BudgetExceeded if the run must not ask any more, and
    `spend` right after the answer. One that waits for its turn reports the wait to `clock`. A slow one calls `slow`
    with its name and how slow it is, each time that this changes.
    """

    run_id: str
    inbox: Inbox
    notes: Notes
    fresh: bool
    check: Callable[[Ask[Any, Any]], None]
    spend: Callable[[Usage], None]
    clock: RunClock
    slow: Callable[[str, str], None]


CACHE_MAX_AGE = timedelta(days=30)


class PageCache(Protocol):
    """The page cache of all runs and processes. Entries expire after `CACHE_MAX_AGE`, the oldest sooner if too many."""

    async def cached(self, keys: Sequence[str]) -> dict[str, CacheEntry]: ...

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        """The keys that the owner may now fetch, for that long: nobody else has a lease on them."""
        ...

    async def put_cached(self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str]) -> None:
        """Stores the copies and releases the owner's leases, in one transaction."""


class Memory(Notes, PageCache, Protocol):
    """What a source may store."""


class Store(Memory, Protocol):
    """Sessions and runs: records, events, questions, playbooks, and each page that was read.

    Raises:
        StoreFailed: by each method, if the database cannot be read or written.
    """

    async def open(self) -> None:
        """Creates the tables that are missing."""

    async def close(self) -> None: ...

    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        """The record, now stored; or the one that has its request_id already.

        Raises:
            NotFound: its session does not exist.
        """
        ...

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        """Replaces the record and adds the events, in one transaction; False, and no change, if it is final or gone."""
        ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def runs(
        self, *, session_id: str | None = None, limit: int = 20, after: str | None = None
    ) -> list[RunRecord]:
        """The newest first; `after` is the id of the last one seen."""
        ...

    async def unfinished(self) -> list[RunRecord]: ...

    async def over(self, run_ids: Collection[str]) -> list[str]:
        """Those that are final or gone."""
        ...

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        """Runs that have been final since before then."""
        ...

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        """The newest first; `after` is the id of the last one seen."""
        ...

    async def session(self, session_id: str) -> SessionRecord | None: ...

    async def delete_session(self, session_id: str) -> None:
        """With its runs and all that is stored of them."""

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        """With their events, playbooks, pages and questions, notes that begin with their ids, and their sessions.

        Sessions that have other runs stay.
        """

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Adds events to the run's, which are numbered from 1; does nothing if the run is final."""

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        """The run's events after that number, in order."""
        ...

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]: ...

    async def delete_notes(self, before: datetime, kind: str = "") -> None:
        """The notes put before then whose keys have that prefix."""

    async def put_question(self, run_id: str, question: QuestionRecord) -> QuestionRecord:
        """The question as stored, now or earlier."""
        ...

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None: ...

    async def questions(self, run_id: str) -> list[QuestionRecord]:
        """In the order in which they were put."""
        ...

    async def hand_out(self, run_id: str, *, before: datetime) -> QuestionRecord | None:
        """The open question whose last hand-out, before that time, is longest ago; one never handed out comes first."""
        ...

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        """False, and no change, if it has an answer already or does not exist."""
        ...

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of the questions, by run and id, that have an answer."""
        ...

    async def put_verdict(
        self, run_id: str, question_id: str, *, wrong: str | None = None, dropped: str | None = None
    ) -> None:
        """None leaves what is stored."""

    async def put_playbook(self, run_id: str, playbook: Playbook) -> None: ...

    async def get_playbook(self, run_id: str) -> Playbook | None: ...

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        """Stores the pages as read by the run; returns their keys, in the order given."""
        ...

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        """In the order of the keys."""
        ...

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        """Adds one run's pages with these texts to another run; False, and no change, if one of them is missing."""
        ...

    async def page_text(self, sha256: str) -> str | None: ...


class Export(Protocol):
    """A playbook as a file of one format: text, or bytes where the format is binary."""

    def render(self, playbook: Playbook) -> str | bytes: ...
