"""``vjnode faces add NAME --photo FILE``: its options, and what it says."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vjnode.cli.device import add_device, device_of
from vjnode.cli.options import Number, Parser
from vjnode.cli.photo_rounds import codes_rounds_of, rounds_of
from vjnode.cli.vgg import add_vgg, vgg_of
from vjnode.errors import InputError
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec
from vjnode.paths import check_writable

if TYPE_CHECKING:
    from vjnode.faces.photo.making import Made, Request
    from vjnode.faces.photo.progress import Watch

SIZES = (256, 512, 1024)
FACES_HIGH = 99

IN_EVERY_SHOW = ("blink", "brows_up")
"""Actions that channels show as they come."""

_WITH_PHOTO = (
    *("second", "face_number", "size", "rounds", "expressions", "vgg", "yes"),
    *("dlib", "resume", "watch", "watch_file", "sheet", "keep_photo", "as_it_is", "method"),
    "device",
)

_NOT_BY_CODES = {
    "size": "a face by codes alone is drawn at every size",
    "expressions": "a face by codes alone has all of them",
    "as_it_is": "nothing is taken out of a face by codes alone",
}
"""Options that do not go with the source document's method, and the reason of each."""


def add_photo(adding: Parser) -> None:
    """Add the options that go with ``--photo``."""
    group = adding.add_argument_group(
        "with --photo",
        "The generator is tuned until it draws the person: minutes on a processor. Use only photos "
        "of people who agreed: neutral, lips closed, from the front, the whole head in the frame, "
        "512 px of it or more.",
    )
    group.add_argument("--second", type=Path, metavar="FILE", help="another photo, to measure by")
    numbers = Number(1, FACES_HIGH, whole=True)
    group.add_argument("--face-number", type=numbers, metavar="N", help="from the left")
    group.add_argument(
        "--size", type=int, choices=SIZES, metavar="256|512|1024", help="px (default: 512)"
    )
    group.add_argument(
        "--method",
        choices=("tuned", "document"),
        help="document: by codes alone, as the source document has it, with --vgg (default: tuned)",
    )
    group.add_argument(
        "--rounds", metavar="A,B,C|N", help="of style code, shapes, all layers; N: of document"
    )
    group.add_argument("--expressions", metavar="all|A,B", help="that it is to have (default: all)")
    add_vgg(group)
    add_device(group)
    group.add_argument("--dlib", type=Path, metavar="FOLDER", help="of dlib's recognition network")
    group.add_argument("--resume", action="store_true", help="go on with what was broken off")
    watch = group.add_mutually_exclusive_group()
    watch.add_argument("--watch", action="store_true", help="a page with the face as it is now")
    watch.add_argument("--watch-file", type=Path, metavar="OUT.png", help="a file of it instead")
    group.add_argument("--sheet", type=Path, metavar="OUT.png", help="default: NAME-sheet.png")
    group.add_argument("--keep-photo", action="store_true", help="in the face's file")
    group.add_argument("--as-it-is", action="store_true", help="a smile is not taken out")


def make_of_photo(options: argparse.Namespace, spec: GeneratorSpec) -> None:
    """Make a face of a photo, and say how it became."""
    if spec is not DEFAULT:
        raise InputError(f"--photo goes with {DEFAULT.name}, not with {spec.name}")
    from vjnode.faces.photo.making import (  # noqa: PLC0415 - imports torch
        Request,
        has_state,
        make_face,
    )
    from vjnode.offline.sheet import draw_sheet  # noqa: PLC0415 - imports an engine

    by_codes = options.method == "document"
    if by_codes:
        _refuse_by_codes(options)
    sheet = options.sheet or Path(f"{options.name}-sheet.png")
    photos = [path for path in (options.photo, options.second) if path is not None]
    _check_png("--sheet", sheet, photos)
    size = SIZES[0] if by_codes else options.size or 512
    request = Request(
        options.name,
        options.photo,
        _expressions(options.expressions, spec),
        size=size,
        rounds=codes_rounds_of(options.rounds) if by_codes else rounds_of(options.rounds, size),
        second=options.second,
        number=None if options.face_number is None else int(options.face_number),
        vgg=vgg_of(options),
        dlib=options.dlib,
        keep_photo=options.keep_photo,
        as_it_is=options.as_it_is,
        about=options.about,
        device=device_of(options),
        method="document" if by_codes else "tuned",
    )
    try:
        with _watch(options, request, photos) as watch:
            made = make_face(request, resume=options.resume, watch=watch)
            if watch is not None:
                watch.made(_verdict(made, request))
    except (KeyboardInterrupt, SystemExit):
        goes_on = "the same command with --resume goes on"
        said = goes_on if has_state(options.name) else "nothing of the face is kept yet"
        print(f"broken off; {said}", file=sys.stderr)
        raise
    draw_sheet(sheet, spec, options.name, photo=made.aligned.picture)
    print(_said(made, request, sheet))


