"""Opening of vjnode's networks in the runtimes that are compared: torch, and built engines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vjnode.engines.networks import Network, Precision
from vjnode.errors import EngineError
from vjnode.remedies import run_vjnode

if TYPE_CHECKING:
    from vjnode.generators.stylegan2.folded import UpForm


@dataclass(frozen=True)
class Opened:
    """An open contender.

    name: its own name. frame: makes one frame. several: makes ``at_once`` frames that overlap, as
    in a sweep; None if frames do not overlap.
    """

    name: str
    frame: Callable[[], object]
    several: Callable[[], object] | None = None
    at_once: int = 1


def eager(
    network: Network, size: int, device: str, precision: Precision, threads: int | None
) -> Opened:
    """Open vjnode's own form of a network in torch, without compilation."""
    torch = load_torch(threads)
    module = network.module(network.weights(), size, precision).to(device).eval()
    inputs = _inputs(network, size, device)

    def frame() -> list[np.ndarray]:
        with torch.inference_mode():
            return [result.cpu().numpy() for result in _several(module(*inputs))]

    return Opened(f"torch {torch.__version__} eager {precision} on {device}, refolded", frame)


def compiled(network: Network, size: int, up: "UpForm | None" = None) -> Opened:
    """Open vjnode's own form of a network, compiled and as a CUDA graph, in half precision.

    up: StyleGAN2's form of doubling; None for any other network.
    """
    torch = load_torch(None)
    from vjnode.generators.compiled import join  # noqa: PLC0415
    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415

    if up is None:
        module = network.module(network.weights(), size, "fp16").eval()
    else:
        module = _stylegan2(network, size, up)
    if isinstance(module, FrameGraph):
        join(module)
    to: Any = module.to  # its annotations lack what makes tensor cores read it faster
    module = torch.compile(to("cuda", memory_format=torch.channels_last), fullgraph=True)
    inputs = _inputs(network, size, "cuda")
    torch.cuda.synchronize()  # the code below does not wait for other streams
    stream = torch.cuda.Stream()
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(3):
            module(*inputs)
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            results = _several(module(*inputs))
    pinned = [torch.empty(one.shape, dtype=one.dtype, pin_memory=True) for one in results]

    def frame() -> object:
        with torch.cuda.stream(stream):
            graph.replay()
            for here, there in zip(pinned, results, strict=True):
                here.copy_(there, non_blocking=True)
        stream.synchronize()
        return pinned

    form = f", {up}" if up else ""
    return Opened(f"torch {torch.__version__} compiled fp16{form} on cuda", frame)


def tensorrt(network: Network, size: int, flavour_name: str) -> Opened:
    """Open the built engine of any network: the whole of it as a CUDA graph."""
    from vjnode.engines.build.store import (  # noqa: PLC0415
        admit,
        engine_path,
        engines_dir,
        this_machine,
        wanted,
    )
    from vjnode.engines.build.tensorrt import logger_of  # noqa: PLC0415
    from vjnode.engines.build.tensorrt_variants import FLAVOURS  # noqa: PLC0415
    from vjnode.engines.cuda.driver import Cuda  # noqa: PLC0415

    flavour = FLAVOURS[flavour_name]
    trt, machine = flavour.load(), this_machine(flavour)
    path = engine_path(engines_dir(), network, size, "fp16", machine)
    if not path.is_file():
        raise EngineError(f"{path.name} is not there; run: {run_vjnode('engines', 'build')}")
    logger, cuda = logger_of(trt), Cuda()
    engine = trt.Runtime(logger).deserialize_cuda_engine(
        admit(path, wanted(network, size, "fp16", machine))
    )
    context = engine.create_execution_context() if engine else None
    if engine is None or context is None:
        raise EngineError(f"TensorRT does not open {path.name}: {logger.last()}")
    stream = cuda.stream()
    outputs = []
    for name, shape in network.shapes(size).items():
        is_picture = engine.get_tensor_dtype(name) == trt.uint8
        nbytes = int(np.prod(shape)) * (1 if is_picture else 4)
        address, here = cuda.memory(nbytes), cuda.staging((-(-nbytes // 4),))
        context.set_tensor_address(name, address)
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            here[...] = 0.0
            cuda.to_card(address, here.ctypes.data, nbytes, stream)
        else:
            outputs.append((here, address, nbytes))

    def tick() -> None:
        if not context.execute_async_v3(stream):
            raise EngineError(f"TensorRT fails: {logger.last()}")
        for here, address, nbytes in outputs:
            cuda.from_card(here.ctypes.data, address, nbytes, stream)

    tick()
    cuda.finish(stream)
    graph = cuda.graph(tick, stream)

    def frame() -> object:
        cuda.launch(graph, stream)
        cuda.finish(stream)
        return engine, outputs  # keeps them alive as long as this function

    return Opened(f"{flavour_name} {trt.__version__} fp16 on {cuda.card}", frame)


def _inputs(network: Network, size: int, device: str) -> list[Any]:
    import torch  # noqa: PLC0415

    shapes = network.inputs().values()
    return [torch.zeros(shape, device=device) for shape in shapes]


def _stylegan2(network: Network, size: int, up: "UpForm") -> Any:  # noqa: ANN401 - a module
    import torch  # noqa: PLC0415

    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415
    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415
    from vjnode.generators.stylegan2.folded import FoldedSynthesis  # noqa: PLC0415

    _, synthesis = load(network.weights())
    return FrameGraph(FoldedSynthesis(synthesis, size, up=up, dtype=torch.float16)).eval()


def _several(results: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a tensor or a tuple of them
    return results if isinstance(results, tuple) else (results,)


def load_torch(threads: int | None) -> Any:  # noqa: ANN401 - a module
    """Import torch; threads: on the processor, None for its own choice."""
    import torch  # noqa: PLC0415

    if threads is not None:
        torch.set_num_threads(threads)
    return torch
