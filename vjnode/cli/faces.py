"""``vjnode faces``: list faces, draw them on a sheet, and keep faces of your own."""

import argparse
from pathlib import Path

from vjnode.cli.lists import print_rows
from vjnode.cli.options import Number, Parser, add_generator
from vjnode.cli.photo import add_photo, make_of_photo, refuse_without_photo
from vjnode.errors import InputError
from vjnode.generators.registry import PLAYABLE

SEED_HIGH = 2**63 - 1


def add_faces(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``faces`` to the command line."""
    faces = commands.add_parser("faces", help="list faces, draw a sheet, keep your own")
    faces.set_defaults(command=_list)
    add_generator(faces)
    faces.add_argument("--sheet", type=Path, metavar="OUT.png", help="draw all of them at rest")
    faces.add_argument("--face", metavar="NAME", help="on the sheet: this one's expressions")
    actions = faces.add_subparsers(metavar="ACTION")

    adding = actions.add_parser(
        "add", help="keep a face of a photo, a random one, or a latent from elsewhere"
    )
    adding.set_defaults(command=_add)
    adding.add_argument("name", metavar="NAME")
    whence = adding.add_mutually_exclusive_group(required=True)
    seeds = Number(0, SEED_HIGH, whole=True)
    whence.add_argument("--seed", type=seeds, metavar="N", help="of a random face")
    whence.add_argument("--latent", type=Path, metavar="FILE", help=".npy or .safetensors")
    whence.add_argument("--photo", type=Path, metavar="FILE", help="JPEG, PNG, WebP or HEIC")
    add_photo(adding)
    adding.add_argument("--about", default="", help="a line about it, for lists")
    add_generator(adding)

    mixing = actions.add_parser("mix", help="keep a face between two")
    mixing.set_defaults(command=_mix)
    mixing.add_argument("first", metavar="A")
    mixing.add_argument("second", metavar="B")
    mixing.add_argument("share", type=Number(0.0, 1.0), metavar="SHARE", help="of B, 0 to 1")
    mixing.add_argument("--name", required=True, metavar="NAME")
    add_generator(mixing)

    removing = actions.add_parser("remove", help="remove a face of your own")
    removing.set_defaults(command=_remove)
    removing.add_argument("name", metavar="NAME")


def _list(options: argparse.Namespace) -> None:
    spec = PLAYABLE[options.generator]
    if options.sheet is not None:
        from vjnode.offline.sheet import draw_sheet  # noqa: PLC0415 - imports an engine

        draw_sheet(options.sheet, spec, options.face)
        return
    if options.face is not None:
        raise InputError("--face goes with --sheet OUT.png")
    from vjnode.faces.catalogue import face_names, load_face  # noqa: PLC0415

    names = face_names(spec)
    print_rows([(name, str(i), load_face(name, spec).about) for i, name in enumerate(names, 1)])


def _add(options: argparse.Namespace) -> None:
    from vjnode.faces.own import (  # noqa: PLC0415
        TRUNCATION,
        add_face,
        check_name,
        random_code,
        read_codes,
    )

    spec = PLAYABLE[options.generator]
    check_name(options.name)
    if options.photo is not None:
        make_of_photo(options, spec)
        return
    refuse_without_photo(options)
    if options.latent is not None:
        codes, about = read_codes(options.latent, spec), f"from {options.latent.name}"
    else:
        seed = int(options.seed)
        codes, about = random_code(spec, seed, TRUNCATION), f"random, seed {seed}"
    print(add_face(options.name, codes, spec, options.about or about))


def _mix(options: argparse.Namespace) -> None:
    from vjnode.faces.own import add_face, mix_faces  # noqa: PLC0415

    spec = PLAYABLE[options.generator]
    codes = mix_faces(options.first, options.second, options.share, spec)
    about = f"{options.first} and {options.share:g} of {options.second}"
    print(add_face(options.name, codes, spec, about))


def _remove(options: argparse.Namespace) -> None:
    from vjnode.faces.removal import remove_face  # noqa: PLC0415

    remove_face(options.name)
    print(f"removed {options.name}")