@contextmanager
def _watch(
    options: argparse.Namespace, request: "Request", photos: Sequence[Path]
) -> Iterator["Watch | None"]:
    """Open what shows how a face is made: a page, whose address is told, or a file.

    Raises:
        InputError: see ``_check_png``.
        OutputError: no page can be served.
    """
    if options.watch:
        from vjnode.output.preview.making import MakingPage  # noqa: PLC0415 - imports aiohttp

        with closing(MakingPage(request.name, request.size)) as page:
            print(f"watch it at {page.url}", file=sys.stderr)
            yield page
    elif options.watch_file is not None:
        from vjnode.faces.photo.progress import PngFile  # noqa: PLC0415 - imports torch

        _check_png("--watch-file", options.watch_file, photos)
        yield PngFile(options.watch_file)
    else:
        yield None


def _check_png(option: str, path: Path, photos: Sequence[Path]) -> None:
    """Refuse a file that could not be written minutes later, or is a photo.

    Raises:
        InputError: it is no PNG, cannot be written, or would replace a photo.
    """
    from vjnode.offline.sheet import check_png  # noqa: PLC0415 - imports an engine

    check_png(option, path)
    if any(path.exists() and one.exists() and path.samefile(one) for one in photos):
        raise InputError(f"{option} {path} is a photo, and would be replaced; name another one")
    try:
        check_writable(path)
    except OSError as error:
        raise InputError(
            f"{option} {path} cannot be written ({error.strerror}); name another one"
        ) from error


def refuse_without_photo(options: argparse.Namespace) -> None:
    """Refuse options that only go with ``--photo``.

    Raises:
        InputError: one of them is given.
    """
    for name in _WITH_PHOTO:
        if getattr(options, name):
            raise InputError(f"--{name.replace('_', '-')} goes with --photo FILE")


def _refuse_by_codes(options: argparse.Namespace) -> None:
    """Refuse options that do not go with the source document's method.

    Raises:
        InputError: one of them is given.
    """
    for name, reason in _NOT_BY_CODES.items():
        if getattr(options, name):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} does not go with --method document: {reason}")


def _expressions(asked: str | None, spec: GeneratorSpec) -> list[str]:
    """Return the names of the expressions that a face is to have.

    Raises:
        InputError: there is none of a name.
    """
    from vjnode.faces.catalogue import load_expression  # noqa: PLC0415

    if asked in (None, "all"):
        return whole_expressions(spec)
    names = [name.strip() for name in asked.split(",") if name.strip()]
    if not names:
        raise InputError(f"--expressions {asked!r} names none; take all, or names such as laugh")
    return [load_expression(name, spec).name for name in dict.fromkeys(names)]


def whole_expressions(spec: GeneratorSpec) -> list[str]:
    """Return the names of all expressions and of the actions that every show may add to them."""
    from vjnode.faces.catalogue import action_names, expression_names  # noqa: PLC0415

    actions = action_names(spec)
    shown = [name for name in expression_names(spec) if name not in actions]
    return [*shown, *(name for name in IN_EVERY_SHOW if name in actions)]


def _verdict(made: "Made", request: "Request") -> str:
    """Return how a face became, and what to do about it."""
    from vjnode.faces.photo.figures import advice  # noqa: PLC0415

    if request.method == "document" and made.figures.verdict != "good":
        return f"{made.figures.verdict}: codes alone; without --method document it becomes nearer"
    return f"{made.figures.verdict}: {advice(made.figures, made.aligned.side)}"


def _said(made: "Made", request: "Request", sheet: Path) -> str:
    """Return the figures of a face, for people."""
    from vjnode.faces.photo.making import CONSENT  # noqa: PLC0415

    figures = made.figures
    name, distance = figures.worst
    lines = [
        f"{made.file}, in {made.seconds:.0f} s; look at {sheet}",
        _verdict(made, request),
        f"distance to the photo (0.6 is another person): {figures.rest:.2f} at rest",
    ]
    if name:
        lines[-1] += f", {figures.mean:.2f} with expressions at full, {distance:.2f} with {name}"
    if figures.second is not None:
        lines.append(f"distance to the second photo: {figures.second:.2f} at rest")
    if figures.mouth is not None and figures.around is not None:
        lines.append(
            f"laughing, the mouth opens by {figures.mouth:.2f} eye distances, and what is around "
            f"the face changes by {figures.around:.1f} levels of 255"
        )
    return "\n".join([*lines, CONSENT])
