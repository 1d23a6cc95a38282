"""The command `octave-mcp`."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command of sys.argv; returns the exit code.

    What it needs takes a second to import: an interrupt ends that, too, without a traceback.
    """
    try:
        from octave_mcp.surfaces.cli.main import main as run  # noqa: PLC0415 - so that an interrupt is caught
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
