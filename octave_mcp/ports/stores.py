"""Ports for storage: of runs, and of caches that runs share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from octave_mcp.domain.events import Event
from octave_mcp.domain.page import CacheEntry, Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import RunRecord, SessionRecord
from octave_mcp.domain.steps import StepEntry, StepRecord
from octave_mcp.domain.versions import Version, VersionMeta

CACHE_MAX_AGE = timedelta(days=30)
# Makes a call, and repeats it until the database is available.
Wait = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class KeyValues(Protocol):
    """Key-value store for small texts that all runs share, such as a site's robots.txt."""

    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        """Store a value. Does nothing if it is for a run that was deleted."""

    async def get_value(self, key: str, *, since: datetime) -> str | None:
        """Return the value if it was stored at `since` or later."""
        ...


class PageCache(Protocol):
    """Page cache of all processes. Entries expire after `CACHE_MAX_AGE`; if it is full, the oldest are evicted."""

    async def cached(self, keys: Sequence[str]) -> dict[str, CacheEntry]: ...

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        """Lease keys to an owner, who alone may fetch them for that time. Returns the keys that were free."""
        ...

    async def put_cached(
        self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str], run_id: str = ""
    ) -> None:
        """Store entries and release leases in one transaction. Entries for a run that was deleted are not stored."""


class Heartbeats(Protocol):
    """Heartbeats of servers. A server whose number no longer increases has stopped."""

    async def beat(self, server_id: str) -> Mapping[str, int]:
        """Add one to the number of this server, and return the numbers of all servers."""
        ...

    async def remove_server(self, server_id: str) -> None: ...


class Memory(KeyValues, PageCache, Protocol):
    """The storage that a source may use."""

    async def use_cached(self, keys: Sequence[str], run_id: str) -> None:
        """Record that the run uses these cached pages or values, which are deleted with the last run that uses them."""


class Store(Memory, Heartbeats, Protocol):
    """Sessions and runs: records, events, questions, versions of playbooks, and each page that was read.

    Raises:
        StoreFailed: From each method, if the database cannot be read or written.
    """

    async def open(self) -> None:
        """Connect, and create or upgrade the tables."""

    async def close(self) -> None: ...

    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        """Store a new run. If a run has the same request_id, return that run instead.

        Raises:
            NotFound: The session of the run does not exist.
        """
        ...

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        """Replace a record and add events in one transaction.

        Returns False, without a change, if the run is final or deleted.
        """
        ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def run_of_request(self, request_id: str) -> RunRecord | None: ...

    async def epoch_of(self, run_id: str) -> int | None:
        """Return the number of the run's latest execution, 0 if none; None if the run is final or deleted."""
        ...

    async def begin_execution(self, run_id: str, after: int) -> bool:
        """Begin the execution that follows epoch `after`.

        Returns False, without a change, if another execution has begun or the run is final.
        """
        ...

    def of_execution(self, epoch: int) -> Store:
        """Return this store for one execution of a run.

        Its writes to the run are ignored once the run is final or has a later execution. Writes to what all runs share,
        such as cached pages, still count.
        """
        ...

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        """Return the runs that are final, deleted, or have a later execution than the given epoch."""
        ...

    def waiting(self, wait: Wait) -> Store:
        """Return this store with each call passed to `wait`, which repeats it until the database is available."""
        ...

    async def steps(self, run_id: str) -> list[StepEntry]: ...

    async def put_step(self, run_id: str, step: StepRecord) -> bool:
        """Record a finished step. Returns False, without a change, if the run is final or has a later execution."""
        ...

    async def runs(
        self, *, session_id: str | None = None, limit: int = 20, after: str | None = None
    ) -> list[RunRecord]:
        """Return runs, newest first. `after` is the id of the last run of the previous page."""
        ...

    async def unfinished(self) -> list[RunRecord]: ...

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        """Return runs that ended before `when` and whose playbook has no version since then."""
        ...

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        """Return sessions, newest first. `after` is the id of the last session of the previous page."""
        ...

    async def session(self, session_id: str) -> SessionRecord | None: ...

    async def delete_session(self, session_id: str) -> None:
        """Delete a session with its runs, as `delete_runs` does."""

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        """Delete runs with everything stored about them.

        Cached data that no other run uses and sessions without other runs are deleted too.
        """

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Add events to a run, numbered from 1. Does nothing if the run is final."""

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        """Return the run's events with numbers above `after`, in order."""
        ...

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]: ...

    async def delete_values(self, before: datetime, kind: str = "") -> None:
        """Delete the values that were stored before that time and whose keys start with `kind`."""

    async def put_question(self, run_id: str, question: QuestionRecord) -> QuestionRecord:
        """Store a question and return it; if it was stored earlier, return the stored one."""
        ...

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None: ...

    async def questions(self, run_id: str) -> list[QuestionRecord]:
        """Return the run's questions in the order in which they were asked."""
        ...

    async def open_question(self, run_id: str, *, before: datetime, hand_out: bool) -> QuestionRecord | None:
        """Return the next unanswered question to give to a client; with `hand_out`, record that it was given now.

        Questions that were never given out come first, then the one given out longest ago. Questions given out at
        `before` or later are skipped.
        """
        ...

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        """Store an answer. Returns False, without a change, if the question is answered or does not exist."""
        ...

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return which of these questions, given as (run_id, question_id), have an answer."""
        ...

    async def put_verdict(
        self, run_id: str, question_id: str, *, wrong: str | None = None, dropped: str | None = None
    ) -> None:
        """Store the verdict on an answer. None leaves a value unchanged."""

    async def put_version(self, run_id: str, version: Version) -> Version | None:
        """Store a version of the run's playbook and return it. If its maker stored one earlier, return that.

        Returns None, without a change, if the run is deleted, or if the run that makes the version is final, deleted or
        has a later execution.

        Raises:
            Outdated: The version is not based on the newest one.
        """
        ...

    async def versions(self, run_id: str) -> list[VersionMeta]:
        """Return the versions of the run's playbook by number."""
        ...

    async def get_version(self, run_id: str, number: int | None = None) -> Version | None:
        """Return the version with this number, or else the newest."""
        ...

    async def get_playbook(self, run_id: str, number: int | None = None) -> Playbook | None:
        """Return the playbook of the version with this number, or else of the newest."""
        ...

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        """Store pages that the run has read. Returns their keys in the given order."""
        ...

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        """Return pages in the order of `keys`.

        Raises:
            Unreadable: A page is missing, or another release stored it in another form.
        """
        ...

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        """Add a run's pages with these texts to another run. Returns False, without a change, if a page is missing."""
        ...

    async def pages_with_texts(self, sha256s: Collection[str]) -> dict[str, Page]:
        """Return a page of any run for each of these texts, by digest. Texts that were deleted are left out."""
        ...

    async def page_text(self, sha256: str) -> str | None: ...
