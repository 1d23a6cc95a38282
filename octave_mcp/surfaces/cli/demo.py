"""A playbook for the two invented companies that come with the package, as a language model once wrote it."""

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
from octave_mcp.surfaces.cli.generate import Deliver, Made, make, run
from octave_mcp.surfaces.cli.terminal import DONE, PARTIAL, Told, log, say

FOLDER = "demo-playbook"
STALE = "stale_recording"
PLAIN = Deliver()
# Who signs the e-mails: invented, as the companies are.
REP = {"name": "Nell Marchetti", "company": "Wrenhaul", "title": "Account Executive", "sign_off": "Best,"}


def demo(
    *,
    open_page: Annotated[
        bool, Parameter(name="--open", negative=(), help="Then open the playbook in the web browser")
    ] = False,
    output: Deliver = PLAIN,
) -> int:
    """Write a playbook for two invented companies, without network or key, in seconds."""
    code = make(lambda told: _made(output, told), output, default=FOLDER)
    if code in {DONE, PARTIAL}:
        _open((output.out or Path(FOLDER)) / "playbook.html", open_page, output)
    return code


async def _made(output: Deliver, told: Told) -> Made:
    """By the recording; if that cannot be replayed, by rules.

    The user's settings must not make it ask another model or read from elsewhere. The sites are read again each time,
    since they may have changed with the release.
    """
    settings = load(source="crawler", verify_model="", fallback=())
    log(settings, output)
    async with serve_demo_by_name() as companies:
        asked = {"vendor_domain": companies.vendor, "prospect_domain": companies.prospect}
        asked |= {"refresh": True, "sender": REP}

        async def by(model: str) -> Made:
            return await run(settings, asked | {"model": model}, told, output, served=companies.served, pages=True)

        made = await _replayed(by)
        if isinstance(made, Made):
            return made
        if not output.quiet:
            sys.stderr.write(f"the recording of the demo cannot be replayed: {made}; running extractive instead\n")
        return await by("extractive")


async def _replayed(by: Callable[[str], Coroutine[None, None, Made]]) -> Made | str:
    """What the replay made, or why there is none: the recording is missing, damaged or stale."""
    try:
        made = await by("recorded")
    except OctaveError as failed:
        if isinstance(failed, InputError) or failed.code == STALE:
            return str(failed)
        raise
    error = made.report.error
    return error.message if error and error.code == STALE else made


def _open(page: Path, wanted: bool, output: Deliver) -> None:
    """Opens the page if that is wanted and there is a browser; else says how."""
    address = page.absolute().as_uri()
    if wanted and webbrowser.open(address):
        output.hint(f"opened in the web browser: {address}")
    elif not output.json:
        say(f"\nTo read it, open this in a web browser, or run octave-mcp demo --open:\n  {address}")
