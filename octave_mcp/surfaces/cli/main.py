"""The command line: the same tools for people and scripts. Results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from signal import SIGINT
from typing import Annotated, Literal

from cyclopts import App, Parameter, validators
from cyclopts.exceptions import CycloptsError, MissingArgumentError

from octave_mcp import __version__
from octave_mcp.errors import InputError, OctaveError, SetupError
from octave_mcp.surfaces.cli.check import check
from octave_mcp.surfaces.cli.check_copy import check_copy
from octave_mcp.surfaces.cli.configuration import config
from octave_mcp.surfaces.cli.demo import demo
from octave_mcp.surfaces.cli.doctor import doctor
from octave_mcp.surfaces.cli.empty import without_empty
from octave_mcp.surfaces.cli.export import export
from octave_mcp.surfaces.cli.generate import generate
from octave_mcp.surfaces.cli.install import install
from octave_mcp.surfaces.cli.record import record
from octave_mcp.surfaces.cli.refresh import refresh
from octave_mcp.surfaces.cli.revise import revise
from octave_mcp.surfaces.cli.runs import cancel, runs, sessions
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, INTERRUPTED, SETUP, USAGE, refuse
from octave_mcp.surfaces.cli.versions import diff, edit, versions
from octave_mcp.surfaces.cli.websites import map_site, scrape
from octave_mcp.surfaces.ending import exit_timer

CODES: tuple[tuple[type[OctaveError], int], ...] = ((InputError, USAGE), (SetupError, SETUP))
cli = App(
    name="octave-mcp",
    help="Two company websites in, a sourced sales playbook out.",
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
for command in (
    generate, demo, runs, sessions, export, revise, refresh, versions, diff, edit, cancel, record, scrape, check,
    check_copy,
    config, doctor, install,
):  # fmt: skip
    cli.command(command)
cli.command(map_site, name="map")


@cli.command
def serve(
    *,
    transport: Annotated[Literal["stdio", "http"], Parameter(help="How clients reach it")] = "stdio",
    host: Annotated[str | None, Parameter(help="The address that http listens on")] = None,
    port: Annotated[
        int | None,
        Parameter(
            help="The port that http listens on; 0 takes a free one", validator=validators.Number(gte=0, lte=65535)
        ),
    ] = None,
) -> int:
    """Serve the tools: over MCP on stdio, or over HTTP with MCP at /mcp."""
    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if transport == "http":
        from octave_mcp.surfaces import http  # noqa: PLC0415 - the web framework is for this command alone

        return http.serve(**flags)
    if flags:
        raise InputError("--host and --port are for --transport http")

    from octave_mcp.surfaces.mcp import server as mcp  # noqa: PLC0415 - FastMCP is for this command alone

    return mcp.serve()


def main() -> int:
    """Runs the command of sys.argv; returns the exit code."""
    code = _run()
    if code == INTERRUPTED:  # the interpreter would wait for threads, such as a DNS lookup
        exit_timer()(SIGINT)
    return code


def _run() -> int:
    try:
        code = cli(without_empty(cli, sys.argv[1:])) or DONE
        sys.stdout.flush()
    except MissingArgumentError as missing:
        return refuse(f"{_what_is_missing(missing)} {_see(missing)}", USAGE)
    except CycloptsError as wrong:
        return refuse(f"{str(wrong).strip()} {_see(wrong)}", USAGE)
    except OctaveError as failed:
        return refuse(str(failed), next((code for kind, code in CODES if isinstance(failed, kind)), FAILED))
    except KeyboardInterrupt:
        return refuse("interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read the result has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _see(wrong: CycloptsError) -> str:
    return f"See {' '.join(('octave-mcp', *(wrong.command_chain or ())))} --help."


def _what_is_missing(missing: MissingArgumentError) -> str:
    """By the names that the usage line has: a place's in capitals, an option's as it stands."""
    place = missing.argument.field_info if missing.argument and missing.argument.field_info.is_positional else None
    if place is None or missing.keyword or missing.unused_tokens:
        return str(missing).strip()
    return f"{place.name.upper()} is missing."
