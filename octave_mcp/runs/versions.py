"""The versions of the playbooks of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting.edits import Edited, edited
from octave_mcp.copywriting.given_parts import Given
from octave_mcp.copywriting.own_sources import Sources
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.versions import Version, VersionMeta, check_base, first_version, next_version
from octave_mcp.errors import NotFinished, NotFound, UnknownName
from octave_mcp.pipeline.run import Run
from octave_mcp.ports import Store
from octave_mcp.runs.adapters import Files
from octave_mcp.runs.outcome import seconds

# The step in which a run records what it wrote its playbook from.
BASIS = "basis"


async def stored(written: Written, record: RunRecord, run: Run) -> Playbook:
    """The playbook with its timings, stored as version 1; that of an earlier execution, where there is one."""
    timings = Timings(total_seconds=seconds(record), steps=run.progress.timings)
    playbook = written.playbook.model_copy(update={"timings": timings})
    version = first_version(record.run_id, playbook, written.drafts)
    return (await run.store.put_version(record.run_id, version) or version).playbook


async def record_basis(written: Written, run: Run) -> None:
    async def known() -> Basis:
        return written.basis

    await run.journal.step(BASIS, known, Basis)


class Versions:
    """The versions of the playbooks of runs that have ended. `files` are those that a server keeps of the newest.

    A run that made a version of the playbook of another run has the versions of that one. Every method raises
    NotFound if there is no such run, and NotFinished if it made no playbook, or has not yet.
    """

    def __init__(self, store: Store, files: Files) -> None:
        self._store, self._files = store, files

    async def listed(self, run_id: str) -> Sequence[VersionMeta]:
        """The oldest first."""
        return (await self._of(run_id))[1]

    async def one(self, run_id: str, number: int | None = None) -> VersionMeta:
        """The version of that number; else the one that the run made of another run's playbook; else the newest.

        For a refresh that found nothing new, it is the version that it found.

        Raises:
            UnknownName: there is no such version; the text lists those there are.
        """
        record, metas = await self._of(run_id)
        return _chosen(record, metas, number)

    async def playbook(self, run_id: str, number: int | None = None) -> Playbook:
        """That of the version, as in `one`."""
        record, metas = await self._of(run_id)
        found = await self._store.get_playbook(record.playbook_of, _chosen(record, metas, number).number)
        if found is None:
            raise NotFound(f"run {run_id!r} was deleted")
        return found

    async def pair(self, run_id: str, before: int | None, after: int | None) -> tuple[VersionMeta, VersionMeta]:
        """Two versions to compare: by default the one that `one` gives, and the one before it if it is not the first.

        Raises:
            UnknownName: as in `one`.
        """
        record, metas = await self._of(run_id)
        newer = _chosen(record, metas, after)
        return _chosen(record, metas, max(1, newer.number - 1) if before is None else before), newer

    async def edit(self, run_id: str, section: str, given: Given, *, base: int, by: str) -> tuple[VersionMeta, OwnText]:
        """Makes a version with a person's own text for a section, or for a part of one, and says what the checks say.

        Raises:
            UnknownName: there is no such version, or no such part of it.
            InputError: the part is not for people to write, or what is given does not have its form.
            Outdated: the version is not the newest.
        """
        record, metas = await self._of(run_id)
        owner, number = record.playbook_of, _chosen(record, metas, base).number
        check_base(owner, number, metas)
        old = await self._store.get_version(owner, number)
        if old is None:
            raise no_run(run_id)
        pages = await self._store.pages_with_texts({page.sha256 for page in old.playbook.pages})
        new = await computed(_edited, old, pages, record.sender, section, given, by)
        version = next_version(old, new.playbook, made="edited", by=by, run_id=None, section=new.own.path)
        if await self._store.put_version(owner, version) is None:
            raise no_run(run_id)
        await self.publish(owner)
        return version.meta, new.own

    async def publish(self, run_id: str) -> None:
        """Writes the newest version over the files of the run's playbook, where this machine has them."""
        record, number = await self._store.get_run(run_id), 0
        while record and record.files and number != (newest := (await self.one(run_id)).number):
            number = newest  # while these are written, another process may make the next, and may have written it
            await self._files.replace(run_id, await self.playbook(run_id, number))

    async def _of(self, run_id: str) -> tuple[RunRecord, Sequence[VersionMeta]]:
        record = await self._store.get_run(run_id)
        if record is None:
            raise no_run(run_id)
        metas = await self._store.versions(record.playbook_of) if record.is_final else []
        is_unchanged = bool(record.refreshes) and record.status in {"completed", "partial"}
        if not (record.playbook_of == run_id or is_unchanged or any(meta.run_id == run_id for meta in metas)):
            metas = []
        if not metas:
            then = "it made no playbook; start a new run" if record.is_final else "ask again when it has ended"
            raise NotFinished(f"run {run_id!r} is {record.status}; {then}")
        return record, metas


def _edited(
    old: Version, pages: Mapping[str, Page], sender: Sender | None, section: str, given: Given, by: str
) -> Edited:
    sources, at = Sources(old.playbook, pages, sender), datetime.now(UTC)
    return edited(sources, section, given, by=by, at=at, version=old.meta.number + 1)


def no_run(run_id: str) -> NotFound:
    return NotFound(f"there is no run {run_id!r}, or it was deleted; list_sessions shows what is stored")


def _chosen(record: RunRecord, metas: Sequence[VersionMeta], number: int | None) -> VersionMeta:
    if number is None:
        made = (meta for meta in metas if record.playbook_of != record.run_id == meta.run_id)
        found = (meta for meta in metas if record.refreshes and meta.number == record.base_version)
        return next(made, next(found, metas[-1]))
    found = next((meta for meta in metas if meta.number == number), None)
    if found is None:
        there = ", ".join(str(meta.number) for meta in metas)
        raise UnknownName(f"the playbook of run {record.run_id!r} has no version {number}; choose one of {there}")
    return found
