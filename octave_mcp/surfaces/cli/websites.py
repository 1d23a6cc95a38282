"""Show what the product reads on a page, and which pages it finds on a site."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.choices import AUTO, SOURCE_HELP
from octave_mcp.errors import InputError, OctaveError, UpstreamError, tree
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, PARTIAL, PLAIN, USAGE, Output, asked, say, table
from octave_mcp.tools.websites import PageAsRead, PagesAsRead, SiteMap

SourceName = Annotated[str, Parameter(help=SOURCE_HELP)]
Refresh = Annotated[bool, Parameter(negative=(), help="Use no page from the cache")]


def scrape(
    url: Annotated[str, Parameter(help="A page, e.g. https://posthog.com/pricing")],
    /,
    *urls: Annotated[str, Parameter(help="Further pages")],
    source: SourceName = AUTO,
    refresh: Refresh = False,
    output: Output = PLAIN,
) -> int:
    """Show pages as a run reads them: as Markdown or, with --json, as one JSON object per line."""
    found: PagesAsRead = asyncio.run(asked("scrape", output, urls=[url, *urls], source=source, refresh=refresh))
    for page in found.pages:
        say(page.model_dump_json() if output.json else _markdown(page))
    return _code([page.code for page in found.pages if not page.read], len(found.pages))


def map_site(
    site: Annotated[str, Parameter(help="A site, e.g. posthog.com")],
    /,
    *,
    source: SourceName = AUTO,
    refresh: Refresh = False,
    output: Output = PLAIN,
) -> int:
    """List the pages that a run on SITE would choose from, with their kinds."""
    try:
        found: SiteMap = asyncio.run(asked("map_site", output, site=site, source=source, refresh=refresh))
    except OctaveError as failed:
        if output.json:
            say(json.dumps({"error": {"code": failed.code, "message": str(failed)}}, ensure_ascii=False))
        if output.json and isinstance(failed, UpstreamError):
            return FAILED
        raise
    if output.json:
        say(found.model_dump_json())
    else:
        say(table((address.kind, address.url) for address in found.addresses) if found.addresses else "")
        output.hint(f"{len(found.addresses)} pages found for {found.company} besides its home page")
        for failure in found.failures:
            output.hint(f"not read: {failure.url}: {failure.reason} ({failure.code})")
    return DONE


def _code(failures: Sequence[str | None], pages: int) -> int:
    """The exit code for pages some of which could not be read, with the code of each failure."""
    if len(failures) < pages:
        return PARTIAL if failures else DONE
    return USAGE if {*failures} <= {kind.code for kind in tree(InputError)} else FAILED


def _markdown(page: PageAsRead) -> str:
    if not page.read:
        return f"<!-- {page.url}: not read: {page.reason} ({page.code}) -->\n"
    about = [page.kind, page.language, f"published on {page.published_on}" if page.published_on else None]
    head = f"<!-- {page.final_url}: {page.title} ({', '.join(filter(None, about))}) -->"
    return "\n\n".join(filter(None, (head, page.text, page.facts and f"<!-- In its head:\n{page.facts}\n-->"))) + "\n"
