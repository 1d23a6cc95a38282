"""Executes refreshes. A refresh is a run that reads the pages again, and writes the next version of a playbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pydantic import ValidationError

from octave_mcp.asks.earlier import Earlier
from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting.own_parts import with_own_parts
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.costs import Timings
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.sentence import Score
from octave_mcp.domain.steps import StepEntry
from octave_mcp.domain.value import changed, located
from octave_mcp.domain.version_meta import VersionMeta
from octave_mcp.domain.versions import Version, changed_sections, check_base, next_version
from octave_mcp.errors import NotFound, Outdated
from octave_mcp.pipeline.base import Base
from octave_mcp.pipeline.run import Run
from octave_mcp.ports import Store
from octave_mcp.runs.adapters import Files
from octave_mcp.runs.events import run_event
from octave_mcp.runs.journal import replayed
from octave_mcp.runs.outcome import ended, is_partial
from octave_mcp.runs.spending import with_spending
from octave_mcp.runs.timings import timings
from octave_mcp.runs.versions import BASIS, Versions

# If `VersionMeta.made` has one of these values, the version was written by a run that read pages.
FROM_PAGES = frozenset({"generated", "refreshed"})
# Sections that describe how the playbook was made. If a refresh changes only these sections, it stores no new version.
ABOUT_VERSION = frozenset({"flags"})
DERIVED_SECTIONS = frozenset({"gaps", "evidence"})


async def base_of(record: RunRecord, store: Store, model: str, log: Callable[[Event], object]) -> Base | None:
    """Return the version that the run refreshes, or None if the run is not a refresh or must repeat all asks.

    `model` is the identity of the model that will be asked.

    Raises:
        NotFound: If the playbook was deleted.
    """
    if record.refreshes is None:
        return None
    version = await _refreshed_version(record, store, record.base_version)
    base, obstacle = await _start(record, version, store, model)
    if base is None:
        log(run_event(record, "progress", message=f"all questions are asked again, because {obstacle}"))
    return base


async def _refreshed_version(record: RunRecord, store: Store, number: int | None) -> Version:
    version = await store.get_version(record.playbook_of, number)
    if version is None:
        raise NotFound(f"run {record.playbook_of!r} was deleted, so its playbook cannot be refreshed")
    return version


async def _start(record: RunRecord, version: Version, store: Store, model: str) -> tuple[Base | None, str]:
    """Return the base of the refresh, or None and the reason why all asks must be repeated."""
    if version.drafts is None:
        return None, "the playbook was written by an earlier release, which stored no drafts"
    research_run_id = _research_run_id(await store.versions(record.playbook_of), version.meta.number)
    steps = await store.steps(research_run_id) if research_run_id else []
    basis = await computed(basis_in, steps)
    if research_run_id is None or basis is None:
        return None, "the research behind the playbook is no longer stored"
    if basis.model != model:
        return None, f"the playbook was written by {basis.model}, but the refresh uses {model}"
    earlier = Earlier({step.digest: step.outcome for step in steps})
    return Base(version.playbook, version.drafts, basis, earlier, research_run_id), ""


def _research_run_id(metas: Sequence[VersionMeta], number: int) -> str | None:
    """Return the id of the run that last read pages for this version or an earlier one."""
    # Skip revisions and edits, because they read no pages.
    read = [meta.run_id for meta in metas[:number] if meta.made in FROM_PAGES]
    return read[-1] if read else None


def basis_in(steps: Iterable[StepEntry]) -> Basis | None:
    """Return the research behind the playbook of a run with these steps, or None if it cannot be read."""
    entry = next((step for step in steps if step.name == BASIS), None)
    try:
        return replayed(entry, Basis) if entry else None
    except ValidationError:
        return None


async def refreshed(record: RunRecord, written: Written, run: Run, files: Files) -> RunRecord:
    """Store the refreshed version, write the playbook's files, and return the final record of the run.

    Raises:
        Outdated: If a model has rewritten the playbook since the run started.
    """
    playbook = await _stored(written, record, run)
    await Versions(run.store, files).publish(record.playbook_of)
    obstacle = "" if run.base else await _obstacle(record, run)
    return ended(
        record.model_copy(update={"full_refresh_reason": obstacle}), "partial" if is_partial(playbook) else "completed"
    )


async def _obstacle(record: RunRecord, run: Run) -> str:
    version = await _refreshed_version(record, run.store, record.base_version)
    return (await _start(record, version, run.store, run.asker.model.identity))[1]


async def _stored(written: Written, record: RunRecord, run: Run) -> Playbook:
    """Store the next version and return its playbook. If nothing has changed, return the newest stored playbook.

    Raises:
        Outdated: If a model has rewritten the playbook since the run started.
    """
    newest = await _refreshed_version(record, run.store, record.base_version)
    while True:
        new = await computed(_version, written, record, run, newest, timings(record, run.progress.timings))
        if not await computed(_has_news, new, newest, written.basis, run):
            return newest.playbook
        try:
            return (await run.store.put_version(record.playbook_of, new) or new).playbook
        except Outdated:
            # The playbook has changed since the refresh started. If only people have edited the playbook, merge the
            # refresh into their version and try again.
            newest = await _edited_since(record, run.store)


def _version(written: Written, record: RunRecord, run: Run, newest: Version, spent: Timings) -> Version:
    playbook = with_own_parts(with_spending(written.playbook, newest.playbook, spent, run), newest.playbook)
    by = ", ".join(run.asker.models)
    return next_version(newest, playbook, made="refreshed", by=by, run_id=record.run_id, drafts=written.drafts)


def _has_news(new: Version, newest: Version, basis: Basis, run: Run) -> bool:
    """Whether the new version has changes that are worth storing."""
    has_same_failures = run.base is not None and _failures(basis) == _failures(run.base.basis)
    if run.asker.ledger.cost.asks or not has_same_failures:
        return bool({*new.meta.changed} - ABOUT_VERSION)
    # No model was asked, so the sales copy has not changed. Ignore scores, gaps and evidence, which can differ because
    # they were computed again. For example, a revision can change an e-mail without updating the scores of later
    # e-mails, although these scores depend on the changed e-mail.
    return bool(
        {*changed_sections(_unscored(newest.playbook), _unscored(new.playbook))} - ABOUT_VERSION - DERIVED_SECTIONS
    )


def _failures(basis: Basis) -> list[object]:
    return [
        (research.gaps, research.failures, [(page.url, page.notice) for page in research.pages])
        for research in basis.research
    ]


def _unscored(playbook: Playbook) -> Playbook:
    scored = (at for at, part in located(playbook) if isinstance(getattr(part, "score", None), Score))
    return changed(playbook, {(*at, "score"): None for at in scored})


async def _edited_since(record: RunRecord, store: Store) -> Version:
    """Return the newest version. All changes since the run started must be edits by people.

    Raises:
        Outdated: If a model has changed the playbook since the run started.
    """
    metas = await store.versions(record.playbook_of)
    if any(meta.made != "edited" for meta in metas[record.base_version :]):
        check_base(record.playbook_of, record.base_version or 0, metas)
    return await _refreshed_version(record, store, metas[-1].number)
