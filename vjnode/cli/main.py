"""The command line: its parser, its exit codes, and the signals that end a command."""

import argparse
import signal
import sys
from _thread import interrupt_main
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType

from vjnode import __version__
from vjnode.cli.engines import add_engines
from vjnode.cli.expressions import add_expressions
from vjnode.cli.faces import add_faces
from vjnode.cli.generators import add_generators
from vjnode.cli.lists import add_lists
from vjnode.cli.midi import add_midi
from vjnode.cli.options import Parser
from vjnode.cli.presets import add_presets
from vjnode.cli.run import add_replay, add_run
from vjnode.cli.song import add_analyse, add_render
from vjnode.errors import VjnodeError
from vjnode.runtime import heeded_signals, log_to_stderr
from vjnode.system import windows
from vjnode.system.console import errors_console, replace_unencodable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return the exit code: 0 done, 1 failed, 2 bad request."""
    return run_command(build_parser(), arguments)


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``parser`` parses; print any error, and return the exit code."""
    replace_unencodable()
    log_to_stderr()
    try:
        options = parser.parse_args(arguments)
        with stopped_by_signals():
            options.command(options)
    except VjnodeError as error:
        errors_console().flush()
        print(f"vjnode: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `vjnode faces | head`
        if sys.stderr is not None:  # pythonw.exe has none
            sys.stderr.close()
        return 0
    return 0


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Make SIGTERM and a closed terminal end the program in order, as Ctrl-C does.

    On Windows a closed console is treated like Ctrl-Break.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    before = {
        number: signal.signal(number, leave)
        for number in heeded_signals("SIGTERM", "SIGHUP", "SIGBREAK")
    }
    if sys.platform == "win32":
        interrupt = partial(interrupt_main, signal.SIGBREAK)
        windows.heed_console(broken=interrupt, closed=interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = Parser(
        prog="vjnode", description="Live sound drives the expression of a generated face."
    )
    parser.add_argument("--version", action="version", version=f"vjnode {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_run(commands)
    add_replay(commands)
    add_render(commands)
    add_analyse(commands)
    add_lists(commands)
    add_presets(commands)
    add_expressions(commands)
    add_faces(commands)
    add_midi(commands)
    add_generators(commands)
    add_engines(commands)
    return parser
