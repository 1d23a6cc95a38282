"""Ports for the storage of runs and of caches that all runs share."""

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
# Callback that makes a call to the database and repeats the call until the database is available.
Wait = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class KeyValues(Protocol):
    """Key-value store for small texts that all runs share, such as a site's robots.txt."""

    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        """Store a value. If `run_id` is a run that was deleted, the call has no effect."""

    async def get_value(self, key: str, *, since: datetime) -> str | None:
        """Return the value if it was stored at `since` or later, otherwise None."""
        ...


class PageCache(Protocol):
    """Page cache that all processes share.

    Entries expire after `CACHE_MAX_AGE`; a full cache evicts the oldest entries.
    """

    async def cached(self, keys: Sequence[str]) -> dict[str, CacheEntry]: ...

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        """Lease keys to an owner, so that for `seconds`, no other owner fetches their pages.

        Returns the keys that were free.
        """
        ...

    async def put_cached(
        self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str], run_id: str = ""
    ) -> None:
        """Store entries and release leases in one transaction. Entries for a run that was deleted are not stored."""


class Heartbeats(Protocol):
    """Heartbeats of servers: each server keeps increasing a number.

    If a server's number stays the same, it has stopped.
    """

    async def beat(self, server_id: str) -> Mapping[str, int]:
        """Increase the number of this server by one, and return the numbers of all servers."""
        ...

    async def remove_server(self, server_id: str) -> None: ...


class Memory(KeyValues, PageCache, Protocol):
    """The storage that a source may use."""

    async def use_cached(self, keys: Sequence[str], run_id: str) -> None:
        """Record that the run uses cached pages or values. An entry is deleted with the last run that uses it."""


class Store(Memory, Heartbeats, Protocol):
    """Sessions and runs: records, events, questions, versions of playbooks, and each page that was read.

    Raises:
        StoreFailed: The database cannot be read or written. All methods raise this error.
    """

    async def open(self) -> None:
        """Connect, and create or upgrade the tables."""

    async def close(self) -> None: ...

    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        """Store a new run and return it. If another run has the same request_id, return that run instead.

        Raises:
            NotFound: The session of the run does not exist.
        """
        ...

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        """Replace the record of a run and add events in one transaction.

        Returns False, without a change, if the run is final or deleted.
        """
        ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def run_of_request(self, request_id: str) -> RunRecord | None: ...

    async def epoch_of(self, run_id: str) -> int | None:
        """Return the epoch of the run's latest execution (0 if it has none), or None if the run is final or deleted."""
        ...

    async def begin_execution(self, run_id: str, after: int) -> bool:
        """Begin the execution that follows epoch `after`.

        Returns False, without a change, if another execution has begun or the run is final.
        """
        ...

    def of_execution(self, epoch: int) -> Store:
        """Return this store for one execution of a run.

        The returned store ignores writes to the run once the run is final or a later execution has begun. Data that all
        runs share, such as cached pages, is still written.
        """
        ...

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        """Return the runs in `epochs` that are final or deleted or have a later execution than the given epoch."""
        ...

    def waiting(self, wait: Wait) -> Store:
        """Return a copy of this store that uses `wait` to repeat each call until the database is available."""
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
        """Return runs that ended before `when` and whose playbook has had no new version since `when`."""
        ...

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        """Return sessions, newest first. `after` is the id of the last session of the previous page."""
        ...

    async def session(self, session_id: str) -> SessionRecord | None: ...

    async def delete_session(self, session_id: str) -> None:
        """Delete a session and its runs, including everything that `delete_runs` deletes."""

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        """Delete runs with everything stored about them.

        Also deletes cached data that no remaining run uses, and sessions that have no remaining runs.
        """

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Add events to a run, numbered from 1. Does nothing if the run is final."""

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        """Return the run's events with numbers above `after`, in order."""
        ...

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]: ...

    async def delete_values(self, before: datetime, kind: str = "") -> None:
        """Delete the values that were stored before the time `before` and whose keys start with `kind`."""

    async def put_question(self, run_id: str, question: QuestionRecord) -> QuestionRecord:
        """Store a question and return it. If the question was stored earlier, return the stored question."""
        ...

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None: ...

    async def questions(self, run_id: str) -> list[QuestionRecord]:
        """Return the run's questions in the order in which they were asked."""
        ...

    async def open_question(self, run_id: str, *, before: datetime, hand_out: bool) -> QuestionRecord | None:
        """Return the next unanswered question for a client.

        With `hand_out`, record that the question was given out now.

        Questions that were never given out come first, then the question that was given out longest ago. Questions that
        were given out at `before` or later are skipped.
        """
        ...

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        """Store an answer. Returns False, without a change, if the question is answered or does not exist."""
        ...

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the questions in `asked`, pairs of run id and question id, that have an answer."""
        ...

    async def put_verdict(
        self, run_id: str, question_id: str, *, wrong: str | None = None, dropped: str | None = None
    ) -> None:
        """Store the verdict on an answer. None leaves a value unchanged."""

    async def put_version(self, run_id: str, version: Version) -> Version | None:
        """Store a version of the run's playbook and return it.

        If the run that makes the version stored a version earlier, that earlier version is returned instead. Returns
        None, without a change, if the playbook's run is deleted, or if the run that makes the version is final or
        deleted or has a later execution.

        Raises:
            Outdated: The version is not based on the newest version.
        """
        ...

    async def versions(self, run_id: str) -> list[VersionMeta]:
        """Return the metadata of all versions of the run's playbook, sorted by number."""
        ...

    async def get_version(self, run_id: str, number: int | None = None) -> Version | None:
        """Return the version with this number, or the newest version if `number` is None."""
        ...

    async def get_playbook(self, run_id: str, number: int | None = None) -> Playbook | None:
        """Return the playbook of the version with this number, or of the newest version if `number` is None."""
        ...

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        """Store pages that the run has read. Returns the keys of the pages in the given order."""
        ...

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        """Return the pages with the given keys, in the order of `keys`.

        Raises:
            Unreadable: A page is missing, or was stored by another release in a form that this release cannot read.
        """
        ...

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        """Add a run's pages with these digests to another run.

        Returns False, without a change, if a page is missing.
        """
        ...

    async def pages_with_texts(self, sha256s: Collection[str]) -> dict[str, Page]:
        """Return a page of any run for each digest of a text. The result omits texts that were deleted."""
        ...

    async def page_text(self, sha256: str) -> str | None: ...
