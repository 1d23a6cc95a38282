"""The command `refresh`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.demo import is_demo_site
from octave_mcp.domain.choices import AUTO, BY_CLIENT
from octave_mcp.errors import InputError
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.generate import EXIT_CODES, MAX_COST_HELP, client_missing, progress_bar, run_to_end
from octave_mcp.surfaces.cli.terminal import (
    FAILED,
    INTERRUPTED,
    PLAIN,
    OnEvent,
    Output,
    RunId,
    configure_logs,
    open_app,
    print_error,
)
from octave_mcp.tools.reports import RunReport


def refresh(
    run: RunId,
    /,
    *,
    model: Annotated[
        str,
        Parameter(
            help="Model that writes the new text; auto: the model that wrote the playbook. "
            "If you choose another model, it rewrites the whole playbook"
        ),
    ] = AUTO,
    max_cost_usd: Annotated[float | None, Parameter(help=MAX_COST_HELP)] = None,
    output: Output = PLAIN,
) -> int:
    """Fetch all pages of a playbook again, and write the playbook's next version.

    Text does not change if the pages still support it or a person wrote it. If nothing has changed, no model is asked
    and no new version is written.
    """
    arguments: dict[str, object] = {"run_id": run, "model": model, "max_cost_usd": max_cost_usd}
    try:
        with progress_bar(output) as on_event:
            report = asyncio.run(_refresh(arguments, on_event, output))
    except KeyboardInterrupt:
        return print_error("interrupted; the refresh was cancelled and the playbook is unchanged", INTERRUPTED)
    output.result(report, lambda: "" if report.error else report.message)
    if report.error:
        return print_error(report.error.message, EXIT_CODES.get(report.status, FAILED))
    output.hint(report.next)
    return EXIT_CODES.get(report.status, FAILED)


async def _refresh(arguments: dict[str, object], on_event: OnEvent, output: Output) -> RunReport:
    settings = load()
    configure_logs(settings, output)
    async with open_app(settings) as app:
        run = await app.runs.get((await app.runs.get(str(arguments["run_id"]))).playbook_of)
        # The demo's domains are invented, so without this check, the error would say that the site is down and advise
        # the user to try again later.
        if any(map(is_demo_site, run.request.companies.values())):
            raise InputError(
                "the demo's playbook cannot be refreshed: its two companies are invented, and their sites are served "
                "only while 'octave-mcp demo' runs. Run the demo again, or generate a playbook for real companies"
            )
        if BY_CLIENT in {arguments["model"], run.model if arguments["model"] == AUTO else ""}:
            raise InputError(client_missing(BY_CLIENT))
        return await run_to_end(app, on_event, lambda _: None, "refresh_playbook", **arguments)
