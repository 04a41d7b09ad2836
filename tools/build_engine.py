"""Build engines for a graphics card, on any machine.

    python -m tools.build_engine --gpu sm89

The same as ``vjnode engines build``; by default the show's generator and encoder, into engines/.
"""

import sys

from vjnode.cli.engines import add_build
from vjnode.cli.main import run_command
from vjnode.cli.options import Parser


def main() -> int:
    """Run the command line, and return the exit code."""
    parser = Parser(prog="python -m tools.build_engine", description=__doc__.splitlines()[0])
    add_build(parser)
    return run_command(parser)


if __name__ == "__main__":
    sys.exit(main())
