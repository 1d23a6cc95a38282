"""Entry point of the `octave-mcp` command."""

from __future__ import annotations

import sys

from octave_mcp.concurrency.imports import fast_imports


def main() -> int:
    """Run the command in `sys.argv` and return its exit code."""
    try:
        # The import can take over a second. It is inside `try`, so that Ctrl-C during the import prints no traceback.
        with fast_imports():
            from octave_mcp.surfaces.cli.main import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
