"""Revisions: runs that rewrite a part of another run's playbook as a new version."""

from __future__ import annotations

from dataclasses import replace

from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting.origins import REVISABLE, Origin, origins
from octave_mcp.domain.choices import AUTO, BY_CLIENT, finished_copy
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.parts import check_section, place_of, written
from octave_mcp.domain.run import Revision, RevisionRequest, RunError, RunRecord
from octave_mcp.domain.value import Path, part_at
from octave_mcp.domain.versions import Version, check_base, next_version
from octave_mcp.errors import InputError, NotFound, Outdated, about
from octave_mcp.pipeline.revise import Revised, drafts_of, revise
from octave_mcp.pipeline.run import Run
from octave_mcp.pipeline.splicing import check_not_own, spliced
from octave_mcp.ports import Store
from octave_mcp.runs.adapters import Adapters, Files
from octave_mcp.runs.admission import Admission, can_revise, cannot_revise, queued
from octave_mcp.runs.outcome import ended
from octave_mcp.runs.spending import with_spending
from octave_mcp.runs.timings import timings
from octave_mcp.runs.versions import Versions, no_run

# Name of the source in the record of a revision. A revision reads no pages, but every record must name a source. The
# crawler is always available, because it needs no setup.
SOURCE = "crawler"


class Revisions:
    def __init__(self, adapters: Adapters, admission: Admission) -> None:
        self._adapters, self._admission, self._store = adapters, admission, adapters.store

    async def admitted(self, wanted: RevisionRequest, keyless_model: str, *, has_client: bool) -> RunRecord:
        """Return the record of a new run that makes this revision, in the session of the playbook's run.

        By default, the run uses the model that wrote the playbook. If the model that wrote the playbook cannot revise
        the part, the run uses the configured model, or `keyless_model` if no model is configured.

        Raises:
            NotFound: If there is no such run.
            NotFinished: If the run has no playbook, or has not ended.
            UnknownName: If there is no such part or version. The error text lists the existing parts or versions.
            InputError: If the part was not written by a model, or the model cannot follow instructions.
            Outdated: If the version is not the newest.
            SetupError: If the model is not set up.
        """
        owner, base = await self._base(wanted)
        with about("section"):
            path, _ = await computed(_located, base, wanted.section, owner.run_id)
        section = written(base.playbook, path)
        is_able = wanted.model == AUTO and can_revise(owner.model) and (has_client or owner.model != BY_CLIENT)
        named = owner.model if is_able else self._adapters.model_name(wanted.model)
        model = named or keyless_model
        _check_follows(model, owner.model, is_named=bool(named), has_client=has_client)
        changes = {
            "model": wanted.model,
            "request_id": wanted.request_id,
            "session_id": owner.session_id,
            "refresh": False,
        }
        record = queued(
            owner.request.model_copy(update=changes),
            model,
            SOURCE,
            by_default=not named,
            sender=owner.sender,
            revision=Revision(
                run_id=owner.run_id, section=section, instruction=wanted.instruction, base_version=base.meta.number
            ),
            revision_request=wanted,
        )
        await computed(self._admission.check, record)
        return record

    async def _base(self, wanted: RevisionRequest) -> tuple[RunRecord, Version]:
        """Return the run that owns the playbook, and the playbook's newest version."""
        versions = Versions(self._store, self._adapters.files)
        metas = await versions.listed(wanted.run_id)
        number = (await versions.one(wanted.run_id, wanted.base_version or metas[-1].number)).number
        record = await self._store.get_run(wanted.run_id)
        owner = record and await self._store.get_run(record.playbook_of)
        base = owner and await self._store.get_version(owner.run_id, number)
        if owner is None or base is None:
            raise no_run(wanted.run_id)
        check_base(owner.run_id, number, metas)
        return owner, base


def _check_follows(model: str, writer: str, *, is_named: bool, has_client: bool) -> None:
    """Check that the model can follow an instruction.

    Raises:
        InputError: If the model does not follow instructions, or if it is 'host' and no client is connected.
    """
    if model == BY_CLIENT and not has_client:
        raise InputError(
            f"the model {model!r} asks a client connected over MCP or HTTP, and no client is connected; "
            f"revise the part from a connected client, or name {finished_copy(has_client=False)}",
            "model",
        )
    if not can_revise(model):
        what = f"the model {model!r}" if is_named else f"no model is configured, and {writer!r}, which wrote the part,"
        raise cannot_revise(what, has_client=has_client)


