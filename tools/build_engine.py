"""Build engines for a graphics card, on any machine.

    python tools/build_engine.py --gpu sm89

The same as ``vjnode engines build``; by default the show's generator and encoder, into engines/.
"""

import argparse
import sys

from vjnode.cli import run_command
from vjnode.cli_engines import add_build


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_build(parser)
    return run_command(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
