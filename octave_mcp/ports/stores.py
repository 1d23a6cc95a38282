"""What is stored, by runs and by what they share."""

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
Wait = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class KeyValues(Protocol):
    """Small texts by key, such as a site's robots.txt, shared by all runs."""

    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        """Puts it, unless it is for a run that is gone."""

    async def get_value(self, key: str, *, since: datetime) -> str | None:
        """The note of this key, if it was put at that time or later."""
        ...


class PageCache(Protocol):
    """What all processes have read. Entries expire after `CACHE_MAX_AGE`; if they are too many, the oldest go."""

    async def cached(self, keys: Sequence[str]) -> dict[str, CacheEntry]: ...

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        """The keys that the owner may now fetch, for that long: nobody else has a lease on them."""
        ...

    async def put_cached(
        self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str], run_id: str = ""
    ) -> None:
        """Stores the copies, unless they are for a run that is gone, and releases the leases, in one transaction."""


class Heartbeats(Protocol):
    """How often each server has said that it is alive: one whose number stands still has stopped."""

    async def beat(self, server_id: str) -> Mapping[str, int]:
        """Counts one more for this server; returns the numbers of all."""
        ...

    async def remove_server(self, server_id: str) -> None: ...


class Memory(KeyValues, PageCache, Protocol):
    """What a source may store."""

    async def use_cached(self, keys: Sequence[str], run_id: str) -> None:
        """Records that the run uses these cached pages or notes: they are deleted with the last run that does."""


class Store(Memory, Heartbeats, Protocol):
    """Sessions and runs: records, events, questions, versions of playbooks, and each page that was read.

    Raises:
        StoreFailed: by each method, if the database cannot be read or written.
    """

    async def open(self) -> None:
        """Creates or updates the tables."""

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

    async def run_of_request(self, request_id: str) -> RunRecord | None: ...

    async def epoch_of(self, run_id: str) -> int | None:
        """The number of the run's last execution, 0 if there was none; None if the run is final or gone."""
        ...

    async def begin_execution(self, run_id: str, after: int) -> bool:
        """Begins the execution after that epoch; False, and no change, if another has begun, or the run is final."""
        ...

    def of_execution(self, epoch: int) -> Store:
        """This store for one execution: what it writes of the run is ignored once the run is final or has a later one.

        What all runs share, such as cached pages, is written all the same.
        """
        ...

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        """Those of the runs that are final, are gone, or have a later execution than that of this epoch."""
        ...

    def waiting(self, wait: Wait) -> Store:
        """This store, each of whose calls is handed to `wait`, which makes it until the database can be used."""
        ...

    async def steps(self, run_id: str) -> list[StepEntry]: ...

    async def put_step(self, run_id: str, step: StepRecord) -> bool:
        """False, and no change, if the execution has lost the run, or the run is final."""
        ...

    async def runs(
        self, *, session_id: str | None = None, limit: int = 20, after: str | None = None
    ) -> list[RunRecord]:
        """The newest first; `after` is the id of the last one seen."""
        ...

    async def unfinished(self) -> list[RunRecord]: ...

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        """Runs that have been final since before then, and whose playbook has no version of a later time."""
        ...

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        """The newest first; `after` is the id of the last one seen."""
        ...

    async def session(self, session_id: str) -> SessionRecord | None: ...

    async def delete_session(self, session_id: str) -> None:
        """With its runs, as `delete_runs`."""

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        """With all that is stored of them, and is cached and used by no other run; and sessions without other runs."""

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Adds events to the run's, which are numbered from 1; does nothing if the run is final."""

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        """The run's events after that number, in order."""
        ...

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]: ...

    async def delete_values(self, before: datetime, kind: str = "") -> None:
        """The notes put before then whose keys have that prefix."""

    async def put_question(self, run_id: str, question: QuestionRecord) -> QuestionRecord:
        """The question as stored, now or earlier."""
        ...

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None: ...

    async def questions(self, run_id: str) -> list[QuestionRecord]:
        """In the order in which they were put."""
        ...

    async def open_question(self, run_id: str, *, before: datetime, hand_out: bool) -> QuestionRecord | None:
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

    async def put_version(self, run_id: str, version: Version) -> Version | None:
        """The version of the run's playbook as stored, now or earlier by the run that makes it.

        None, and no change, if the run is gone, or the one that makes the version is final, is gone, or has a later
        execution.

        Raises:
            Outdated: the newest version is not the one that this is based on.
        """
        ...

    async def versions(self, run_id: str) -> list[VersionMeta]:
        """Those of the run's playbook, in the order of their numbers."""
        ...

    async def get_version(self, run_id: str, number: int | None = None) -> Version | None:
        """The version of that number, or the newest."""
        ...

    async def get_playbook(self, run_id: str, number: int | None = None) -> Playbook | None:
        """The playbook of that version, or of the newest."""
        ...

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        """Stores the pages as read by the run; returns their keys, in the order given."""
        ...

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        """In the order of the keys.

        Raises:
            Unreadable: one is missing, or was stored by another release in another form.
        """
        ...

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        """Adds one run's pages with these texts to another run; False, and no change, if one of them is missing."""
        ...

    async def pages_with_texts(self, sha256s: Collection[str]) -> dict[str, Page]:
        """A page with each of these texts, by its digest, whichever run read it; those that are gone are left out."""
        ...

    async def page_text(self, sha256: str) -> str | None: ...