def _located(version: Version, section: str, run_id: str) -> tuple[Path, tuple[Origin, ...]]:
    """Return the path of the part, and the drafts from which the part was assembled.

    Raises:
        InputError: If the part does not exist, or models must not change it.
    """
    check_section(section, REVISABLE)
    path = place_of(version.playbook, section)
    check_not_own(version.playbook, path, run_id)
    return path, origins(version.playbook, drafts_of(version), section)


def is_revisable(version: Version, section: str, run_id: str) -> bool:
    """Whether a model can rewrite this part: a model wrote it, and nobody has edited it."""
    try:
        _located(version, section, run_id)
    except InputError:
        return False
    return True


async def revised(record: RunRecord, revision: Revision, run: Run, files: Files) -> RunRecord:
    """Write and store the revised version, write the playbook's files, and return the final record of the run.

    Raises:
        OctaveError: If nothing was written, or the part has changed since the run started.
    """
    able = tuple(model for model in run.asker.fallback if can_revise(model.name))
    run = replace(run, asker=replace(run.asker, fallback=able))
    run.asker.model.prepare()
    base = await run.store.get_version(revision.run_id, revision.base_version)
    if base is None:
        raise NotFound(f"run {revision.run_id!r} was deleted, so its playbook cannot be revised")
    done = await run(revise, revision, base)
    omissions = await _stored(record, revision, run, base, done)
    await Versions(run.store, files).publish(revision.run_id)
    if omissions:
        return ended(record, "partial", RunError(code="dropped_by_check", message="; ".join(omissions)))
    return ended(record, "completed")


async def _stored(record: RunRecord, revision: Revision, run: Run, base: Version, done: Revised) -> tuple[str, ...]:
    """Apply the revision to the newest version, and store the result as the next version.

    Return sentences that explain which text was dropped or is missing.
    """
    newest = base
    while True:
        spent = timings(record, run.progress.timings)
        made = await computed(_version, spent, revision, run, newest, done)
        try:
            await run.store.put_version(revision.run_id, made)
        except Outdated:
            # The playbook has changed in the meantime. If only other parts have changed, add the revision to the newest
            # version instead of failing, because the revision has been paid for.
            newest = await _newest(revision, run.store, base)
        else:
            known = newest.playbook.gaps
            return (*done.omissions, *(gap.reason for gap in made.playbook.gaps if gap not in known))


def _version(spent: Timings, revision: Revision, run: Run, newest: Version, done: Revised) -> Version:
    made = spliced(newest.playbook, drafts_of(newest), done.new)
    return next_version(
        newest,
        with_spending(made.playbook, newest.playbook, spent, run),
        made="revised",
        by=", ".join(run.asker.models),
        run_id=run.run_id,
        section=revision.section,
        instruction=revision.instruction,
        drafts=made.drafts,
    )


async def _newest(revision: Revision, store: Store, base: Version) -> Version:
    """Return the newest version if the revised part has not changed.

    Raises:
        Outdated: If the part has changed since the run started.
    """
    newest = await store.get_version(revision.run_id)
    metas = await store.versions(revision.run_id)
    if newest is None:
        raise NotFound(f"run {revision.run_id!r} was deleted, so its playbook cannot be revised")
    if not await computed(_is_unchanged, revision, base, newest):
        check_base(revision.run_id, revision.base_version, metas)
    return newest


def _is_unchanged(revision: Revision, base: Version, newest: Version) -> bool:
    """Whether the revised part and its drafts are equal in both versions."""
    path, drafted = _located(base, revision.section, revision.run_id)
    try:
        if _located(newest, revision.section, revision.run_id) != (path, drafted):
            return False
    except InputError:  # a person has edited the part in the meantime, or the part no longer exists
        return False
    shown = (max(origin.unit, path, key=len) for origin in drafted)
    is_shown = all(part_at(base.playbook, at) == part_at(newest.playbook, at) for at in shown)
    return is_shown and all(
        part_at(drafts_of(base), origin.path) == part_at(drafts_of(newest), origin.path) for origin in drafted
    )
