"""Check an output by a moving test pattern, to be watched in Resolume or TouchDesigner.

    python -m tools.check.output spout|syphon|ndi|… [--seconds 60] [--size 1024] [--fps 60]

The output is written as for ``vjnode run --output``: ``spout:Face,alpha=luma,size=512`` works
too. Prints a list of things to see, and each second the numbers of frames sent and of late ones.
"""

import argparse
import sys
from contextlib import closing
from dataclasses import replace
from fractions import Fraction

from vjnode.errors import OutputError, VjnodeError
from vjnode.output.base import Output, OutputContext, OutputSpec
from vjnode.output.clock import FrameClock, parse_fps, wait_until
from vjnode.output.delivery import Adapter
from vjnode.output.registry import KINDS, open_output, parse_output, unready
from vjnode.output.test_pattern import BARS, SWEEP_S, Pattern
from vjnode.runtime import monotonic_s

WHERE = {
    "spout": """In Resolume: Sources > Spout, drag the sender onto a clip.
In TouchDesigner: a Syphon Spout In TOP, choose the sender.""",
    "syphon": """In Resolume: Sources > Syphon, drag the server onto a clip.
In TouchDesigner: a Syphon Spout In TOP, choose the server.""",
    "ndi": """In Resolume: Sources > NDI, drag the source onto a clip.
In TouchDesigner: an NDI In TOP, choose the source.""",
}

SIGHTS = f"""What should be seen:
  - TOP above, BOTTOM below, and the corners 1 2 above 3 4, nothing mirrored
    (upside down? add ,flip-y and tell us)
  - bars from the left: {", ".join(name for name, _ in BARS)}
    (red and blue exchanged? tell us)
  - a red line along all four edges, and a circle that is round
  - a grey ramp without steps or a tint
  - a white square that crosses the picture in {SWEEP_S:g} s, evenly; a counter that never jumps
  - opaque: a layer below does not show through, unless alpha=luma was asked for: then it does
    where the pattern is dark; or alpha=matte: then it does at the left, and evenly less up to the
    right edge, without a dark or a bright seam; with background= that stands at the left
Then, while this runs: close the receiver's clip and open it again; quit the receiver and start it
again; end this program and start it again. The picture must come back by itself each time."""


def main(arguments: list[str] | None = None) -> int:
    """Run the check, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.output", description=__doc__.splitlines()[0]
    )
    parser.add_argument("output", help="; ".join(kind.usage for kind in KINDS.values()))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", type=int, default=1024, help="px")
    parser.add_argument("--fps", default="60", help="frames/s, such as 29.97")
    options = parser.parse_args(arguments)
    try:
        spec = parse_output(options.output)
        if why := unready(KINDS[spec.kind]):
            raise OutputError(f"{spec.kind} cannot work here: {why}")
        fps = spec.delivery.fps or parse_fps(options.fps)
        check(spec, size=options.size, fps=fps, seconds=options.seconds)
    except VjnodeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("ended")
    return 0


def check(spec: OutputSpec, *, size: int, fps: Fraction, seconds: float) -> None:
    """Send the pattern for ``seconds``.

    Raises:
        VjnodeError: the output cannot be opened, or cannot go on.
    """
    delivery = spec.delivery
    adapter = Adapter(delivery, size)
    context = OutputContext(
        adapter.size, fps, delivery.order, delivery.alpha, premultiplied=delivery.premultiplied
    )
    pattern = Pattern(size, fps)
    adapter.use(pattern.matte)
    with closing(open_output(spec, context)) as output:
        print(f"{spec}: {adapter.size} px, {float(fps):g} frames/s{about(output)}")
        print(WHERE.get(spec.kind, ""), SIGHTS, sep="\n", end="\n\n", flush=True)
        send(output, pattern, adapter, FrameClock(monotonic_s(), fps), seconds)


def send(
    output: Output, pattern: Pattern, adapter: Adapter, clock: FrameClock, seconds: float
) -> None:
    """Send the pattern at the clock's deadlines, and print the counts each second."""
    number, sent, late, longest_s = 0, 0, 0, 0.0
    report_s = clock.epoch_s + 1.0
    while clock.due_s(number) < clock.epoch_s + seconds:
        frame = pattern.frame(number)
        frame = replace(frame, pixels=adapter.adapt(frame.pixels))
        due_s = clock.due_s(number)
        wait_until(due_s)
        began_s = monotonic_s()
        late += began_s - due_s > clock.period_s / 2
        output.send(frame, due_s)
        ended_s = monotonic_s()
        sent, longest_s = sent + 1, max(longest_s, ended_s - began_s)
        number = clock.next_frame(after=number, now_s=ended_s)
        if ended_s >= report_s:
            took = f"longest send {1e3 * longest_s:.1f} ms"
            print(f"{sent} frames/s, {late} late, {took}{about(output)}", flush=True)
            sent, late, longest_s, report_s = 0, 0, 0.0, report_s + 1.0


def about(output: Output) -> str:
    """Return the output's own report, if it has one, as the end of a line."""
    tell = getattr(output, "about", dict)
    return "".join(f", {key}: {value}" for key, value in tell().items())


if __name__ == "__main__":
    sys.exit(main())
