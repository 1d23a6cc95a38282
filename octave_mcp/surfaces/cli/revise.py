"""Have a part of a playbook written again."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter, validators

from octave_mcp.domain.choices import AUTO
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.generate import ENDS, bar, to_its_end
from octave_mcp.surfaces.cli.terminal import (
    FAILED,
    INTERRUPTED,
    PLAIN,
    Output,
    Told,
    called,
    log,
    opened,
    refuse,
    tool,
)
from octave_mcp.tools.reports import SectionReport


def revise(
    run: Annotated[str, Parameter(help="From runs or generate")],
    section: Annotated[str, Parameter(help="Such as trial_plan, or email_sequences.persona-1.touches[2]")],
    /,
    *,
    instruction: Annotated[str, Parameter(help="What to change; never evidence")],
    model: Annotated[str, Parameter(help="Who writes it; else the run's own model")] = AUTO,
    base_version: Annotated[
        int | None,
        Parameter(
            help="The version that you read; if a newer one exists, nothing is changed",
            validator=validators.Number(gte=1),
        ),
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Rewrite SECTION of the playbook of RUN as instructed, as a new version. All else stays."""
    asked = {"run_id": run, "section": section, "instruction": instruction, "model": model}
    try:
        with bar(output) as told:
            report = asyncio.run(_revised({**asked, "base_version": base_version}, told, output))
    except KeyboardInterrupt:
        return refuse("interrupted; the revision was cancelled, and the playbook is as it was", INTERRUPTED)
    output.result(report, lambda: report.markdown)
    if report.version:
        output.hint(f"{section} is revised in version {report.version} of the playbook of {run}")
    if report.error:
        return refuse(report.error.message, ENDS.get(report.status, FAILED))
    return ENDS.get(report.status, FAILED)


async def _revised(asked: dict[str, object], told: Told, output: Output) -> SectionReport:
    settings = load()
    log(settings, output)
    async with opened(settings) as app:
        ended = await to_its_end(app, told, lambda _: None, "revise_playbook", **asked)
        form = "json" if output.json else "markdown"
        return await tool("get_run", called(app), run_id=ended.run_id, format=form)
