"""``--vgg``: a file of VGG16, or the one that torchvision publishes, fetched after a question."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vjnode.errors import InputError

if TYPE_CHECKING:
    from argparse import _ActionsContainer

    from vjnode.faces.photo.features import Vgg
    from vjnode.faces.photo.fetching import Published

FETCH = "fetch"
"""Value of ``--vgg`` with which the file is fetched."""


def add_vgg(parser: "_ActionsContainer") -> None:
    """Add the options for VGG16."""
    parser.add_argument(
        "--vgg",
        metavar=f"FILE|{FETCH}",
        help="compare by VGG16: torchvision's checkpoint, or fetch it, 528 MB, once",
    )
    parser.add_argument("--yes", action="store_true", help=f"--vgg {FETCH} without a question")


def vgg_of(options: argparse.Namespace) -> "Vgg | None":
    """Return VGG16 as it is asked for; None: it is not. It is fetched once it is called for.

    Raises:
        InputError: ``--yes`` says nothing.
    """
    if options.vgg == FETCH:
        return partial(_fetched, asks=not options.yes)
    if options.yes:
        raise InputError(f"--yes goes with --vgg {FETCH}")
    return None if options.vgg is None else partial(Path, options.vgg)


def _fetched(*, asks: bool) -> Path:
    """Return the file of VGG16 that is kept, or fetch it. asks: whether it may be, beforehand.

    Raises:
        InputError: it may not be fetched.
        FetchError: it cannot be.
    """
    from vjnode.faces.photo.fetching import VGG16, fetch_vgg, kept_vgg  # noqa: PLC0415

    kept = kept_vgg()
    if kept is not None:
        return kept
    if asks:
        _ask(VGG16)
    try:
        return fetch_vgg()
    except (KeyboardInterrupt, SystemExit):
        print("what was fetched is kept: the same command goes on with it", file=sys.stderr)
        raise


def _ask(published: "Published") -> None:
    """Ask whether a file may be fetched.

    Raises:
        InputError: it may not, or nobody is there to answer.
    """
    said = (
        f"{published.about} has {published.size_mb} MB ({published.url}; licence: "
        f"{published.licence})"
    )
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError(f"{said}; add --yes to fetch it, or name a file of yours: --vgg FILE")
    print(f"{said}.", file=sys.stderr)
    print("Fetch it now? It is done once. [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError("it was not fetched; leave --vgg out, or name a file: --vgg FILE")
