"""``vjnode engines``: build, list, admit and remove engines."""

import argparse
import json
import sys
from pathlib import Path

from vjnode.cli.options import Number, Parser, add_generator, size_asked_for
from vjnode.engines.build.store import engine_files, engines_dir, examine, find, remove, trust
from vjnode.engines.build.tensorrt import build
from vjnode.engines.build.tensorrt_variants import FLAVOURS, resolve_gpu
from vjnode.engines.cuda.capability import KNOWN, gpu_here, with_cards
from vjnode.engines.encoder import survey_encoder
from vjnode.engines.networks import NETWORKS, PRECISIONS, SHOW, Network, find_network
from vjnode.engines.registry import Verdict, survey
from vjnode.generators.registry import PLAYABLE
from vjnode.output.delivery import SIZE_HIGH, SIZE_LOW
from vjnode.remedies import run_vjnode

DEFAULT_SIZE = 1024


def add_engines(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Add ``engines`` and its subcommands to the command line."""
    engines = commands.add_parser("engines", help="list, build, trust and remove engines")
    actions = engines.add_subparsers(required=True, metavar="ACTION")

    listing = actions.add_parser(
        "list",
        help="what can draw here and how fast, and which engines are there",
        description="Try everything that could draw a show here, say how fast it is or why it "
        "cannot and what would hear, and list the engines that were built.",
    )
    listing.set_defaults(command=_list)
    listing.add_argument(
        "--size",
        type=Number(SIZE_LOW, SIZE_HIGH, "px", whole=True),
        metavar="PX",
        help="of the pictures that are drawn (default: the generator's largest)",
    )
    add_generator(listing)
    _add_folder(listing)

    building = actions.add_parser("build", help="build engines for a graphics card")
    add_build(building)

    trusting = actions.add_parser(
        "trust",
        help="admit an engine that was built elsewhere",
        description="Admit an engine that was built elsewhere. To run an engine is to run its "
        "maker's program: do this only for engines from people whose programs you would run.",
    )
    trusting.set_defaults(command=_trust)
    trusting.add_argument("names", nargs="+", metavar="ENGINE")
    _add_folder(trusting)

    removing = actions.add_parser("remove", help="delete engines")
    removing.set_defaults(command=_remove)
    removing.add_argument("names", nargs="+", metavar="ENGINE")
    _add_folder(removing)


def add_build(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``engines build``."""
    parser.set_defaults(command=_build)
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME",
        help=f"repeatable: {', '.join(NETWORKS)} (default: what a show loads: {' '.join(SHOW)})",
    )
    parser.add_argument(
        "--gpu",
        action="append",
        metavar="GPU",
        help=f"repeatable: {', '.join(KNOWN)}, or this for the card that is here (default: this)",
    )
    parser.add_argument(
        "--size",
        type=Number(SIZE_LOW, SIZE_HIGH, "px", whole=True),
        default=DEFAULT_SIZE,
        metavar="PX",
        help="of the picture (default: %(default)s)",
    )
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="fp16", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--flavour", choices=FLAVOURS, help="which TensorRT (default: the one that fits the card)"
    )
    _add_folder(parser, "--out")


