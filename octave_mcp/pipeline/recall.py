"""Reuses the research on a vendor in other deals for 24 hours, so that no model is asked about the same pages again."""

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

# Maximum number of additional pages that are read because they name the other company. All of them are read as one
# pack.
MAX_UNREAD = 3


async def cached_research(run: Run, site: Site) -> Research | None:
    """Return the cached research of an earlier run with the same settings, or None.

    If the user asked for a refresh, return None.
    """
    if not _is_cacheable(run, site.company) or run.request.refresh:
        return None
    cached = await run.research_cache.get(_key(run, site.company))
    if cached:
        run.progress(f"reusing the research on {cached.profile.name} from the last 24 hours", units=1)
    return cached


async def cache_research(run: Run, research: Research) -> None:
    """Cache the research if it has no gaps, no page failed temporarily, and no fallback model answered."""
    is_complete = not (research.gaps or run.asker.stood_in or any(failure.may_pass for failure in research.failures))
    if _is_cacheable(run, research.profile.company) and is_complete:
        own = research.model_copy(update={"found_by": run.run_id, "found_at": datetime.now(UTC)})
        await run.research_cache.put(_key(run, research.profile.company), own)


def unread_pages(site: Site, cached: Research, counterpart: str) -> tuple[str, ...]:
    """Return the URLs of pages that name the other company of this deal and that the earlier run did not read."""
    read = {page.url for page in cached.pages} | {failure.url for failure in cached.failures}
    return tuple(url for url in naming(site, counterpart) if url not in read)[:MAX_UNREAD]


def _is_cacheable(run: Run, company: Company) -> bool:
    return company.traits.serves_other_deals and run.capacity.caches_research


def _key(run: Run, company: Company) -> str:
    """Return a digest of everything that the research depends on.

    The digest does not include the prospect, because the research on a vendor does not depend on the prospect.
    """
    versions = [f"{name}@{prompts.load(name).version}" for name in prompts.names()]
    request = run.request
    parts = (
        __version__,
        company.role,
        company.url,
        *company.beyond.sisters,
        run.identity,
        request.language,
        run.max_pages,
        request.context,
        run.specialists_per_ask,
        *versions,
    )
    return f"{RESEARCH}{sha256(repr(parts).encode()).hexdigest()}"
