"""``vjnode expressions``: list expressions, and find actions for a generator."""

import argparse
from pathlib import Path

from vjnode.cli.lists import print_rows
from vjnode.cli.options import Number, Parser, add_generator
from vjnode.errors import InputError
from vjnode.faces.finding.components import COUNT_HIGH, find_components
from vjnode.generators.registry import PLAYABLE
from vjnode.paths import config_dir

FACES, FACES_LOW, FACES_HIGH = 14, 2, 200
SEED_HIGH = 2**31 - 1


def add_expressions(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``expressions`` to the command line."""
    expressions = commands.add_parser("expressions", help="list expressions, find actions")
    expressions.set_defaults(command=_list)
    add_generator(expressions)
    actions = expressions.add_subparsers(metavar="ACTION")
    finding = actions.add_parser(
        "find",
        help="find actions for a generator of faces, or components of any",
        description="Find what moves the faces of a generator (jaw, smile, blink …), and keep it "
        "with a contact sheet of each, beside your presets. Minutes on a processor; a search that "
        "is broken off goes on when it is started again.",
    )
    finding.set_defaults(command=_find)
    add_generator(finding)
    finding.add_argument(
        "--actions", metavar="A,B", help="default: all of a face, but for poses of the head"
    )
    finding.add_argument(
        "--components",
        type=Number(1, COUNT_HIGH, whole=True),
        metavar="N",
        help="instead of actions: so many principal components of its style codes, for a "
        "generator of whatever; each becomes an expression, in seconds",
    )
    finding.add_argument(
        "--faces",
        type=Number(FACES_LOW, FACES_HIGH, whole=True),
        default=FACES,
        metavar="N",
        help="random faces to find them on (default: %(default)s)",
    )
    seeds = Number(0, SEED_HIGH, whole=True)
    finding.add_argument("--seed", type=seeds, default=0, metavar="N", help="of the faces")
    finding.add_argument("--out", type=Path, metavar="FOLDER", help="instead of your own folder")


def _list(options: argparse.Namespace) -> None:
    from vjnode.faces.catalogue import expression_names, load_expression  # noqa: PLC0415

    spec = PLAYABLE[options.generator]
    names = expression_names(spec)
    print_rows(
        [(name, str(i), load_expression(name, spec).about) for i, name in enumerate(names, 1)]
    )


def _find(options: argparse.Namespace) -> None:
    out = options.out or config_dir()
    if options.components is not None:
        if options.actions is not None:
            raise InputError("--components goes without --actions; ask for one of them")
        spec = PLAYABLE[options.generator]
        find_components(spec, int(options.components), int(options.seed), out, print)
        return
    from vjnode.faces.finding.any_generator import (  # noqa: PLC0415 - imports torch
        FINDABLE,
        Request,
        find_actions,
    )

    asked = FINDABLE if options.actions is None else options.actions.split(",")
    names = tuple(dict.fromkeys(name.strip() for name in asked))
    if unknown := [name for name in names if name not in FINDABLE]:
        raise InputError(
            f"--actions: {unknown[0][:32]!r} cannot be found; there are: {', '.join(FINDABLE)}"
        )
    request = Request(
        PLAYABLE[options.generator], names, int(options.seed), int(options.faces), out
    )
    find_actions(request, print)
