import sys

from octave_mcp.surfaces.cli import main

sys.exit(main())
