"""A simulated card and TensorRT: the calls of both, on ordinary memory.

Work stays in its stream until somebody waits for it, and memory that is read or written is looked
up among the blocks that are allocated at that moment. So an engine that waits too little, writes
to memory that is still in use, or uses it after it was freed, is caught.
"""

# ruff: noqa: N802 - the driver's own names

import ctypes
from collections import deque
from itertools import count
from types import ModuleType, SimpleNamespace
from weakref import WeakSet

import numpy as np

from vjnode.runtime import load_openvino

NOT_READY = 600


class FakeDriver:
    """The functions of the CUDA driver that ``vjnode.engines.cuda.driver`` calls."""

    def __init__(self):
        self.calls = []
        self.memory, self.pinned = {}, {}  # address → ctypes array
        self.streams, self.events, self.graphs, self.launchable = {}, {}, {}, {}
        self.capturing = {}
        self.failing = {}
        self._handles = count(0x7F00_0000_1000, 16)  # does not fit into 32 bits

    def __getattr__(self, name):
        if not name.startswith("cu"):
            raise AttributeError(name)
        do = getattr(type(self), f"do_{name}", None)
        assert do is not None, f"unexpected call of {name}"

        def call(*arguments):
            self.calls.append(name)
            if name in self.failing:
                return self.failing[name]
            return do(self, *[getattr(one, "_obj", one) for one in arguments]) or 0

        return call

    @property
    def held(self):
        """Number of objects on the card that are not freed; pinned memory does not count."""
        tables = (self.memory, self.streams, self.events, self.graphs, self.launchable)
        return sum(map(len, tables))

    def do_cuInit(self, flags):
        assert flags == 0

    def do_cuGetErrorString(self, code, text):
        text.value = b"out of memory" if code == 2 else b"illegal address"

    def do_cuDeviceGet(self, device, ordinal):
        device.value = ordinal

    def do_cuDeviceGetName(self, name, length, device):
        name.value = b"Test Card"

    def do_cuDevicePrimaryCtxRetain(self, context, device):
        context.value = next(self._handles)

    def do_cuCtxSetCurrent(self, context):
        assert context

    def do_cuMemAlloc_v2(self, address, nbytes):
        address.value = self._allocate(self.memory, nbytes)

    def do_cuMemFree_v2(self, address):
        del self.memory[address]

    def do_cuMemHostAlloc(self, address, nbytes, flags):
        address.value = self._allocate(self.pinned, nbytes)

    def do_cuMemFreeHost(self, address):
        del self.pinned[address]

    def do_cuMemcpyHtoDAsync_v2(self, address, host, nbytes, stream):
        self.put(stream, lambda: self._copy(self.memory, address, self.pinned, host, nbytes))

    def do_cuMemcpyDtoHAsync_v2(self, host, address, nbytes, stream):
        self.put(stream, lambda: self._copy(self.pinned, host, self.memory, address, nbytes))

    def do_cuStreamCreate(self, stream, flags):
        stream.value = next(self._handles)
        self.streams[stream.value] = deque()

    def do_cuStreamDestroy_v2(self, stream):
        assert not self.streams.pop(stream), "a stream is destroyed before it is empty"

    def do_cuStreamSynchronize(self, stream):
        self._run(lambda: not self.streams[stream])

    def do_cuStreamWaitEvent(self, stream, event, flags):
        set_ = self.events[event]["set"]
        self.put(stream, lambda: self.events[event]["done"] >= set_)

    def do_cuStreamBeginCapture_v2(self, stream, mode):
        self.capturing[stream] = []

    def do_cuStreamEndCapture(self, stream, graph):
        graph.value = next(self._handles)
        self.graphs[graph.value] = self.capturing.pop(stream)

    def do_cuGraphInstantiateWithFlags(self, launchable, graph, flags):
        launchable.value = next(self._handles)
        self.launchable[launchable.value] = list(self.graphs[graph])

    def do_cuGraphLaunch(self, launchable, stream):
        for work in self.launchable[launchable]:
            self.put(stream, work)

    def do_cuGraphDestroy(self, graph):
        del self.graphs[getattr(graph, "value", graph)]

    def do_cuGraphExecDestroy(self, launchable):
        del self.launchable[launchable]

    def do_cuEventCreate(self, event, flags):
        event.value = next(self._handles)
        self.events[event.value] = {"set": 0, "done": 0}

    def do_cuEventRecord(self, event, stream):
        state = self.events[event]
        state["set"] += 1
        now = state["set"]
        self.put(stream, lambda: state.update(done=now))

    def do_cuEventQuery(self, event):
        state = self.events[event]
        if state["done"] < state["set"]:
            self.step()  # time passes
            return NOT_READY
        return 0

    def do_cuEventSynchronize(self, event):
        state = self.events[event]
        self._run(lambda: state["done"] >= state["set"])

    def do_cuEventDestroy_v2(self, event):
        del self.events[event]

    def put(self, stream, work):
        """Put work into a stream; work that returns False has to wait for another stream."""
        self.capturing.get(stream, self.streams[stream]).append(work)

    def step(self):
        """Do one piece of work, in the newest stream that can: the worst order there is."""
        for queue in reversed(self.streams.values()):
            if queue and queue[0]() is not False:
                queue.popleft()
                return True
        return False

    def _run(self, until):
        while not until():
            assert self.step(), "what is waited for never happens"

    def _allocate(self, table, nbytes):
        block = (ctypes.c_uint8 * nbytes)(*[0xAA] * min(nbytes, 8))
        address = ctypes.addressof(block)
        table[address] = block
        return address

    @staticmethod
    def _copy(to_table, to, from_table, from_, nbytes):
        assert nbytes <= len(to_table[to])
        assert nbytes <= len(from_table[from_])
        ctypes.memmove(to, from_, nbytes)

    def on_card(self, address, dtype):
        """Return the card's memory at an address, as an array."""
        return np.frombuffer(self.memory[address], dtype)


