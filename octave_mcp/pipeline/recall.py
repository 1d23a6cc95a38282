"""Reuses the research on a vendor for its next deal within 24 hours: its pages are not asked about again."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from octave_mcp import __version__
from octave_mcp.asks import prompts
from octave_mcp.asks.answer_cache import RESEARCH
from octave_mcp.domain.company import Company, Site
from octave_mcp.domain.research import Research
from octave_mcp.pipeline.prioritise_urls import naming
from octave_mcp.pipeline.run import Run

MAX_UNREAD = 3


async def recall(run: Run, site: Site) -> Research | None:
    """What a run of the same kind found of this company, if it serves other deals and is still there."""
    if not _is_shared(run, site.company) or run.request.refresh:
        return None
    kept = await run.research_cache.get(_key(run, site.company))
    if kept:
        run.progress(f"what was found of {kept.profile.name} within a day is used again", units=1)
    return kept


async def keep(run: Run, research: Research) -> None:
    """Stores it for the next deal, unless something failed that may succeed then, or a fallback answered."""
    is_whole = not (research.gaps or run.asker.stood_in or any(failure.may_pass for failure in research.failures))
    if _is_shared(run, research.profile.company) and is_whole:
        own = research.model_copy(update={"found_by": run.run_id, "found_at": datetime.now(UTC)})
        await run.research_cache.put(_key(run, research.profile.company), own)


def unread(site: Site, kept: Research, counterpart: str) -> tuple[str, ...]:
    """Addresses of the company's pages that name its counterpart, and were not read for another deal."""
    read = {page.url for page in kept.pages} | {failure.url for failure in kept.failures}
    return tuple(url for url in naming(site, counterpart) if url not in read)[:MAX_UNREAD]


def _is_shared(run: Run, company: Company) -> bool:
    return company.traits.serves_other_deals and run.capacity.keeps_research


def _key(run: Run, company: Company) -> str:
    versions = [f"{name}@{prompts.load(name).version}" for name in prompts.names()]
    asked = run.request
    parts = (
        __version__,
        company.role,
        company.url,
        *company.beyond.sisters,
        run.identity,
        asked.language,
        run.max_pages,
        asked.context,
        run.specialists_per_ask,
        *versions,
    )
    return f"{RESEARCH}{sha256(repr(parts).encode()).hexdigest()}"
