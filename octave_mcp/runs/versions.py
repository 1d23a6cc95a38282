"""Lists, reads, edits and publishes the versions of playbooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.copy_check import CheckedCopy
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.notices import OwnText
from octave_mcp.domain.page import Page
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.sender import Sender
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.domain.versions import Version, check_base, first_version, next_version
from octave_mcp.errors import NotFinished, NotFound, UnknownName
from octave_mcp.ports import Store
from octave_mcp.runs.adapters import Files
from octave_mcp.runs.timings import timings

if TYPE_CHECKING:
    from octave_mcp.copywriting.edits import Edited
    from octave_mcp.domain.parts import Given
    from octave_mcp.pipeline.run import Run

# Name of the journal step that records the research behind a playbook. A refresh starts from the research in this step.
BASIS = "basis"


async def stored(written: Written, record: RunRecord, run: Run) -> Playbook:
    """Add the run's timings to the playbook, store it as version 1, and return it.

    If an earlier execution of the run has already stored version 1, return the stored version.
    """
    playbook = written.playbook.model_copy(update={"timings": timings(record, run.progress.timings)})
    version = first_version(record.run_id, playbook, written.drafts)
    return (await run.store.put_version(record.run_id, version) or version).playbook


async def record_basis(written: Written, run: Run) -> None:
    """Record the research behind the playbook as a journal step, so that a refresh can start from this research."""

    async def basis() -> Basis:
        return written.basis

    await run.journal.step(BASIS, basis, Basis)


class Versions:
    """The playbook versions of runs that have ended. `files` writes the files of the newest version.

    If `run_id` belongs to a revision or refresh, the methods use the playbook that this run revised or refreshed. Every
    method raises NotFound if the run does not exist, and NotFinished if the run has no playbook or has not ended.
    """

    def __init__(self, store: Store, files: Files) -> None:
        self._store, self._files = store, files

    async def listed(self, run_id: str) -> Sequence[VersionMeta]:
        """Return the versions, oldest first."""
        return (await self._record_and_versions(run_id))[1]

    async def one(self, run_id: str, number: int | None = None) -> VersionMeta:
        """Return the version with this number.

        If `number` is None and the run is a revision or refresh, return the version that the run wrote. If a refresh
        changed nothing, return the version that it refreshed. In all other cases, return the newest version.

        Raises:
            UnknownName: If there is no such version. The error text lists the existing versions.
        """
        record, metas = await self._record_and_versions(run_id)
        return _chosen(record, metas, number)

    async def state(self, run_id: str, number: int | None) -> tuple[RunRecord, int, int]:
        """Return the run, the number of the version that `Versions.one` returns, and how many versions there are.

        If the run has no playbook or has not ended, the two numbers are 0.
        """
        record, metas = await self._found(run_id)
        return record, _chosen(record, metas, number).number if metas else 0, len(metas)

    async def playbook(self, run_id: str, number: int | None = None) -> Playbook:
        """Return the playbook of the version that `Versions.one` returns."""
        _, playbook = await self._record_and_playbook(run_id, number)
        return playbook

    async def whole(self, run_id: str, number: int | None = None) -> Version:
        """Return the version that `Versions.one` returns, with its playbook and drafts."""
        record, metas = await self._record_and_versions(run_id)
        version = await self._store.get_version(record.playbook_of, _chosen(record, metas, number).number)
        if version is None:
            raise no_run(run_id)
        return version

    async def pair(self, run_id: str, before: int | None, after: int | None) -> tuple[VersionMeta, VersionMeta]:
        """Return the two versions to compare, the older version first.

        By default, compare the version that `Versions.one` returns with the version before it. If `Versions.one`
        returns version 1, return version 1 twice.

        Raises:
            UnknownName: If there is no such version. The error text lists the existing versions.
        """
        record, metas = await self._record_and_versions(run_id)
        newer = _chosen(record, metas, after)
        return _chosen(record, metas, max(1, newer.number - 1) if before is None else before), newer

    async def edit(self, run_id: str, section: str, given: Given, *, base: int, by: str) -> tuple[VersionMeta, OwnText]:
        """Store a new version in which a person's text replaces a part.

        Return the new version, and the text with the results of the checks.

        Raises:
            UnknownName: If there is no such version, or no such part of it.
            InputError: If the part cannot be edited, or the text does not have the structure of the part.
            Outdated: If `base` is not the newest version.
        """
        record, metas = await self._record_and_versions(run_id)
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

    async def check_copy(self, run_id: str, text: str) -> CheckedCopy:
        """Check a person's text against the pages that the run has read. No model is asked.

        Raises:
            NotFound: If there is no such run.
            NotFinished: If the run has no playbook, or has not ended.
            InputError: If the text has nothing to check, or is too long.
        """
        record, playbook = await self._record_and_playbook(run_id)
        pages = await self._store.pages_with_texts({page.sha256 for page in playbook.pages})
        return await computed(_checked, text, playbook, pages, record.sender)

    async def publish(self, run_id: str) -> None:
        """If the run's files are on this machine, replace them with the files of the newest version."""
        record, number = await self._store.get_run(run_id), 0
        while record and record.files and number != (newest := (await self.one(run_id)).number):
            # Repeat until there is no newer version: while this process writes files, another process can store the
            # next version and write its files first.
            number = newest
            await self._files.replace(run_id, await self.playbook(run_id, number))

    async def _record_and_playbook(self, run_id: str, number: int | None = None) -> tuple[RunRecord, Playbook]:
        record, metas = await self._record_and_versions(run_id)
        playbook = await self._store.get_playbook(record.playbook_of, _chosen(record, metas, number).number)
        if playbook is None:
            raise NotFound(f"run {run_id!r} was deleted")
        return record, playbook

    async def _record_and_versions(self, run_id: str) -> tuple[RunRecord, Sequence[VersionMeta]]:
        record, metas = await self._found(run_id)
        if not metas:
            advice = "it has no playbook; start a new run" if record.is_final else "try again when it has ended"
            raise NotFinished(f"run {run_id!r} is {record.status}; {advice}")
        return record, metas

    async def _found(self, run_id: str) -> tuple[RunRecord, Sequence[VersionMeta]]:
        found = await self._store.run_and_versions(run_id)
        if found is None:
            raise no_run(run_id)
        record, metas = found
        # A refresh that finds nothing new completes without storing a version.
        is_unchanged = bool(record.refreshes) and record.status in {"completed", "partial"}
        is_shown = record.playbook_of == run_id or is_unchanged or any(meta.run_id == run_id for meta in metas)
        return record, metas if is_shown else []