def draw_flat(driver, at):
    """Draw the first number of codes and offsets. at: name of an input or output → its address."""
    assert set(at) == {"face", "directions", "amounts", "noise_strength", "offsets", "picture"}
    face, amounts, directions, offsets = (
        driver.on_card(at[name], np.float32)
        for name in ("face", "amounts", "directions", "offsets")
    )
    moves = (one.reshape(len(amounts), -1)[:, 0] for one in (directions, offsets))
    assert driver.on_card(at["noise_strength"], np.float32)[0] == 1.0
    picture = driver.on_card(at["picture"], np.uint8)
    picture[:] = round(face[0] + sum(float(amounts @ one) for one in moves))


class Encoding:
    """The real sound encoder, as a card runs it: the exported graph, by OpenVINO.

    spoil: changes the outputs, name → array, before they are on the card.
    """

    def __init__(self, trained, spoil=None):
        core = load_openvino().Core()
        self._model = core.compile_model(core.read_model(trained.onnx, b""), "CPU", _ONE_THREAD)
        self._spoil = spoil or (lambda outputs: None)
        self.steps = 0

    def __call__(self, driver, at):
        self.steps += 1
        lasting = {port.get_any_name() for port in self._model.inputs if min(port.shape)}
        named = {port.get_any_name(): port for port in self._model.outputs if min(port.shape)}
        assert set(at) == lasting | set(named)
        assert len(set(at.values())) == len(at)  # nothing is read where it is written
        inputs = {}
        for port in self._model.inputs:
            name, shape = port.get_any_name(), tuple(port.shape)
            here = driver.on_card(at[name], np.float32) if name in lasting else np.empty(0, "f4")
            inputs[name] = here.reshape(shape).copy()
        results = self._model(inputs)
        outputs = {name: np.array(results[port]) for name, port in named.items()}
        self._spoil(outputs)
        for name, value in outputs.items():
            driver.on_card(at[name], np.float32)[:] = value.ravel()


_ONE_THREAD = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}


def fake_tensorrt(driver, *, runs=draw_flat, works=True, draws=True, captures=True, raises=None):
    """Return a TensorRT whose engines do what ``runs`` does, on a fake card.

    raises: the call that raises as pybind11 does, by its class and name.
    """
    trt = ModuleType("fake_tensorrt")
    trt.__version__ = "11.4"
    trt.log = []
    trt.contexts = WeakSet()

    def enter(call):
        if call == raises:
            raise RuntimeError(f"{call} has failed")

    class ILogger:
        Severity = SimpleNamespace(ERROR=1, INTERNAL_ERROR=0)

    class ExecutionContext:
        def __init__(self):
            self.at = {}
            trt.contexts.add(self)

        def set_tensor_address(self, name, memory):
            enter("ExecutionContext.set_tensor_address")
            self.at[name] = memory
            return True

        def execute_async_v3(self, stream_handle):
            enter("ExecutionContext.execute_async_v3")
            at = dict(self.at)

            def work():
                runs(driver, at)

            if stream_handle in driver.capturing and not captures:
                return False
            driver.put(stream_handle, work)
            return draws

    class CudaEngine:
        def create_runtime_config(self):
            return RuntimeConfig()

        def create_execution_context(self, *, runtime_config=None):
            enter("CudaEngine.create_execution_context")
            return ExecutionContext()

    class Runtime:
        def __init__(self, logger):
            enter("TensorRt.Runtime")
            self.logger = logger

        def deserialize_cuda_engine(self, serialized_engine):
            enter("Runtime.deserialize_cuda_engine")
            trt.log.append(bytes(serialized_engine))
            if not works:
                self.logger.log(ILogger.Severity.ERROR, "the engine is of another plan")
                return None
            return CudaEngine()

    class RuntimeCache:
        def deserialize(self, blob):
            trt.log.append(f"kernels: {bytes(blob).decode()}")

        def serialize(self):
            return b"made on the card"

    class RuntimeConfig:
        def create_runtime_cache(self):
            return RuntimeCache()

        def set_runtime_cache(self, cache):
            trt.log.append(type(cache).__name__)

    trt.ILogger, trt.Runtime = ILogger, Runtime
    trt.stands_in = (Runtime, CudaEngine, ExecutionContext, RuntimeConfig, RuntimeCache)
    return trt
