"""Time vjnode's engines beside the alternatives to them, on this machine.

    python -m tools.bench.engines [--model NAME …] [--size PX …] [--only TEXT] [--seconds 5]
                                  [--threads N] [--json FILE] [--markdown FILE]

All contenders for the same picture are loaded at once, each in a process of its own, and take
turns, so that other load on the machine affects all alike. A frame is timed from style codes in
memory to the picture in memory; overlapped, several are drawn at once, as in a sweep, and the time
that each adds is given. Memory is the increase in the process (or on the card).

Contenders that cannot run here are listed with the reason.
"""

import argparse
import json
import os
import platform
import statistics
import sys
from dataclasses import asdict
from pathlib import Path

from tools.bench.contenders import contenders
from tools.bench.runner import Result, Runner, ask_card
from vjnode.engines.cuda.capability import gpu_here, with_cards
from vjnode.engines.networks import NETWORKS

ROUNDS = 5
"""Number of turns of each contender."""


def bench(model: str, size: int, options: argparse.Namespace) -> list[Result]:
    """Run all contenders of one model and size in turns."""
    runners = []
    for contender in contenders(model, size, options.threads):
        if options.only is None or contender.peer or options.only in contender.name:
            print(f"  loading {contender.name}", file=sys.stderr)
            runners.append(Runner(contender, model, size, options.threads))
    for _ in range(ROUNDS):
        for runner in runners:
            runner.turn(options.seconds / ROUNDS)
    results = [runner.end() for runner in runners]
    first = next((one for one in results if one.peer and not one.reason), None)
    for one in results:
        if first is not None and not one.reason:
            one.ratio = ratio(one.rounds_ms, first)
            if one.overlapped_rounds_ms:
                one.overlapped_ratio = ratio(one.overlapped_rounds_ms, first)
    return results


def ratio(rounds_ms: list[float], peer: Result) -> float:
    """Return the median ratio of the times of turns to the peer's in the same rounds."""
    return statistics.median(a / b for a, b in zip(rounds_ms, peer.rounds_ms, strict=True))


def table(results: list[Result]) -> str:
    """Return the results of one model and size as a table in Markdown."""
    about = NETWORKS[results[0].model].about
    px = f", {results[0].size} × {results[0].size} px" if results[0].size else ""
    compared = next((one.name for one in results if one.peer and not one.reason), "")
    rows = [
        f"### {about}{px}",
        "",
        "| | p50, ms | p99, ms | ratio | overlapped, ms | ratio | load, s | first, ms | RSS, MiB "
        "| card, MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in (one for one in results if not one.reason):
        cells = (
            shown(one.p50_ms),
            shown(one.p99_ms),
            times(one.ratio),
            "" if one.overlapped_ms is None else shown(one.overlapped_ms),
            times(one.overlapped_ratio),
            f"{one.load_ms / 1e3:.2f}",
            shown(one.first_ms),
            "" if one.memory_mib is None else f"{one.memory_mib:.0f}",
            "" if one.card_mib is None else f"{one.card_mib:.0f}",
        )
        rows.append(f"| {'peer: ' if one.peer else ''}{one.name} | {' | '.join(cells)} |")
    rows += ["", f"Ratios are to {compared}." if compared else "There is nothing to compare with."]
    rows += [f"Not run: {one.contender}: {one.reason}." for one in results if one.reason]
    return "\n".join(rows) + "\n"


def times(value: float | None) -> str:
    """Return a ratio as text; empty if there is none."""
    return "" if value is None else f"{shown(value)} ×"


def shown(value: float) -> str:
    """Return a value as text with three digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """Return a description of this machine."""
    gpu = gpu_here()
    card = f"{ask_card('name') or 'a card'}, {with_cards(gpu)}" if gpu else "no CUDA card"
    cores = f"{os.cpu_count()} cores, {platform.machine()}"
    return f"{card}; {cores}; {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Run the benchmarks asked for, and print their tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.engines", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--model", action="append", choices=NETWORKS, help="repeatable")
    parser.add_argument(
        "--size", action="append", type=int, help="repeatable; default: the largest"
    )
    parser.add_argument("--only", metavar="TEXT", help="peers, and what has TEXT in its name")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each contender")
    parser.add_argument("--threads", type=int, help="on the processor; default: all cores")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    results, text = [], f"{machine()}\n"
    print(text)
    for model in options.model or NETWORKS:
        has = NETWORKS[model].sizes
        asked = [size for size in options.size or [max(has)] if size in has]
        for size in [0] if has == (0,) else asked:
            found = bench(model, size, options)
            results += found
            print(table(found))
            text += "\n" + table(found)
            # After each table, because a machine may not survive to the end of a long run.
            if options.json:
                about = {"machine": machine(), "results": [asdict(one) for one in results]}
                options.json.write_text(json.dumps(about, indent=1))
            if options.markdown:
                options.markdown.write_text(text)


if __name__ == "__main__":
    main()
