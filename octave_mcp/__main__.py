"""The command `octave-mcp`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command in sys.argv and return its exit code.

    Importing it takes a second; an interrupt during the import gives no traceback either.
    """
    try:
        from octave_mcp.surfaces.cli.main import main as run  # noqa: PLC0415 - so that an interrupt is caught
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