def _edited(
    old: Version, pages: Mapping[str, Page], sender: Sender | None, section: str, given: Given, by: str
) -> Edited:
    from octave_mcp.copywriting.edits import edited  # noqa: PLC0415 - only edits need these modules
    from octave_mcp.copywriting.own_sources import Sources  # noqa: PLC0415 - as above

    sources, at = Sources(old.playbook, pages, sender), datetime.now(UTC)
    return edited(sources, section, given, by=by, at=at, version=old.meta.number + 1)


def _checked(text: str, playbook: Playbook, pages: Mapping[str, Page], sender: Sender | None) -> CheckedCopy:
    from octave_mcp.copywriting.own_copy import checked_copy  # noqa: PLC0415 - only such a check needs these modules

    return checked_copy(text, playbook, pages, sender)


def no_run(run_id: str) -> NotFound:
    return NotFound(f"there is no run {run_id!r}, or it was deleted; list_sessions shows what is stored")


def _chosen(record: RunRecord, metas: Sequence[VersionMeta], number: int | None) -> VersionMeta:
    if number is None:
        made = (meta for meta in metas if record.playbook_of != record.run_id == meta.run_id)
        refreshed = (meta for meta in metas if record.refreshes and meta.number == record.base_version)
        return next(made, next(refreshed, metas[-1]))
    chosen = next((meta for meta in metas if meta.number == number), None)
    if chosen is None:
        numbers = ", ".join(str(meta.number) for meta in metas)
        raise UnknownName(f"the playbook of run {record.run_id!r} has no version {number}; choose one of {numbers}")
    return chosen
