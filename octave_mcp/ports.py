"""What the core needs from outside, as promises; adapters keep them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from octave_mcp.domain.asks import A, Answer, Ask, Capacity, Estimate, Usage
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.events import Event
from octave_mcp.domain.page import Copy, Page, PageFailure
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import KeptQuestion, Question
from octave_mcp.domain.run import RunRecord, SessionRecord

T = TypeVar("T")


class Model(Protocol):
    """Who answers. `name` is shown to the user; `languages` are those it writes, None for any.

    `identity` is its name with those of the models that it asks: what another one found is not taken for its own.

    One is made for each run, and closed with it.
    """

    name: str
    identity: str
    languages: frozenset[str] | None
    capacity: Capacity

    def estimate(self, max_pages: int) -> Estimate:
        """What a playbook from so many pages of each company will about use up."""
        ...

    def prepare(self) -> None:
        """Begins what the first answer would have to wait for; called when a run begins to fetch pages."""
        ...

    async def answer(self, ask: Ask[A, Any]) -> Answer[A]:
        """The answer in the form asked for, unchecked.

        Raises:
            Transient: worth another try.
            BadAnswer: worth another, with the complaint.
            NoAccess: the provider will not answer other asks either.
            UpstreamError: not worth another try.
        """
        ...

    async def judged(self, key: str, wrong: str) -> None:
        """Told what the checks found wrong with the answer of that key; '' for nothing."""
        ...

    async def close(self) -> None: ...


class Source(Protocol):
    """Where pages come from. One is made for each run, and closed with it."""

    @property
    def credits(self) -> int:
        """What it has used up since it was made, in the credits of who fetches; 0 where nothing is paid."""
        ...

    def listen(self, tell: Callable[[str], None]) -> None:
        """Has `tell` called with what is being done, while one call takes long."""
        ...

    async def open(self, company: Company) -> Company:
        """The company at the address that answers ('https://www.acme.com'), its robots.txt read; no page is fetched.

        Raises:
            HostNotAllowed: its address is not public.
            SiteUnreachable: nothing answers there.
            SiteRefuses: robots.txt forbids reading it.
        """
        ...

    async def home(self, company: Company) -> Page:
        """Its home page, tried again with and without www.

        Raises:
            SiteUnreachable: no home page is to be had.
        """
        ...

    async def map(self, company: Company, home: Page) -> Site:
        """Every address of the site that sitemaps and the home page name, without the home page itself."""
        ...

    async def scrape(self, site: Site, urls: Sequence[str]) -> tuple[Page | PageFailure, ...]:
        """A page or a named failure for each address, in the order given. Never raises for a page."""
        ...

    async def close(self) -> None: ...


class Journal(Protocol):
    """What a run has done: a step in it is done once, and what came of it is remembered.

    Steps are told apart by their places, taken in the order of the calls: a run that is carried on must take them in
    the same order. Calls that are made side by side take theirs before they wait for anything.
    """

    async def step(self, name: str, call: Callable[[], Awaitable[T]], kind: type[T]) -> T:
        """One paid call, a scrape or an ask, whose result is of that kind.

        An `OctaveError` that it raises is what came of it, too.
        """
        ...

    def part(self, places: int) -> Journal:
        """A journal of its own for a chain of at most so many steps beside others."""
        ...


Execute = Callable[[str, Journal], Awaitable[None]]
"""Executes the run of this id, from its start or from where its journal ends."""

Claim = Literal["ours", "others", "over"]
Claims = Callable[[str], Awaitable[Claim]]
"""Whose the run of this id is: `ours` if this process has what it needs (its model, its source, the hosts it may read),
`over` if it is final or gone."""


class Engine(Protocol):
    """Where runs are executed."""

    async def launch(self, execute: Execute, claims: Claims) -> None:
        """Makes it ready; a durable engine also carries on what an earlier process left."""
        ...

    async def start(self, run_id: str) -> None:
        """Has the run executed; once, however often it is asked."""
        ...

    async def is_known(self, run_id: str) -> bool:
        """Whether the run was started, here or elsewhere, and is still to be executed or finished."""
        ...

    async def cancel(self, run_id: str) -> None:
        """Stops what is being done for the run, in whatever process that is."""
        ...

    async def forget(self, run_ids: Sequence[str]) -> None:
        """Removes all that is kept of these runs."""
        ...

    async def close(self, grace_seconds: float = 0) -> None:
        """Waits so long for the runs of this process, and stops those that are still under way."""
        ...


class Notes(Protocol):
    """Small answers of sites (a robots.txt), kept for whoever asks next."""

    async def put_note(self, key: str, text: str) -> None: ...

    async def note(self, key: str, *, since: datetime) -> str | None:
        """The note of this key, if it was put at that time or later."""
        ...


class Inbox(Protocol):
    """Where a run puts questions to somebody who may answer today, or in a week."""

    async def questions(self) -> Sequence[KeptQuestion]:
        """All that the run has asked."""
        ...

    async def put(self, question: Question) -> KeptQuestion:
        """Asks it, unless it was asked before."""
        ...

    async def answer(self, question: KeptQuestion) -> str:
        """The answer's text, once it is there.

        Raises:
            Unanswered: it stood open for a week.
        """
        ...

    async def judged(self, question_id: str, wrong: str) -> None:
        """Keeps what the checks found wrong with the answer to it."""
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """What a model may use of the run it works for; `fresh` asks for answers that nobody gave before.

    A paid one calls `check` right before it asks, which raises BudgetExceeded where the run must not ask any more, and
    `spend` when it was answered, before another may be asked in its place.
    """

    run_id: str
    inbox: Inbox
    notes: Notes
    fresh: bool
    check: Callable[[Ask[Any, Any]], None]
    spend: Callable[[Usage], None]


COPIES_KEPT = timedelta(days=30)


class Copies(Protocol):
    """What sources found, kept for whoever asks next, in whatever process.

    They go after `COPIES_KEPT`, and the oldest sooner, when they are too many.
    """

    async def copies(self, keys: Sequence[str]) -> dict[str, Copy]:
        """Those that are kept."""
        ...

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        """Those of the keys that are now the owner's to fetch for so long: nobody else has them."""
        ...

    async def keep_copies(self, copies: Mapping[str, Copy], *, owner: str, leased: Sequence[str]) -> None:
        """Keeps the copies, and gives up the owner's leases, both at once."""
        ...


