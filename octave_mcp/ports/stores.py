"""Ports for the storage of runs, and for the caches that all runs share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from octave_mcp.domain.events import Event
from octave_mcp.domain.page import CacheEntry, Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.questions import QuestionRecord
from octave_mcp.domain.run import EVERY_RUN, RunFilter, RunRecord, SessionRecord
from octave_mcp.domain.shares import Share
from octave_mcp.domain.steps import StepEntry, StepRecord
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.domain.versions import Version

CACHE_MAX_AGE = timedelta(days=30)
# Callback that makes a call to the database, and repeats the call while the database is unavailable.
Wait = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


class KeyValues(Protocol):
    """A key-value store for small texts that all runs share, such as a site's robots.txt."""

    async def put_value(self, key: str, text: str, *, run_id: str = "") -> None:
        """Store a value, unless `run_id` is given and that run was deleted."""

    async def get_value(self, key: str, *, since: datetime) -> str | None:
        """Return the value, or None if it is not stored or was stored before the time `since`."""
        ...


class PageCache(Protocol):
    """A page cache that all processes share.

    Entries expire after `CACHE_MAX_AGE`. If the cache is full, the oldest entries are evicted.
    """

    async def cached(self, keys: Sequence[str], *, since: datetime | None = None) -> dict[str, CacheEntry]:
        """Return the entries with these keys. If `since` is given, leave out the entries from before that time."""
        ...

    async def lease(self, keys: Sequence[str], owner: str, *, seconds: float) -> frozenset[str]:
        """Lease cache keys to an owner, and return the keys that were leased.

        Until the lease ends after `seconds` seconds, no other owner fetches the pages with these keys. The result
        omits keys that another owner has leased.
        """
        ...

    async def put_cached(
        self, copies: Mapping[str, CacheEntry], *, owner: str, leased: Sequence[str], run_id: str = ""
    ) -> None:
        """Store entries and release the owner's leases on the keys in `leased`, in one transaction.

        If `run_id` is given and that run was deleted, the entries are not stored.
        """


class Heartbeats(Protocol):
    """Heartbeats of servers. Each server regularly increases its heartbeat count.

    If the heartbeat count of a server no longer changes, the server has stopped.
    """

    async def beat(self, server_id: str) -> Mapping[str, int]:
        """Add one to this server's heartbeat count, and return the heartbeat counts of all servers."""
        ...

    async def remove_server(self, server_id: str) -> None: ...


class Memory(KeyValues, PageCache, Protocol):
    """The storage that a source can access."""

    async def use_cached(self, keys: Sequence[str], run_id: str) -> None:
        """Record that the run uses the cache entries with these keys.

        A cache entry is deleted when the last run that uses it is deleted.
        """


class Sharing(Protocol):
    """Stores shared links, the sign-ins of browsers, and secrets that all servers share."""

    async def put_share(self, share: Share, secret_sha256: str) -> bool:
        """Store a link. If its run was deleted, the method stores nothing and returns False."""
        ...

    async def shares(self, run_id: str) -> list[Share]:
        """Return the run's links, with the newest link first."""
        ...

    async def share_with(self, secret_sha256: str) -> Share | None: ...

    async def revoke_share(self, share_id: str, at: datetime) -> Share | None:
        """Revoke a link unless it is revoked, and return it, or None if there is no such link."""
        ...

    async def put_sign_in(self, secret_sha256: str, token_digest: str, *, now: datetime, expires_at: datetime) -> None:
        """Store a sign-in, and delete the sign-ins that have expired."""

    async def sign_in(self, secret_sha256: str, *, now: datetime) -> str | None:
        """Return the digest of the sign-in's token, or None if there is no such sign-in or it has expired."""
        ...

    async def end_sign_ins(self, *, secret_sha256: str = "", token_digest: str = "") -> None:
        """Delete the sign-in with this secret, and the sign-ins that were made with this token."""

    async def secret(self, name: str, new: str) -> str:
        """Return the secret with this name. If there is none yet, store `new`."""
        ...


