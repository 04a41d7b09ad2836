"""Contenders of ``tools/bench/engines.py``: vjnode's engines, and the alternatives to them.

Each contender opens in a process of its own and then draws one whole frame at a time, from style
codes (or a column of MFCCs) in this computer's memory to the result back there. The generator is
given two poses in turn, so that caching between pictures does not count. A peer runs as its own
package runs it; rows for peer and vjnode in each precision are added, and every row names its
precision.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tools.bench.networks import Opened, compiled, eager, load_torch, tensorrt
from vjnode.engines import registry
from vjnode.engines.base import Engine
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.networks import NETWORKS, Network
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.engines.processor import has_bf16
from vjnode.errors import EngineError
from vjnode.faces.catalogue import face_names, load_expression, load_face
from vjnode.faces.expression import amounts_of, subject_of
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.mobilestylegan.download import GENERATOR, fetch
from vjnode.generators.registry import DEFAULT
from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    from vjnode.generators.stylegan2.folded import UpForm

UP_FORMS: "tuple[UpForm, ...]" = ("filter", "phases")
"""Forms of doubling that StyleGAN2 may use on a card. One 6×6 transposed convolution does the work
of ``phases``, and no runtime has it as one product of matrices."""


@dataclass(frozen=True)
class Contender:
    """One way to make frames. peer: whether it is an alternative to vjnode."""

    name: str
    open: Callable[[], Opened]
    peer: bool = False


def contenders(model: str, size: int, threads: int | None) -> Iterator[Contender]:
    """Yield all contenders for a model, the peer to compare with first.

    size: px; 0 for the encoder. threads: for contenders on the processor; None for all cores.
    """
    card = gpu_here() is not None
    device = "cuda" if card else "cpu"
    network = NETWORKS[model]
    if model == "encoder":
        yield Contender("torch eager", partial(eager, network, size, "cpu", "fp32", threads), True)
        yield Contender("openvino", _live_encoder)
    elif model == "mobilestylegan":
        if size == 1024:
            yield Contender("random-face", partial(_random_face, threads), True)
            for precision in ("f32", "bf16"):
                open_ = partial(_random_face, threads, precision)
                yield Contender(f"random-face in {precision}", open_)
        yield Contender(f"torch eager on {device}", partial(_readable, size, device, threads), True)
        for candidate in registry.CANDIDATES:
            open_ = partial(_engine, partial(candidate.open, DEFAULT), size, threads)
            yield Contender(candidate.name, open_)
        for precision in ("f32", "int8", "bf16"):
            open_ = partial(_engine, partial(_in, precision), size, threads, "asked for")
            yield Contender(f"vjnode in {precision}", open_)
        return  # contenders on a card are among them
    elif model == "mobilestylegan-live":
        open_ = partial(_readable, size, device, threads)
        yield Contender(f"the whole generator, torch eager on {device}", open_, True)
        whole = partial(registry.CANDIDATES[-1].open, DEFAULT)
        yield Contender("the whole generator", partial(_engine, whole, size, threads))
        yield Contender("openvino live", partial(_engine, _live, size, threads))
    else:
        open_ = partial(_published, network, size, device, threads)
        yield Contender(f"published form on {device}", open_, True)
        open_ = partial(eager, network, size, device, "fp32", threads)
        yield Contender(f"torch eager on {device}", open_, True)
    if card:
        for up in UP_FORMS if model == "stylegan2" else (None,):
            open_ = partial(compiled, network, size, up)
            yield Contender(f"torch compiled{f', {up}' if up else ''}", open_)
        for flavour in ("tensorrt_rtx", "tensorrt"):
            yield Contender(flavour, partial(tensorrt, network, size, flavour))


def _live(size: int, threads: int | None) -> Engine:
    return OpenVinoEngine(DEFAULT, size, threads, "reduced", fast=True)


def _in(precision: str, size: int, threads: int | None) -> Engine:
    _need(precision)
    os.environ["VJNODE_PRECISION"] = precision  # of this process, which opens nothing else
    return OpenVinoEngine(DEFAULT, size, threads, fast=True)


def _need(precision: str) -> None:
    """Check that the processor has a precision.

    Raises:
        EngineError: OpenVINO would emulate it.
    """
    if precision == "bf16" and not has_bf16(load_openvino().Core()):
        raise EngineError("this processor has no bf16")


def _engine(
    open_: Callable[[int, int | None], Engine],
    size: int,
    threads: int | None,
    how: str = "as in a show",
) -> Opened:
    engine = open_(size, threads)
    name = f"{engine.name}, {how}"
    latents = cycle(_latents())

    def frame() -> NDArray[np.uint8]:
        return engine.draw(next(latents))

    if engine.at_once == 1:
        return Opened(name, frame)

    def pair() -> None:
        for picture in [engine.begin(next(latents)) for _ in range(engine.at_once)]:
            picture.result()

    return Opened(name, frame, pair, engine.at_once)


def _random_face(threads: int | None, precision: str | None = None) -> Opened:
    """Open random-face's graph, run as in its package, which converts to 8 bits by numpy.

    precision: forced precision; None for OpenVINO's choice, as the package sets none.
    """
    from vjnode.generators.mobilestylegan.convert import extract_ir  # noqa: PLC0415

    core = load_openvino().Core()
    options: dict[str, object] = {}
    if precision is not None:
        _need(precision)
        options["INFERENCE_PRECISION_HINT"] = precision
    elif not has_bf16(core):  # false as well for a processor that is set to have none
        options["INFERENCE_PRECISION_HINT"] = "f32"
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    with tempfile.TemporaryDirectory() as folder:
        _, path = extract_ir(fetch(GENERATOR), Path(folder))
        compiled_model = core.compile_model(core.read_model(path), "CPU", options)
    taken = compiled_model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    request, poses = compiled_model.create_infer_request(), cycle(_poses())

    def frame() -> NDArray[np.uint8]:
        values: NDArray[np.float32] = request.infer([next(poses)[:1]])[0][0]
        values = (np.clip(values, -1.0, 1.0) + 1.0) / (2.0 + 1e-5)
        levels: NDArray[np.float32] = np.clip(values * 255 + 0.5, 0, 255)
        return levels.transpose(1, 2, 0).astype(np.uint8)

    how = "as its package runs it" if precision is None else "asked for"
    return Opened(f"random-face 2021.7.21.1 {taken}, {how}", frame)


def _readable(size: int, device: str, threads: int | None) -> Opened:
    """Open the readable form of the network, run by torch without changes."""
    torch = load_torch(threads)
    from vjnode.generators.mobilestylegan.download import generator_weights  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415

    synthesis = load(generator_weights())[1].to(device)
    poses = cycle([torch.tensor(one)[None].to(device) for one in _poses()])

    def frame() -> NDArray[np.uint8]:
        with torch.inference_mode():
            picture = torch.nn.functional.avg_pool2d(synthesis(next(poses)), 1024 // size)
            levels = (127.5 * picture[0] + 127.5).clamp(0, 255).round().to(torch.uint8)
            pixels: NDArray[np.uint8] = levels.permute(1, 2, 0).cpu().numpy()
        return pixels

    return Opened(f"torch {torch.__version__} eager fp32 on {device}", frame)


def _published(network: Network, size: int, device: str, threads: int | None) -> Opened:
    """Open StyleGAN2 as published: a kernel for each sample, grouped convolutions."""
    torch = load_torch(threads)
    from tools.bench import published_stylegan2 as published  # noqa: PLC0415
    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415

    mapping, synthesis = load(network.weights())
    raw = published.training_parameters(mapping, synthesis)
    raw = {name: value.to(device) for name, value in raw.items()}
    codes = torch.zeros(network.inputs()["face"], device=device)

    def frame() -> NDArray[np.uint8]:
        with torch.inference_mode():
            picture = published.draw(raw, codes)
            picture = torch.nn.functional.avg_pool2d(picture, picture.shape[-1] // size)
            levels = (127.5 * picture[0] + 127.5).clamp(0, 255).round().to(torch.uint8)
            pixels: NDArray[np.uint8] = levels.permute(1, 2, 0).cpu().numpy()
        return pixels

    return Opened(f"published form, torch {torch.__version__} fp32 on {device}", frame)


def _live_encoder() -> Opened:
    from vjnode.modulation.encoder.live import LiveEncoder  # noqa: PLC0415
    from vjnode.modulation.encoder.weights import load_trained  # noqa: PLC0415

    encoder = LiveEncoder(load_trained(NETWORKS["encoder"].weights()))
    return Opened("openvino f32, as in a show", partial(encoder.step, np.zeros(13, np.float32)))


def _latents() -> list[Latent]:
    """Return a face with an expression at two weights, as one frame follows another in a show.

    It moves a root slot, so that the root is drawn for every picture too.
    """
    face, expression = load_face(face_names()[0]), load_expression("laugh")
    direction = np.zeros((1, *face.codes.shape), np.float32)
    direction[0, 0] = 0.01
    subject = subject_of(face, [expression])
    subject = Subject(
        subject.codes,
        np.concatenate((subject.directions, direction)),
        np.zeros((len(subject.directions) + 1, 0), np.float32),
    )
    return [
        Latent(subject, np.append(amounts_of([expression], [weight]), weight).astype(np.float32))
        for weight in (0.2, 0.8)
    ]


def _poses() -> list[NDArray[np.float32]]:
    """Return the style codes, (23, 512) float32, of two shipped faces without common codes."""
    return [load_face(name).codes for name in face_names()[:2]]
