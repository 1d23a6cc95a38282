"""The `octave-mcp` command line, which offers the tools to people and scripts."""

from __future__ import annotations

import os
import sys
from signal import SIGINT
from typing import Annotated, Literal

from cyclopts import App, Group, Parameter, validators
from cyclopts.exceptions import CycloptsError, MissingArgumentError

from octave_mcp import __version__
from octave_mcp.concurrency.imports import fast_imports
from octave_mcp.errors import InputError, OctaveError, SetupError
from octave_mcp.surfaces.cli.bench import bench
from octave_mcp.surfaces.cli.check import check
from octave_mcp.surfaces.cli.check_copy import check_copy
from octave_mcp.surfaces.cli.configuration import config
from octave_mcp.surfaces.cli.demo import demo
from octave_mcp.surfaces.cli.doctor import doctor
from octave_mcp.surfaces.cli.empty_arguments import without_empty
from octave_mcp.surfaces.cli.export import export
from octave_mcp.surfaces.cli.generate import generate
from octave_mcp.surfaces.cli.install import install
from octave_mcp.surfaces.cli.logs import logs
from octave_mcp.surfaces.cli.record import record
from octave_mcp.surfaces.cli.refresh import refresh
from octave_mcp.surfaces.cli.revise import revise
from octave_mcp.surfaces.cli.runs import cancel, runs, sessions
from octave_mcp.surfaces.cli.terminal import DONE, FAILED, INTERRUPTED, SETUP, USAGE, print_error
from octave_mcp.surfaces.cli.versions import diff, edit, versions
from octave_mcp.surfaces.cli.websites import map_site, scrape
from octave_mcp.surfaces.shutdown import exit_timer

WAITING_FOR_CLIENT = (
    "octave-mcp is waiting for an MCP client on stdin; press Ctrl-C to stop. MCP clients start octave-mcp "
    "themselves; to configure one, run 'octave-mcp install CLIENT'. For HTTP, run 'octave-mcp serve --transport http'"
)
EXIT_CODES: tuple[tuple[type[OctaveError], int], ...] = ((InputError, USAGE), (SetupError, SETUP))


def _shown_default(value: object) -> str | None:
    """Return a default value for --help, or None to hide a meaningless default such as False."""
    return str(value) if value else None


cli = App(
    name="octave-mcp",
    help="Turn two company websites into a sales playbook that cites its sources.",
    version=__version__,
    default_parameter=Parameter(show_default=_shown_default),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
# The help shows the groups in the order of their sort keys.
PLAYBOOKS, RUNS, EVIDENCE, SERVER, OPTIONS = (
    Group(title, sort_key=position)
    for position, title in enumerate(("Playbooks", "Runs", "Evidence", "Server", "Options"))
)
for group, commands in (
    (PLAYBOOKS, (demo, generate, export, refresh, revise, edit, versions, diff)),
    (RUNS, (runs, sessions, cancel, logs, record)),
    (EVIDENCE, (check, check_copy, scrape)),
    (SERVER, (install, doctor, bench, config)),
):
    for command in commands:
        cli.command(command, group=group)
cli.command(map_site, name="map", group=EVIDENCE)
for flag in ("--help", "--version"):
    cli[flag].group = OPTIONS


@cli.command(group=SERVER)
def serve(
    *,
    transport: Annotated[
        Literal["stdio", "http"],
        Parameter(help="stdio: for an MCP client that starts the server; http: for MCP at /mcp and the HTTP API"),
    ] = "stdio",
    host: Annotated[str | None, Parameter(help="Address to listen on with http; default: OCTAVE_HOST")] = None,
    port: Annotated[
        int | None,
        Parameter(
            help="Port to listen on with http; default: OCTAVE_PORT; 0 picks a free port",
            validator=validators.Number(gte=0, lte=65535),
        ),
    ] = None,
) -> int:
    """Run the server, for MCP clients over stdio or HTTP."""
    flags = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if transport == "http":
        with fast_imports():
            from octave_mcp.surfaces import http  # noqa: PLC0415 - the web framework is for this command alone

        return http.serve(**flags)
    if flags:
        raise InputError("--host and --port can be used only with --transport http")

    with fast_imports():
        from octave_mcp.surfaces.mcp import server as mcp  # noqa: PLC0415 - FastMCP is for this command alone

    if sys.stdin.isatty():  # stdin is a terminal and not a pipe, so a person started the server
        sys.stderr.write(f"{WAITING_FOR_CLIENT}\n")
    return mcp.serve()


def main() -> int:
    """Run the command in sys.argv and return its exit code."""
    code = _run()
    if code == INTERRUPTED:  # exit in time, even if a thread is blocked, for example by a DNS lookup
        exit_timer()(SIGINT)
    return code


def _run() -> int:
    try:
        code = cli(without_empty(cli, sys.argv[1:])) or DONE
        sys.stdout.flush()
    except MissingArgumentError as missing:
        return print_error(f"{_missing_argument(missing)} {_see_help(missing)}", USAGE)
    except CycloptsError as invalid:
        return print_error(f"{str(invalid).strip()} {_see_help(invalid)}", USAGE)
    except OctaveError as failed:
        return print_error(str(failed), next((code for kind, code in EXIT_CODES if isinstance(failed, kind)), FAILED))
    except KeyboardInterrupt:
        return print_error("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The program that reads the output, such as `head`, has closed the pipe. Replace stdout with /dev/null, so that
        # Python does not raise BrokenPipeError again when it flushes stdout on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _see_help(error: CycloptsError) -> str:
    return f"See {' '.join(('octave-mcp', *(error.command_chain or ())))} --help."


def _missing_argument(missing: MissingArgumentError) -> str:
    """Name the missing argument in the same way as the usage line, for example RUN or --model."""
    # If `keyword` is set, cyclopts' message is right: the user gave the option without a value. If the user did not
    # give the option at all, cyclopts' message is wrong, so replace the message.
    if missing.argument is None or missing.keyword or missing.unused_tokens:
        return str(missing).strip()
    if missing.argument.field_info.is_positional:
        return f"Missing argument {missing.argument.field_info.name.upper()}."
    return f"Missing option {missing.argument.name}."
