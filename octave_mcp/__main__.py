import sys

from octave_mcp.surfaces.cli.main import main

sys.exit(main())
