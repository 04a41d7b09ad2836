"""``vjnode presets``: list presets, and save, rename, delete and order them."""

import argparse

from vjnode.cli.lists import print_rows
from vjnode.cli.options import (
    WITH_OPTION,
    Number,
    Parser,
    add_generator,
    add_look,
    controls_asked_for,
    read_setting,
)
from vjnode.generators.registry import PLAYABLE

PLACE_HIGH = 9999


def add_presets(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``presets`` to the command line."""
    presets = commands.add_parser("presets", help="list presets, and keep your own")
    presets.set_defaults(command=_list)
    add_generator(presets)
    actions = presets.add_subparsers(metavar="ACTION")

    listing = actions.add_parser("list", help="the same as without ACTION")
    listing.set_defaults(command=_list)
    add_generator(listing)

    saving = actions.add_parser("save", help="keep the look that these options ask for")
    saving.set_defaults(command=_save)
    saving.add_argument("name", metavar="NAME")
    saving.add_argument("--about", default="", help="a line about it, for lists")
    add_look(saving)

    renaming = actions.add_parser("rename", help="give a preset of your own another name")
    renaming.set_defaults(command=_rename)
    renaming.add_argument("old", metavar="OLD")
    renaming.add_argument("new", metavar="NEW")
    add_generator(renaming)

    deleting = actions.add_parser("delete", help="delete a preset of your own")
    deleting.set_defaults(command=_delete)
    deleting.add_argument("name", metavar="NAME")

    moving = actions.add_parser("move", help="put a preset at another place in the list")
    moving.set_defaults(command=_move)
    moving.add_argument("name", metavar="NAME")
    moving.add_argument("number", type=Number(1, PLACE_HIGH, whole=True), metavar="N")
    add_generator(moving)


def _list(options: argparse.Namespace) -> None:
    from vjnode.show.factory import stock  # noqa: PLC0415

    presets = stock(PLAYABLE[options.generator]).presets
    print_rows([(one.name, str(i), one.about) for i, one in enumerate(presets.values(), 1)])


def _save(options: argparse.Namespace) -> None:
    from vjnode.control.own_presets import captured, check_preset_name, save_preset  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    check_preset_name(options.name)
    available = stock(PLAYABLE[options.generator])
    controls = controls_asked_for(options, available)
    on = available.presets.get(controls.choice("preset"))
    named = [*(on.values if on else ()), *(read_setting(text)[0] for text in options.set)]
    named += [name for name in WITH_OPTION if getattr(options, name) is not None]
    before = available.presets.get(options.name)
    about = options.about or (before.about if before else "")
    preset = captured(controls, options.name, about=about, named=named)
    print(save_preset(preset))


def _rename(options: argparse.Namespace) -> None:
    from vjnode.control.own_presets import rename_preset  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    presets = stock(PLAYABLE[options.generator]).presets
    print(rename_preset(options.old, options.new, presets))


def _delete(options: argparse.Namespace) -> None:
    from vjnode.control.own_presets import delete_preset  # noqa: PLC0415

    print(delete_preset(options.name))


def _move(options: argparse.Namespace) -> None:
    from vjnode.control.own_presets import move_preset  # noqa: PLC0415
    from vjnode.show.factory import stock  # noqa: PLC0415

    presets = stock(PLAYABLE[options.generator]).presets
    print(move_preset(options.name, int(options.number), presets))