class Memory(Notes, Copies, Protocol):
    """All that a source may keep."""


class Store(Memory, Protocol):
    """What is kept of sessions and runs: records, events, playbooks, and each page that was read.

    Raises:
        StoreFailed: by each method, where the database cannot be read or written.
    """

    async def open(self) -> None:
        """Makes it ready: creates what is not there yet."""
        ...

    async def close(self) -> None: ...

    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        """The record, now kept; or the one that has its request_id already.

        Raises:
            NotFound: it names a session that is not there.
        """
        ...

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        """Puts the record in the place of the kept one and adds the events, both or neither.

        False, and nothing is done, where the kept one is final or gone.
        """
        ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def runs(
        self, *, session_id: str | None = None, limit: int = 20, after: str | None = None
    ) -> list[RunRecord]:
        """The newest first; `after` is the id of the last one seen."""
        ...

    async def unfinished(self) -> list[RunRecord]: ...

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        """Runs that have been final since before then."""
        ...

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        """The newest first; `after` is the id of the last one seen."""
        ...

    async def session(self, session_id: str) -> SessionRecord | None: ...

    async def delete_session(self, session_id: str) -> None:
        """With all that is kept of its runs."""
        ...

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        """With their events, playbooks, pages and questions, notes that begin with their ids, and their sessions.

        Sessions that have other runs stay.
        """
        ...

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Adds events at the end of the run's, which are numbered from 1; of a final run, nothing."""
        ...

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        """The run's events behind the one of that number, in order."""
        ...

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]: ...

    async def delete_notes(self, before: datetime, kind: str = "") -> None:
        """Those that were put before then, whose keys begin so."""
        ...

    async def put_question(self, run_id: str, question: Question) -> KeptQuestion:
        """The question as it is kept: now, or since it was first put."""
        ...

    async def question(self, run_id: str, question_id: str) -> KeptQuestion | None: ...

    async def questions(self, run_id: str) -> list[KeptQuestion]:
        """In the order in which they were put."""
        ...

    async def hand_out(self, run_id: str, *, before: datetime) -> KeptQuestion | None:
        """An open question: one that was never handed out, or the one that was so longest ago, before that time."""
        ...

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        """False, and nothing is kept, where it was answered already, or is not there."""
        ...

    async def put_verdict(self, run_id: str, question_id: str, wrong: str) -> None: ...

    async def put_playbook(self, run_id: str, playbook: Playbook) -> None: ...

    async def get_playbook(self, run_id: str) -> Playbook | None: ...

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        """Keeps the pages as read by the run; returns their keys, in the order given."""
        ...

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        """The kept pages of these keys, in the order given."""
        ...

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        """Has the one run's pages of these texts count as the other's, too; False if one of them is not there."""
        ...

    async def page_text(self, sha256: str) -> str | None: ...


class Export(Protocol):
    """A playbook as a file of one format: text, or bytes where the format is binary."""

    def render(self, playbook: Playbook) -> str | bytes: ...