def _add_folder(parser: argparse.ArgumentParser, flag: str = "--dir") -> None:
    parser.add_argument(
        flag,
        dest="folder",
        type=Path,
        metavar="DIR",
        help="folder of the engines (default: engines/)",
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON, for machines")


def _build(options: argparse.Namespace) -> None:
    folder = options.folder or engines_dir()
    flavour = FLAVOURS[options.flavour] if options.flavour else None
    networks = [find_network(name) for name in options.model or SHOW]
    gpus = [resolve_gpu(name) for name in options.gpu or ("this",)]
    built = []
    for gpu in gpus:
        for network in networks:
            size = _size(network, options.size)
            try:
                path = build(network, size, options.precision, gpu, folder, flavour=flavour)
            except (KeyboardInterrupt, SystemExit):
                note = f"vjnode: interrupted; no engine of {network.name} was written"
                print(note, file=sys.stderr)
                raise
            built.append(path)
            if not options.json:
                shown = _loaded_by(network)
                megabytes = path.stat().st_size / 1e6
                _say(f"built {path} ({megabytes:.1f} MB) for {with_cards(gpu)}; {shown}")
    if options.json:
        _say(json.dumps([_about(path) for path in built], indent=1))


def _loaded_by(network: Network) -> str:
    """Return which show loads a network's engine."""
    if network.name in SHOW:
        return "a show loads it"
    if network.name in PLAYABLE:
        return f"a show with --generator {network.name} loads it"
    return "no show loads it"


def _size(network: Network, asked: int) -> int:
    """Return the picture size to build a network for; 0 if it makes no pictures."""
    return 0 if network.sizes == (0,) else asked


def _list(options: argparse.Namespace) -> None:
    folder = options.folder or engines_dir()
    rows = [_about(path) for path in engine_files(folder)]
    px = size_asked_for(options)
    verdicts = survey(px, spec=PLAYABLE[options.generator])
    taken = next((verdict for verdict in verdicts if verdict.usable), None)
    hearing = survey_encoder()
    if options.json:
        runtimes = [_drawing(verdict) | {"taken": verdict is taken} for verdict in verdicts]
        about = {"folder": str(folder), "gpu": gpu_here(), "size": px}
        found = {"runtimes": runtimes, "encoder": hearing.report(), "engines": rows}
        _say(json.dumps(about | found, indent=1))
        return
    _say(f"what can draw {px} px here; a show takes the first that can (*):")
    for verdict in verdicts:
        ms = "" if verdict.ms is None else f"{verdict.ms:.3g} ms"
        mark = "*" if verdict is taken else " "
        result = f"{ms:>8}  {verdict.engine}" if verdict.usable else verdict.reason
        _say(f"{mark} {verdict.name:12}  {result}")
    _say(f"a show hears with {hearing}")
    _say("")
    if not rows:
        build_them = run_vjnode("engines", "build")
        _say(f"there are no engines in {folder}; build them with: {build_them}")
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        bytes_ = row["engine_bytes"]
        size = f"{bytes_ / 1e6:5.1f} MB" if isinstance(bytes_, int) else " " * 8
        named = f"{row['name']:{width}}  {size}  "
        if row["usable"]:
            _say(f"{named}can run here")
        elif row["elsewhere"]:
            _say(f"{named}for another GPU: {row['reason']}")
        else:
            _say(f"{named}refused\n  {row['reason']}")


def _drawing(verdict: Verdict) -> dict[str, object]:
    """Return the JSON entry of a runtime."""
    return {
        "name": verdict.name,
        "usable": verdict.usable,
        "engine": verdict.engine or None,
        "ms": verdict.ms,
        "reason": verdict.reason or None,
    }


def _about(path: Path) -> dict[str, object]:
    """Return the JSON entry of an engine file."""
    examined = examine(path)
    known = ("network", "size", "precision", "gpu", "flavour", "version", "os", "engine_bytes")
    fields = {name: getattr(examined.manifest, name, None) for name in known}
    return {
        "name": path.name,
        "path": str(path),
        **fields,
        "usable": not examined.reason,
        "elsewhere": examined.elsewhere,
        "reason": examined.reason or None,
    }


def _trust(options: argparse.Namespace) -> None:
    folder = options.folder or engines_dir()
    paths = [find(folder, name) for name in options.names]
    for path in paths:
        trust(path)
        if not options.json:
            _say(f"{path.name} is admitted: it may now do here whatever its maker meant it to")
    if options.json:
        _say(json.dumps([_about(path) for path in paths], indent=1))


def _remove(options: argparse.Namespace) -> None:
    folder = options.folder or engines_dir()
    paths = [find(folder, name) for name in options.names]
    for path in paths:
        remove(path)
        if not options.json:
            _say(f"removed {path.name}")
    if options.json:
        _say(json.dumps([{"name": path.name, "removed": True} for path in paths], indent=1))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
