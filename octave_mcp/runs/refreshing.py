"""Refreshes: runs that write the next version of another run's playbook, from the pages as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pydantic import ValidationError

from octave_mcp.asks.earlier import Earlier
from octave_mcp.concurrency.computing import computed
from octave_mcp.copywriting.own_parts import with_own_parts
from octave_mcp.domain.basis import Basis
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.events import Event
from octave_mcp.domain.playbook import Playbook
from octave_mcp.domain.run import RunRecord
from octave_mcp.domain.sentence import Score
from octave_mcp.domain.steps import StepEntry
from octave_mcp.domain.value import changed, located
from octave_mcp.domain.versions import Version, VersionMeta, changed_sections, check_base, next_version
from octave_mcp.errors import NotFound, Outdated
from octave_mcp.pipeline.base import Base
from octave_mcp.pipeline.run import Run
from octave_mcp.ports import Store
from octave_mcp.runs.adapters import Files
from octave_mcp.runs.events import run_event
from octave_mcp.runs.journal import replayed
from octave_mcp.runs.outcome import ended, is_partial
from octave_mcp.runs.spending import with_spending
from octave_mcp.runs.versions import BASIS, Versions

# How versions are made by runs that read the pages.
WHOLE = frozenset({"generated", "refreshed"})
# Sections that say how a version was made.
NO_NEWS = frozenset({"flags"})
# Sections that follow from the others, and from the pages.
FOLLOWING = frozenset({"gaps", "evidence"})


async def base_of(record: RunRecord, store: Store, model: str, log: Callable[[Event], object]) -> Base | None:
    """What the run refreshes; None if it asks everything again. `model` identifies the one that will be asked.

    Raises:
        NotFound: the playbook was deleted.
    """
    if record.refreshes is None:
        return None
    version = await _refreshed_version(record, store, record.base_version)
    base, why_anew = await _start(record, version, store, model)
    if base is None:
        log(run_event(record, "progress", message=f"everything is asked again: {why_anew}"))
    return base


async def _refreshed_version(record: RunRecord, store: Store, number: int | None) -> Version:
    version = await store.get_version(record.playbook_of, number)
    if version is None:
        raise NotFound(f"run {record.playbook_of!r}, whose playbook this was to refresh, was deleted")
    return version


async def _start(record: RunRecord, version: Version, store: Store, model: str) -> tuple[Base | None, str]:
    """What to start from, or why there is nothing."""
    if version.drafts is None:
        return None, "an earlier release wrote the playbook, and kept no drafts of it"
    read_by = _read_by(await store.versions(record.playbook_of), version.meta.number)
    steps = await store.steps(read_by) if read_by else []
    basis = await computed(_basis, steps)
    if read_by is None or basis is None:
        return None, "what the playbook was written from is no longer stored"
    if basis.model != model:
        return None, f"{basis.model} wrote the playbook, and {model} is to refresh it"
    earlier = Earlier({step.digest: step.outcome for step in steps})
    return Base(version.playbook, version.drafts, basis, earlier, read_by), ""


def _read_by(metas: Sequence[VersionMeta], number: int) -> str | None:
    """The run that read the pages which the version quotes."""
    read = [meta.run_id for meta in metas[:number] if meta.made in WHOLE]
    return read[-1] if read else None


def _basis(steps: Iterable[StepEntry]) -> Basis | None:
    entry = next((step for step in steps if step.name == BASIS), None)
    try:
        return replayed(entry, Basis) if entry else None
    except ValidationError:
        return None


async def refreshed(record: RunRecord, written: Written, run: Run, files: Files) -> RunRecord:
    """The record of a refresh that has ended: its version is stored, and in the files of the playbook.

    Raises:
        Outdated: the playbook was rewritten meanwhile.
    """
    playbook = await _stored(written, record, run)
    await Versions(run.store, files).publish(record.playbook_of)
    anew = "" if run.base else await _why_anew(record, run)
    return ended(record.model_copy(update={"anew": anew}), "partial" if is_partial(playbook) else "completed")


async def _why_anew(record: RunRecord, run: Run) -> str:
    version = await _refreshed_version(record, run.store, record.base_version)
    return (await _start(record, version, run.store, run.asker.model.identity))[1]


async def _stored(written: Written, record: RunRecord, run: Run) -> Playbook:
    """The playbook as the next version; as it was, if there is no news in it.

    Raises:
        Outdated: it was rewritten meanwhile.
    """
    newest = await _refreshed_version(record, run.store, record.base_version)
    while True:
        new = await computed(_version, written, record, run, newest)
        if not await computed(_has_news, new, newest, written.basis, run):
            return newest.playbook
        try:
            return (await run.store.put_version(record.playbook_of, new) or new).playbook
        except Outdated:
            newest = await _edited_since(record, run.store)


def _version(written: Written, record: RunRecord, run: Run, newest: Version) -> Version:
    playbook = with_own_parts(with_spending(written.playbook, newest.playbook, record, run), newest.playbook)
    by = ", ".join(run.asker.models)
    return next_version(newest, playbook, made="refreshed", by=by, run_id=record.run_id, drafts=written.drafts)


def _has_news(new: Version, newest: Version, basis: Basis, run: Run) -> bool:
    """Where nothing was asked, what the rules say of the same copy is none.

    A revision leaves the scores, gaps and evidence of all else as they are, though an e-mail's score depends on those
    before it.
    """
    is_as_read = run.base is not None and _unread(basis) == _unread(run.base.basis)
    if run.asker.ledger.cost.asks or not is_as_read:
        return bool({*new.meta.changed} - NO_NEWS)
    return bool({*changed_sections(_unscored(newest.playbook), _unscored(new.playbook))} - NO_NEWS - FOLLOWING)


def _unread(basis: Basis) -> list[object]:
    """What the pages do not say, or could not be read for."""
    return [(one.gaps, one.failures, [(page.url, page.notice) for page in one.pages]) for one in basis.research]


def _unscored(playbook: Playbook) -> Playbook:
    scored = (at for at, part in located(playbook) if isinstance(getattr(part, "score", None), Score))
    return changed(playbook, {(*at, "score"): None for at in scored})


async def _edited_since(record: RunRecord, store: Store) -> Version:
    """The newest version, if people alone have changed the playbook since the run began: their texts stay.

    Raises:
        Outdated: a model has.
    """
    metas = await store.versions(record.playbook_of)
    if any(meta.made != "edited" for meta in metas[record.base_version :]):
        check_base(record.playbook_of, record.base_version or 0, metas)
    return await _refreshed_version(record, store, metas[-1].number)
