"""``vjnode expressions``: list them, find actions for a generator, keep one from two pictures."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vjnode.cli.device import add_device, device_of
from vjnode.cli.lists import print_rows
from vjnode.cli.options import Number, Parser, add_generator
from vjnode.cli.vgg import add_vgg, vgg_of
from vjnode.errors import InputError
from vjnode.faces.finding.components import COUNT_HIGH, find_components
from vjnode.generators.registry import DEFAULT, PLAYABLE
from vjnode.paths import config_dir

if TYPE_CHECKING:
    from vjnode.generators.spec import GeneratorSpec

ROUNDS_HIGH = 100_000
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
    _add_adding(actions)


def _add_adding(actions: "argparse._SubParsersAction[Parser]") -> None:
    adding = actions.add_parser(
        "add",
        help="keep an expression from two pictures of one person",
        description="Keep the difference of the style codes of two pictures of one person, neutral "
        "and with the expression, both from the front.",
    )
    adding.set_defaults(command=_add)
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("--neutral", type=Path, required=True, metavar="FILE")
    adding.add_argument("--with", dest="shown", type=Path, required=True, metavar="FILE")
    adding.add_argument("--slots", metavar="A-B,C", help="that it moves, from 0 (default: 4-11)")
    adding.add_argument("--fuse", choices=("add", "multiply"), default="add")
    adding.add_argument(
        "--method",
        choices=("w", "document"),
        default="w",
        help="w: one style code for each; document: codes of all slots from zero, by VGG16 alone",
    )
    rounds = Number(1, ROUNDS_HIGH, whole=True)
    adding.add_argument("--rounds", type=rounds, metavar="N", help="default: 100, or 1000")
    add_vgg(adding)
    add_device(adding)
    adding.add_argument("--dlib", type=Path, metavar="FOLDER", help="of dlib's recognition network")
    adding.add_argument("--about", default="", help="a line about it, for lists")
    add_generator(adding)


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


def _add(options: argparse.Namespace) -> None:
    if (spec := PLAYABLE[options.generator]) is not DEFAULT:
        raise InputError(f"expressions are added to {DEFAULT.name}, not to {spec.name}")
    from vjnode.faces.photo.pair import (  # noqa: PLC0415 - imports torch
        ROUNDS,
        SLOTS_MOVED,
        PairRequest,
        add_expression,
    )

    request = PairRequest(
        options.name,
        options.neutral,
        options.shown,
        SLOTS_MOVED if options.slots is None else _slots(options.slots, spec),
        options.fuse,
        options.method,
        rounds=ROUNDS[options.method] if options.rounds is None else int(options.rounds),
        vgg=vgg_of(options),
        dlib=options.dlib,
        about=options.about,
        device=device_of(options),
    )
    print(add_expression(request))


def _slots(text: str, spec: "GeneratorSpec") -> tuple[int, ...]:
    """Return the slots in a text such as ``4-11,13``.

    Raises:
        InputError: it is none, or a slot is not the generator's.
    """
    found = set[int]()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            found |= set(range(int(first), min(int(last or first), spec.slots) + 1))
    except ValueError:
        found = set()
    if not found or not found <= set(range(spec.slots)):
        raise InputError(f"--slots {text[:32]!r}: take some of 0-{spec.slots - 1}, such as 4-11")
    return tuple(sorted(found))
