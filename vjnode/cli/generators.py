"""``vjnode generators``: add checkpoints of your own, list them, look at them, remove them."""

import argparse
from pathlib import Path

from vjnode.cli.lists import print_rows
from vjnode.cli.options import Number, Parser
from vjnode.generators.registry import LEFT_OUT, PLAYABLE, SHIPPED
from vjnode.remedies import run_vjnode

CLASS_HIGH = 9999
SEED_HIGH, COUNT, COUNT_HIGH = 2**31 - 1, 24, 120


def add_generators(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``generators`` to the command line."""
    generators = commands.add_parser("generators", help="list generators, add your own")
    generators.set_defaults(command=_list)
    actions = generators.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="list them").set_defaults(command=_list)

    adding = actions.add_parser(
        "add",
        help="add a StyleGAN2 or 3 that you have trained",
        description="Add a StyleGAN2 or StyleGAN3: a .pkl of NVIDIA's PyTorch programs, a .pt of "
        "rosinality's, or vjnode's own .safetensors. Nothing in the file is run. It gets faces "
        "from random numbers, and expressions from its principal components.",
    )
    adding.set_defaults(command=_add)
    adding.add_argument("file", type=Path, metavar="FILE")
    adding.add_argument("--name", required=True, metavar="NAME", help="as --generator takes it")
    adding.add_argument("--about", default="", help="a line about it, for lists")
    adding.add_argument(
        "--class",
        dest="label",
        type=Number(0, CLASS_HIGH, whole=True),
        metavar="N",
        help="what to draw, of a network that was trained with labels",
    )

    removing = actions.add_parser("remove", help="remove one of your own, faces and all")
    removing.set_defaults(command=_remove)
    removing.add_argument("name", metavar="NAME")

    looking = actions.add_parser("look", help="draw a sheet of random pictures")
    looking.set_defaults(command=_look)
    looking.add_argument("name", choices=list(PLAYABLE), metavar="NAME")
    looking.add_argument("--out", type=Path, metavar="OUT.png", help="default: NAME.png")
    seeds = Number(0, SEED_HIGH, whole=True)
    looking.add_argument("--seed", type=seeds, default=0, metavar="N", help="of the first")
    looking.add_argument(
        "--count",
        type=Number(1, COUNT_HIGH, whole=True),
        default=COUNT,
        metavar="N",
        help="of pictures (default: %(default)s)",
    )


def _list(options: argparse.Namespace) -> None:
    del options
    rows = [
        (name, f"{spec.sizes[0]} px", "" if name in SHIPPED else "your own", spec.about)
        for name, spec in PLAYABLE.items()
    ]
    print_rows(rows)
    for reason in LEFT_OUT:
        print(f"left out: {reason}")


def _add(options: argparse.Namespace) -> None:
    from vjnode.faces.first_looks import FACES, give_looks, preset_of  # noqa: PLC0415
    from vjnode.generators.adding import add_generator  # noqa: PLC0415

    label = None if options.label is None else int(options.label)
    spec, notes = add_generator(options.file, options.name, options.about, label)
    for note in notes:
        print(note)
    print(f"added {spec.name}: {spec.about}, {spec.slots} style codes of {spec.dim}")
    give_looks(spec)
    print(f"it has {FACES} faces, expressions and a preset; see random pictures of it, and play:")
    print(run_vjnode("generators", "look", spec.name))
    print(run_vjnode("run", "--generator", spec.name, "--preset", preset_of(spec.name)))


def _remove(options: argparse.Namespace) -> None:
    from vjnode.faces.first_looks import remove_looks  # noqa: PLC0415
    from vjnode.generators.adding import check_own, remove_generator  # noqa: PLC0415

    check_own(options.name)
    count = remove_looks(options.name)
    remove_generator(options.name)
    print(f"removed {options.name}, and {count} faces, expressions, actions and presets of it")


def _look(options: argparse.Namespace) -> None:
    from vjnode.offline.sheet import draw_seeds  # noqa: PLC0415 - imports an engine

    out = options.out or Path(f"{options.name}.png")
    first, count = int(options.seed), int(options.count)
    draw_seeds(out, PLAYABLE[options.name], range(first, first + count))
    print(out)
