"""Configuration of a show: one frozen value, checked once, passed to every stage."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vjnode.audio.sources.spec import parse_audio
from vjnode.errors import InputError
from vjnode.generators.registry import DEFAULT, PLAYABLE
from vjnode.output.base import OutputSpec
from vjnode.output.clock import FPS_HIGH, FPS_LOW, in_range
from vjnode.output.registry import check_once

OSC_HOST, OSC_PORT = "127.0.0.1", 9010
OSC_OUT_RATE, OSC_OUT_RATE_HIGH = 30.0, 120.0
SWEEP_MEMORY_MIB = 1024
DRAWINGS = ("auto", "keys", "live")
SWEEP_MEMORY_LOW_MIB, SWEEP_MEMORY_HIGH_MIB = 16, 1 << 20
DURATION_LOW_S, DURATION_HIGH_S = 0.01, 1e7


@dataclass(frozen=True)
class ShowConfig:
    """Settings that are fixed while a show runs.

    audio: source of sound, in the form of ``--audio``.
    outputs: outputs of the frames; the first one's clock writes trace and report.
    size: pictures are size × size px; one of the generator's.
    fps: frames/s, exact.
    osc_out: host and port of programs that are told of values by OSC.
    osc_out_rate: how often they are told of features, 1/s; 0 for never.
    osc_map: maps by which values go to other programs; see ``osc_map_reader.find_map``.
    oscquery: host and port of its OSCQuery server; None for none.
    announce: whether that is announced on its network.
    duration_s: length of the show, s; None: until it is stopped.
    sweep_memory_mib: limit for key frames in memory, MiB.
    state: file that the state is kept in. resume: whether the show went on from it, however the one
        before ended.
    midi: parts of the names of controllers that play; "" stands for all with a mapping.
    generator: name of the one that draws; see ``vjnode.generators.registry``.
    record_session: file for what the engine is told, tick by tick.
    drawing: ``keys`` blends prepared key frames; ``live`` draws every frame anew, which is refused
        when the engine is opened and proves too slow; ``auto`` does so where it keeps up.
    """

    audio: str
    outputs: tuple[OutputSpec, ...]
    size: int = 1024
    fps: Fraction = Fraction(60)
    osc_host: str = OSC_HOST
    osc_port: int = OSC_PORT
    osc_out: tuple[tuple[str, int], ...] = ()
    osc_out_rate: float = OSC_OUT_RATE
    osc_map: tuple[str, ...] = ()
    oscquery: tuple[str, int] | None = None
    announce: bool = False
    duration_s: float | None = None
    report: Path | None = None
    trace: Path | None = None
    sweep_memory_mib: int = SWEEP_MEMORY_MIB
    drawing: str = DRAWINGS[0]
    generator: str = DEFAULT.name
    midi: tuple[str, ...] = ()
    state: Path | None = None
    resume: bool = False
    record_session: Path | None = None

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: with the value, the limit and the remedy.
        """
        if self.generator not in PLAYABLE:
            raise InputError(f"--generator {self.generator} is not one of {', '.join(PLAYABLE)}")
        if self.size not in (drawn := PLAYABLE[self.generator].sizes):
            sizes = ", ".join(map(str, drawn))
            raise InputError(f"--size {self.size} is not one of {sizes}")
        if self.drawing not in DRAWINGS:
            raise InputError(f"--drawing {self.drawing} is not one of {', '.join(DRAWINGS)}")
        if not in_range(self.fps):
            raise InputError(f"--fps {float(self.fps):g} is not within {FPS_LOW} to {FPS_HIGH}")
        if not self.outputs:
            raise InputError("a show needs at least one --output")
        check_once(self.outputs)
        records = [output.target for output in self.outputs if output.kind == "record"]
        sound = parse_audio(self.audio) if self.audio else None
        check_distinct(
            song=Path(sound.name) if sound is not None and sound.kind == "file" else None,
            trace=self.trace,
            report=self.report,
            state=self.state,
            session=self.record_session,
            **{f"recording {number}": Path(name) for number, name in enumerate(records, 1)},
        )
        if self.resume and self.state is None:
            raise InputError("--resume goes with --state FILE.json, which the show goes on from")
        for path in (self.report, self.trace, self.state, self.record_session):
            if path is not None and not path.parent.is_dir():
                raise InputError(f"the folder {path.parent} for {path.name} does not exist")
        if self.announce and self.oscquery is None:
            raise InputError(
                "--announce tells the network of --oscquery, which is off; "
                "add --oscquery 0.0.0.0:8360"
            )


def check_distinct(**files: Path | None) -> None:
    """Check that no file would overwrite another that the same request names.

    Raises:
        InputError: two of ``files`` are the same; the text tells which.
    """
    seen: dict[Path, str] = {}
    for role, path in files.items():
        if path is not None:
            place = path.expanduser().resolve()
            if place in seen:
                raise InputError(
                    f"{path} is named as {seen[place]} and as {role}; give each its own file"
                )
            seen[place] = role


def check_plot(path: Path | None) -> None:
    """Check the path of a plot.

    Raises:
        InputError: not a PNG, or its folder does not exist.
    """
    if path is not None:
        if path.suffix.lower() != ".png":
            raise InputError(f"--plot {path} is not a name that ends in .png")
        if not path.parent.is_dir():
            raise InputError(f"the folder {path.parent} for {path.name} does not exist")


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``.

    Raises:
        InputError: no host, or a port outside 1 to 65535.
    """
    host, colon, port = text.rpartition(":")
    if colon and host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535:
        return host, int(port)
    raise InputError(f"'{text}' is not HOST:PORT, such as {OSC_HOST}:{OSC_PORT}")
