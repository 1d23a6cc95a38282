"""The commands `scrape` and `map`, which show what a run would read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.choices import AUTO, SOURCE_HELP
from octave_mcp.errors import InputError, OctaveError, UpstreamError, tree
from octave_mcp.surfaces.cli.terminal import (
    DONE,
    FAILED,
    PARTIAL,
    PLAIN,
    USAGE,
    Output,
    call_tool,
    counted,
    echo,
    table,
)
from octave_mcp.tools.websites import PageAsRead, PagesAsRead, SiteMap

SourceName = Annotated[str, Parameter(help=SOURCE_HELP)]
Refresh = Annotated[bool, Parameter(negative=(), help="Ignore the 24-hour cache: fetch everything again")]


def scrape(
    url: Annotated[str, Parameter(help="URL of a page, e.g. https://posthog.com/pricing")],
    /,
    *urls: Annotated[str, Parameter(help="More URLs")],
    source: SourceName = AUTO,
    refresh: Refresh = False,
    output: Output = PLAIN,
) -> int:
    """Print pages as Markdown, in the form in which a run reads them.

    With --json, prints one JSON object per line. Exits with 4 if some of the pages could not be read.
    """
    answer: PagesAsRead = asyncio.run(call_tool("scrape", output, urls=[url, *urls], source=source, refresh=refresh))
    for page in answer.pages:
        echo(page.model_dump_json() if output.json else _markdown(page))
    return _code([page.code for page in answer.pages if not page.read], len(answer.pages))


def map_site(
    site: Annotated[str, Parameter(help="Domain of a company, e.g. posthog.com")],
    /,
    *,
    source: SourceName = AUTO,
    refresh: Refresh = False,
    output: Output = PLAIN,
) -> int:
    """List the pages of a website, with the kind of each page. A run would choose from these pages."""
    try:
        answer: SiteMap = asyncio.run(call_tool("map_site", output, site=site, source=source, refresh=refresh))
    except OctaveError as failed:
        if output.json:
            echo(json.dumps({"error": {"code": failed.code, "message": str(failed)}}, ensure_ascii=False))
        if output.json and isinstance(failed, UpstreamError):
            return FAILED
        raise
    if output.json:
        echo(answer.model_dump_json())
    else:
        echo(table((address.kind, address.url) for address in answer.addresses) if answer.addresses else "")
        output.hint(f"{counted(len(answer.addresses), 'page')} found on {answer.company}, not counting its home page")
        for failure in answer.failures:
            output.hint(f"could not read {failure.url}: {failure.reason} ({failure.code})")
    return DONE


def _code(failures: Sequence[str | None], pages: int) -> int:
    if len(failures) < pages:
        return PARTIAL if failures else DONE
    return USAGE if {*failures} <= {kind.code for kind in tree(InputError)} else FAILED


def _markdown(page: PageAsRead) -> str:
    if not page.read:
        return f"<!-- could not read {page.url}: {page.reason} ({page.code}) -->\n"
    details = [page.kind, page.language, f"published on {page.published_on}" if page.published_on else None]
    head = f"<!-- {page.final_url}: {page.title} ({', '.join(filter(None, details))}) -->"
    return (
        "\n\n".join(
            filter(
                None, (head, page.text, page.facts and f"<!-- Facts from the HTML head of the page:\n{page.facts}\n-->")
            )
        )
        + "\n"
    )
