"""Reuses the complete playbook of an equal request from the last 24 hours, without reading a page or asking a model."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, cast

from octave_mcp import __version__
from octave_mcp.asks import answer_cache, prompts
from octave_mcp.asks.answer_cache import PLAYBOOK
from octave_mcp.concurrency.computing import computed
from octave_mcp.domain.company import Company
from octave_mcp.domain.costs import Cost
from octave_mcp.domain.drafts import Written
from octave_mcp.domain.notices import Flag
from octave_mcp.domain.playbook import Playbook
from octave_mcp.pipeline.run import Run
from octave_mcp.runs.refreshing import basis_in

# These fields of a request do not affect the playbook, or the key contains their meaning in another form.
_IGNORED = {"vendor", "prospect", "model", "source", "max_pages", "max_cost_usd", "refresh", "session_id", "request_id"}


async def reused(run: Run, companies: Sequence[Company]) -> Written | None:
    """Return the playbook of an earlier run with an equal request, or None if there is none.

    The journal records which run was found, so that a resumed run gets the same result.
    """
    if not _is_reusable(run) or run.request.refresh:
        return None
    key = await computed(_key, run, companies)
    kind = cast("Any", str | None)
    found: str | None = await run.journal.step("reuse", lambda: answer_cache.get(run.store, key), kind, key)
    if found is None:
        return None
    version, basis = await run.store.get_version(found, 1), await computed(basis_in, await run.store.steps(found))
    if version is None or version.drafts is None or basis is None:
        return None
    pages = {page.sha256 for page in version.playbook.pages}
    if not await run.store.copy_pages(found, run.run_id, pages):
        return None
    run.progress(f"reusing the playbook that run {found} wrote in the last 24 hours")
    return Written(_as_reused(version.playbook, found), version.drafts, basis)


async def remember(run: Run, companies: Sequence[Company]) -> None:
    """Let equal requests reuse the playbook of this run. Call this only if the playbook is complete.

    The playbook is deleted with the run.
    """
    if _is_reusable(run) and not run.asker.stood_in:
        await answer_cache.put(run.store, await computed(_key, run, companies), run.run_id, run.run_id)


def _is_reusable(run: Run) -> bool:
    return run.capacity.caches_research and not run.capacity.is_answered_by_client


def _as_reused(playbook: Playbook, run_id: str) -> Playbook:
    answers = playbook.cost.asks + playbook.cost.reused
    free = Cost(usd=0.0, asks=0, input_tokens=0, output_tokens=0, reused=answers, pages_fetched=0, pages_failed=0)
    when = f"{playbook.generated_at:%Y-%m-%d %H:%M} UTC"
    reason = f"run {run_id} wrote this playbook on {when}; use refresh for a new one"
    flags = (*(flag for flag in playbook.flags if flag.code != "reused"), Flag(code="reused", reason=reason))
    return playbook.model_copy(update={"cost": free, "flags": flags})


def _key(run: Run, companies: Sequence[Company]) -> str:
    """Return a digest of everything that the playbook depends on, except the pages and the model's answers."""
    parts = (
        __version__,
        *((company.role, company.url, *company.beyond.sisters) for company in companies),
        run.identity,
        run.verifier.model.identity if run.verifier else "",
        run.max_pages,
        run.specialists_per_ask,
        run.request.model_dump_json(exclude=_IGNORED),
        *(f"{name}@{prompts.load(name).version}" for name in prompts.names()),
    )
    return f"{PLAYBOOK}{sha256(repr(parts).encode()).hexdigest()}"