class Store(Memory, Heartbeats, Sharing, Protocol):
    """Stores sessions and runs, with their events, questions, playbook versions and pages.

    Raises:
        StoreFailed: If the database cannot be read or written. Every method can raise this error.
    """

    async def open(self) -> None:
        """Connect, and create or upgrade the tables."""

    async def close(self) -> None: ...

    async def add_run(self, record: RunRecord, *, new_session: bool) -> RunRecord:
        """Store a new run and return it. If a run with the same request_id exists, return that run instead.

        Raises:
            NotFound: If the session of the run does not exist.
        """
        ...

    async def update_run(self, record: RunRecord, *, events: Sequence[Event] = ()) -> bool:
        """Replace the record of a run and add events to the run, in one transaction.

        If the run is final or deleted, the method changes nothing and returns False.
        """
        ...

    async def get_run(self, run_id: str) -> RunRecord | None: ...

    async def run_of_request(self, request_id: str) -> RunRecord | None: ...

    async def epoch_of(self, run_id: str) -> int | None:
        """Return the epoch, which is the number of the run's latest execution.

        The epoch is 0 before the first execution. The result is None if the run is final or deleted.
        """
        ...

    async def begin_execution(self, run_id: str, after: int) -> bool:
        """Begin a new execution of the run, if `after` is the epoch of its latest execution.

        If another execution has begun, or if the run is final, the method changes nothing and returns False.
        """
        ...

    def of_execution(self, epoch: int) -> Store:
        """Return a copy of this store for one execution of a run.

        The copy ignores writes to the run if the run is final or if a later execution has begun. The copy still writes
        data that all runs share, such as cached pages.
        """
        ...

    async def lost(self, epochs: Mapping[str, int]) -> list[str]:
        """Return the ids of runs in `epochs` that have a different epoch in the store, or are final or deleted.

        `epochs` maps run ids to epochs.
        """
        ...

    def waiting(self, wait: Wait) -> Store:
        """Return a copy of this store that uses `wait` to repeat each call until the database is available."""
        ...

    async def steps(self, run_id: str) -> list[StepEntry]: ...

    async def put_step(self, run_id: str, step: StepRecord) -> bool:
        """Record the result of a finished step.

        If the run is final or a later execution of it has begun, the method changes nothing and returns False.
        """
        ...

    async def runs(
        self,
        *,
        session_id: str | None = None,
        limit: int = 20,
        after: str | None = None,
        only: RunFilter = EVERY_RUN,
    ) -> list[RunRecord]:
        """Return one result page of the runs that `only` selects, with the newest run first.

        `after` is the id of the last run on the previous result page.
        """
        ...

    async def unfinished(self) -> list[RunRecord]: ...

    async def ended_before(self, when: datetime) -> list[RunRecord]:
        """Return the runs that ended before `when` and whose playbook got no new version after `when`."""
        ...

    async def sessions(self, *, limit: int = 20, after: str | None = None) -> list[SessionRecord]:
        """Return one result page of sessions, with the newest session first.

        `after` is the id of the last session on the previous result page.
        """
        ...

    async def session(self, session_id: str) -> SessionRecord | None: ...

    async def delete_session(self, session_id: str) -> None:
        """Delete a session, its runs, and everything that `delete_runs` deletes with the runs."""

    async def delete_runs(self, run_ids: Sequence[str]) -> None:
        """Delete runs and everything that is stored about these runs.

        The method also deletes cached data that no other run uses, and sessions that have no other runs.
        """

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Add events to a run.

        The events of each run are numbered from 1. If the run is final, the method does nothing.
        """

    async def events(self, run_id: str, *, after: int = 0) -> list[tuple[int, Event]]:
        """Return the run's events with numbers above `after`, sorted by number."""
        ...

    async def last_events(self, run_id: str, limit: int) -> list[tuple[int, Event]]: ...

    async def delete_values(self, before: datetime, kind: str = "") -> None:
        """Delete the values that were stored before the time `before` and whose keys start with `kind`."""

    async def put_question(self, run_id: str, question: QuestionRecord) -> QuestionRecord:
        """Store a question and return it. If the question is already stored, return the stored question."""
        ...

    async def question(self, run_id: str, question_id: str) -> QuestionRecord | None: ...

    async def questions(self, run_id: str) -> list[QuestionRecord]:
        """Return the run's questions, with the oldest question first."""
        ...

    async def open_question(self, run_id: str, *, before: datetime, hand_out: bool) -> QuestionRecord | None:
        """Return the next question that a client should answer.

        If `hand_out` is true, store the current time as the time when a client received the question.

        Questions that no client has received come first. The other questions follow in the order in which clients
        received them. Questions that a client has received since the time `before` are skipped.
        """
        ...

    async def put_answer(self, run_id: str, question_id: str, answer: str) -> bool:
        """Store an answer.

        If the question is already answered or does not exist, the method changes nothing and returns False.
        """
        ...

    async def answered(self, asked: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the answered questions among `asked`, each as a pair of run id and question id."""
        ...

    async def put_verdict(
        self, run_id: str, question_id: str, *, wrong: str | None = None, dropped: str | None = None
    ) -> None:
        """Store the verdict on an answer. If an argument is None, the stored value does not change."""

    async def put_version(self, run_id: str, version: Version) -> Version | None:
        """Store a version of the run's playbook and return it.

        Each run makes only one version. If the run that made `version` has stored one before, return the stored version
        instead. If the playbook's run is deleted, the method stores nothing and returns None. It does the same if the
        run that made `version` is final or deleted, or if a later execution of that run has begun.

        Raises:
            Outdated: If the version is not based on the newest version.
        """
        ...

    async def run_and_versions(self, run_id: str) -> tuple[RunRecord, Sequence[VersionMeta]] | None:
        """Return a run with the versions of its playbook, oldest first, or None if there is no such run.

        If the run is not final, it has no versions yet.
        """
        ...

    async def versions(self, run_id: str) -> list[VersionMeta]:
        """Return the metadata of all versions of the run's playbook, sorted by number."""
        ...

    async def get_version(self, run_id: str, number: int | None = None) -> Version | None:
        """Return the version with this number, or the newest version if `number` is None."""
        ...

    async def get_playbook(self, run_id: str, number: int | None = None) -> Playbook | None:
        """Return the playbook in the version with this number, or in the newest version if `number` is None."""
        ...

    async def put_pages(self, run_id: str, pages: Sequence[Page]) -> tuple[str, ...]:
        """Store pages that the run has read, and return their keys in the order of `pages`."""
        ...

    async def pages(self, run_id: str, keys: Sequence[str]) -> tuple[Page, ...]:
        """Return the pages with the given keys, in the order of `keys`.

        Raises:
            Unreadable: If a page is missing, or was stored by another release in a format that this release cannot
            read.
        """
        ...

    async def copy_pages(self, from_run: str, to_run: str, sha256s: Collection[str]) -> bool:
        """Copy the pages whose texts have these digests from one run to another.

        If a page is missing, the method changes nothing and returns False.
        """
        ...

    async def pages_with_texts(self, sha256s: Collection[str]) -> dict[str, Page]:
        """Map each digest to a page whose text has this digest.

        The page can belong to any run. The result omits digests of deleted texts.
        """
        ...

    async def page_text(self, sha256: str) -> str | None: ...
