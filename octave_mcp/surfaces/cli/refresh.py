"""Update a playbook from its pages, as they are now."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.choices import AUTO, BY_CLIENT
from octave_mcp.errors import InputError
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.generate import ENDS, bar, no_client, to_its_end
from octave_mcp.surfaces.cli.terminal import FAILED, INTERRUPTED, PLAIN, Output, Told, log, opened, refuse
from octave_mcp.tools.reports import RunReport


def refresh(
    run: Annotated[str, Parameter(help="From runs or generate")],
    /,
    *,
    model: Annotated[
        str, Parameter(help="Who writes it; else the run's own model. A different one is asked everything again")
    ] = AUTO,
    max_cost_usd: Annotated[float | None, Parameter(help="The most that models may cost")] = None,
    output: Output = PLAIN,
) -> int:
    """Read all pages of the playbook of RUN again, and write its next version from them.

    Copy that the pages still support stays as it is, and so does what people wrote. If nothing has changed, nothing is
    asked, and there is no new version.
    """
    asked: dict[str, object] = {"run_id": run, "model": model, "max_cost_usd": max_cost_usd}
    try:
        with bar(output) as told:
            report = asyncio.run(_refreshed(asked, told, output))
    except KeyboardInterrupt:
        return refuse("interrupted; the refresh was cancelled, and the playbook is as it was", INTERRUPTED)
    output.result(report, lambda: "" if report.error else report.message)
    if report.error:
        return refuse(report.error.message, ENDS.get(report.status, FAILED))
    output.hint(report.next)
    return ENDS.get(report.status, FAILED)


async def _refreshed(asked: dict[str, object], told: Told, output: Output) -> RunReport:
    settings = load()
    log(settings, output)
    async with opened(settings) as app:
        run = await app.runs.get((await app.runs.get(str(asked["run_id"]))).playbook_of)
        if BY_CLIENT in {asked["model"], run.model if asked["model"] == AUTO else ""}:
            raise InputError(no_client(BY_CLIENT))
        return await to_its_end(app, told, lambda _: None, "refresh_playbook", **asked)
