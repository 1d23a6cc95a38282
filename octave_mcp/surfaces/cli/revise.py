"""The command `revise`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.domain.choices import AUTO
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.generate import EXIT_CODES, progress_bar, run_to_end
from octave_mcp.surfaces.cli.terminal import (
    FAILED,
    INTERRUPTED,
    PLAIN,
    OnEvent,
    Output,
    RunId,
    call_factory,
    configure_logs,
    invoke,
    open_app,
    print_error,
)
from octave_mcp.surfaces.cli.versions import AtLeastOne, Section
from octave_mcp.tools.reports import SectionReport


def revise(
    run: RunId,
    section: Section,
    /,
    *,
    instruction: Annotated[str, Parameter(help="What the model should change; not used as evidence")],
    model: Annotated[
        str, Parameter(help="Model that writes the new text; auto: the model that wrote the playbook")
    ] = AUTO,
    base_version: Annotated[
        int | None,
        Parameter(
            help="Number of the version that you read; if a newer version exists, the revision is refused",
            validator=AtLeastOne,
        ),
    ] = None,
    output: Output = PLAIN,
) -> int:
    """Let a model rewrite a section of a playbook according to your instruction, and store a new version.

    All other sections stay unchanged.
    """
    arguments = {"run_id": run, "section": section, "instruction": instruction, "model": model}
    try:
        with progress_bar(output) as on_event:
            report = asyncio.run(_revise({**arguments, "base_version": base_version}, on_event, output))
    except KeyboardInterrupt:
        return print_error("interrupted; the revision was cancelled and the playbook is unchanged", INTERRUPTED)
    output.result(report, lambda: report.markdown)
    if report.version:
        output.hint(f"version {report.version} of the playbook of {run} contains the revised {section}")
    if report.error:
        return print_error(report.error.message, EXIT_CODES.get(report.status, FAILED))
    return EXIT_CODES.get(report.status, FAILED)


async def _revise(arguments: dict[str, object], on_event: OnEvent, output: Output) -> SectionReport:
    settings = load()
    configure_logs(settings, output)
    async with open_app(settings) as app:
        report = await run_to_end(app, on_event, lambda _: None, "revise_playbook", **arguments)
        form = "json" if output.json else "markdown"
        return await invoke("get_run", call_factory(app), run_id=report.run_id, format=form)
