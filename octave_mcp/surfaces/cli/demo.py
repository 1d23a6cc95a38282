"""The command `demo`, which writes a sample playbook for two invented companies from recorded answers."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from octave_mcp.demo import serve_demo_by_name
from octave_mcp.errors import InputError, OctaveError
from octave_mcp.settings import load
from octave_mcp.surfaces.cli.generate import DeliveryOptions, EndedRun, make, run
from octave_mcp.surfaces.cli.terminal import DONE, PARTIAL, OnEvent, configure_logs, echo

FOLDER = "demo-playbook"
STALE = "stale_recording"
PLAIN = DeliveryOptions()
# Use an invented sender for the invented companies, because the settings can contain the name of a real person.
SENDER = {"name": "Nell Marchetti", "company": "Wrenhaul", "title": "Account Executive", "sign_off": "Best,"}


def demo(
    *,
    open_page: Annotated[
        bool, Parameter(name="--open", negative=(), help="Open the finished playbook in the web browser")
    ] = False,
    output: DeliveryOptions = PLAIN,
) -> int:
    """Write a sample playbook for two invented companies in seconds, without network access or an API key."""
    code = make(lambda on_event: _make(output, on_event), output, default=FOLDER)
    if code in {DONE, PARTIAL}:
        _open((output.out or Path(FOLDER)) / "playbook.html", open_page, output)
    return code


async def _make(output: DeliveryOptions, on_event: OnEvent) -> EndedRun:
    """Replay the recording. If the recording cannot be replayed, write the playbook with the extractive model."""
    # The demo must not ask other models or fetch other sites, even if the user has configured them.
    settings = load(source="crawler", verify_model="", fallback=())
    configure_logs(settings, output)
    async with serve_demo_by_name() as companies:
        arguments = {"vendor_domain": companies.vendor, "prospect_domain": companies.prospect}
        # Do not use the cache, which can contain the demo's pages from an earlier release.
        arguments |= {"refresh": True, "sender": SENDER}

        async def run_with(model: str) -> EndedRun:
            chosen = arguments | {"model": model}
            return await run(settings, chosen, on_event, output, served=companies.served, pages=True)

        replayed = await _replay(run_with)
        if isinstance(replayed, EndedRun):
            return replayed
        if not output.quiet:
            sys.stderr.write(
                f"the demo's recording cannot be replayed: {replayed}; using the extractive model instead\n"
            )
        return await run_with("extractive")


async def _replay(run_with: Callable[[str], Coroutine[None, None, EndedRun]]) -> EndedRun | str:
    """Return the replayed run, or the reason why the recording cannot be replayed."""
    try:
        ended = await run_with("recorded")
    except OctaveError as failed:
        if isinstance(failed, InputError) or failed.code == STALE:
            return str(failed)
        raise
    error = ended.report.error
    return error.message if error and error.code == STALE else ended


def _open(page: Path, wanted: bool, output: DeliveryOptions) -> None:
    """Open the page in a browser if the user asked for that.

    If the page was not opened, print its address.
    """
    address = page.absolute().as_uri()
    if wanted and webbrowser.open(address):
        output.hint(f"opened in the web browser: {address}")
    elif not output.json:
        echo(f"\nTo read the playbook, open this address in a web browser, or run octave-mcp demo --open:\n  {address}")
