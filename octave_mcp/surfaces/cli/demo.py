"""The command `demo`, which replays a recorded playbook for the two invented companies in the package."""

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
# The sender is invented, like the companies, because the settings may have the name of a real person.
SENDER = {"name": "Nell Marchetti", "company": "Wrenhaul", "title": "Account Executive", "sign_off": "Best,"}


def demo(
    *,
    open_page: Annotated[
        bool, Parameter(name="--open", negative=(), help="Open the playbook in the web browser when it is done")
    ] = False,
    output: DeliveryOptions = PLAIN,
) -> int:
    """Write a sample playbook for two invented companies in seconds, without network access or an API key."""
    code = make(lambda on_event: _make(output, on_event), output, default=FOLDER)
    if code in {DONE, PARTIAL}:
        _open((output.out or Path(FOLDER)) / "playbook.html", open_page, output)
    return code


async def _make(output: DeliveryOptions, on_event: OnEvent) -> EndedRun:
    """Replay the recording; if that fails, run the extractive model."""
    # Whatever the user has configured, the demo must not ask another model or fetch from elsewhere.
    settings = load(source="crawler", verify_model="", fallback=())
    configure_logs(settings, output)
    async with serve_demo_by_name() as companies:
        arguments = {"vendor_domain": companies.vendor, "prospect_domain": companies.prospect}
        # The cache is not used, because the demo's sites may have changed with the release.
        arguments |= {"refresh": True, "sender": SENDER}

        async def run_with(model: str) -> EndedRun:
            chosen = arguments | {"model": model}
            return await run(settings, chosen, on_event, output, served=companies.served, pages=True)

        replayed = await _replay(run_with)
        if isinstance(replayed, EndedRun):
            return replayed
        if not output.quiet:
            sys.stderr.write(f"the demo's recording cannot be replayed: {replayed}; using extractive instead\n")
        return await run_with("extractive")


async def _replay(run_with: Callable[[str], Coroutine[None, None, EndedRun]]) -> EndedRun | str:
    """Return the replayed run, or the reason why it cannot be replayed: the recording is missing, damaged or stale."""
    try:
        ended = await run_with("recorded")
    except OctaveError as failed:
        if isinstance(failed, InputError) or failed.code == STALE:
            return str(failed)
        raise
    error = ended.report.error
    return error.message if error and error.code == STALE else ended


def _open(page: Path, wanted: bool, output: DeliveryOptions) -> None:
    """Open the page if the user asked for that and there is a browser; otherwise print its address."""
    address = page.absolute().as_uri()
    if wanted and webbrowser.open(address):
        output.hint(f"opened in the web browser: {address}")
    elif not output.json:
        echo(f"\nTo read the playbook, open this address in a web browser, or run octave-mcp demo --open:\n  {address}")
