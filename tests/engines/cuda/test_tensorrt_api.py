"""The types of TensorRT's interface, held against the real module: names and parameters.

Run on no card: this looks at what pybind11 says of each function, and at who derives from what.
"""

import inspect
import re
from typing import Any, get_args, get_type_hints

import pytest

from tests.engines.cuda.fake_card import FakeDriver, fake_tensorrt
from vjnode.engines.build.progress import watched
from vjnode.engines.build.tensorrt import logger_of
from vjnode.engines.build.tensorrt_variants import RTX
from vjnode.engines.cuda import tensorrt_api as api

rtx = pytest.mark.skipif(not RTX.installed, reason=f"{RTX.package} is not installed")

OF_THE_MODULE = {"Runtime", "Builder", "OnnxParser"}
"""Classes that the module has under our names; every other one has an I before its name."""

ENUMERATIONS = {
    api.Severities: "ILogger.Severity",
    api.BuilderFlags: "BuilderFlag",
    api.NetworkFlags: "NetworkDefinitionCreationFlag",
    api.TensorModes: "TensorIOMode",
}

TYPES = {int: "int", str: "str", bool: "bool", bytes: "Buffer", type(None): "None"}

SAME = {"SupportsInt": "int", "SupportsInt | SupportsIndex": "int"}
"""Names of types in some versions of pybind11, and in the others."""


def protocols():
    """Yield each class of ours that TensorRT makes objects of, with its name in the module."""
    others = (*ENUMERATIONS, api.TensorRt, api.LoggerClass, api.HostMemory)
    for name, one in vars(api).items():
        ours = getattr(one, "_is_protocol", False) and one.__module__ == api.__name__
        if ours and one not in others:
            yield (name if name in OF_THE_MODULE else f"I{name}"), one


def functions(protocol):
    return [
        one for name, one in vars(protocol).items() if inspect.isfunction(one) and name[0] != "_"
    ]


def ours(function):
    """Return texts: the types of a function's parameters, those given by name, its result."""
    hints = get_type_hints(function, vars(api))
    kinds = inspect.signature(function).parameters
    given = {name: said(hints[name]) for name in kinds if name != "self"}
    by_name = [name for name, one in kinds.items() if one.kind is one.KEYWORD_ONLY]
    return given, by_name, said(hints["return"])


def said(hint):
    """Return pybind11's text for a type, without None, which it never tells; "" for any type."""
    kinds = [one for one in get_args(hint) or (hint,) if one is not type(None)] or [type(None)]
    (kind,) = kinds
    if kind is Any:
        return ""
    name = getattr(kind, "__name__", str(kind))
    return TYPES.get(kind) or (name if name in OF_THE_MODULE else f"I{name}")


def theirs(function):
    """Each overload: its parameters with type and whether they must be given, and its result."""
    lines = re.findall(r"^(?:\d+\. )?\w+\((self: .*)\) -> (.*)$", function.__doc__, re.MULTILINE)
    for parameters, result in lines:
        rows = re.findall(r"(\w+): ((?:[^,=<]|<[^>]*>)+?)(?: = ([^,]*))?(?:, |$)", parameters)
        yield {name: (plain(kind), not default) for name, kind, default in rows[1:]}, plain(result)


def plain(kind):
    text = re.sub(r"[\w.]+\.|nvinfer1::", "", kind).strip()
    return SAME.get(text, text)


def fits(real, function):
    """Return True if an overload takes a call such as ours, with the same names and types."""
    given, by_name, result = ours(function)
    for parameters, returned in theirs(real):
        names = list(parameters)
        positional = [name for name in given if name not in by_name]
        missing = [name for name, (_, needed) in parameters.items() if needed and name not in given]
        if (
            positional == names[: len(positional)]
            and set(by_name) <= set(names)
            and not missing
            and all(kind in ("", parameters[name][0]) for name, kind in given.items())
            and result in ("", returned)
        ):
            return True
    return False


@rtx
def test_every_call_exists_in_the_module():
    trt, checked = RTX.load(), 0
    for name, protocol in protocols():
        real = getattr(trt, name)
        for function in functions(protocol):
            assert fits(getattr(real, function.__name__), function), (name, function.__name__)
            checked += 1
        for attribute in inspect.get_annotations(protocol):
            assert isinstance(vars(real)[attribute], property), (name, attribute)
            assert vars(real)[attribute].fset is not None
    assert checked >= 17


@rtx
def test_what_the_module_makes_is_made_so():
    trt = RTX.load()
    for function in functions(api.TensorRt):
        given, _, result = ours(function)
        assert result == function.__name__
        (parameters, _), *others = theirs(getattr(trt, function.__name__).__init__)
        assert not others
        assert list(parameters) == list(given)
        for name, kind in given.items():
            assert kind in ("", parameters[name][0])


@rtx
def test_every_constant_exists_in_the_module():
    trt = RTX.load()
    for protocol, path in ENUMERATIONS.items():
        enumeration = trt
        for part in path.split("."):
            enumeration = getattr(enumeration, part)
        assert set(inspect.get_annotations(protocol)) <= set(enumeration.__members__)
    assert {gpu.upper() for gpu in RTX.anywhere} <= set(trt.ComputeCapability.__members__)
    for name in inspect.get_annotations(api.TensorRt):
        assert hasattr(trt, name)


@rtx
def test_what_tensorrt_calls_takes_what_it_gives():
    """TensorRT may call with arguments by name as well as by position."""
    trt = RTX.load()
    with watched(trt, "a test") as monitor:
        derived = {trt.ILogger: logger_of(trt), trt.IProgressMonitor: monitor}
        for base, one in derived.items():
            called = [name for name in vars(type(one)) if name in vars(base) and name[0] != "_"]
            assert called
            for name in called:
                ((parameters, _),) = theirs(getattr(base, name))
                assert list(inspect.signature(getattr(one, name)).parameters) == list(parameters)


@rtx
def test_a_call_that_does_not_exist_would_be_found():
    trt = RTX.load()

    class Wrong:
        def set_tensor_address(self, memory: int, name: str) -> bool: ...
        def execute_async_v3(self) -> bool: ...
        def create_execution_context(
            self, *, config: api.RuntimeConfig
        ) -> api.ExecutionContext: ...
        def deserialize_cuda_engine(self, serialized_engine: str) -> api.CudaEngine: ...

    for function in functions(Wrong):
        for kind in (trt.IExecutionContext, trt.ICudaEngine, trt.Runtime):
            real = getattr(kind, function.__name__, None)
            assert real is None or not fits(real, function), function


def test_what_stands_in_has_the_same_parameters():
    trt = fake_tensorrt(FakeDriver())
    for fake in trt.stands_in:
        protocol = getattr(api, fake.__name__)
        for name, function in vars(fake).items():
            if inspect.isfunction(function) and not name.startswith("_"):
                wanted = inspect.signature(getattr(protocol, name)).parameters
                found = inspect.signature(function).parameters
                assert list(found) == list(wanted), (fake, name)
                assert [one.kind for one in found.values()] == [one.kind for one in wanted.values()]


class Timings:
    """A builder's settings; of a damaged cache its TensorRT makes none at all."""

    def __init__(self, refused):
        self.refused, self.used = refused, None

    def create_timing_cache(self, serialized_timing_cache):
        return None if serialized_timing_cache == b"damaged" else serialized_timing_cache

    def set_timing_cache(self, cache, ignore_mismatch):
        assert isinstance(cache, bytes)  # TensorRT raises TypeError of None
        if cache == self.refused:
            return False
        self.used = cache
        return True


@pytest.mark.parametrize("content", [b"damaged", b"of another driver", b"good", None])
def test_times_of_kernels_that_cannot_be_used_are_done_without(tmp_path, content):
    from vjnode.engines.build.tensorrt import _use_timings

    path = tmp_path / "timings.cache"
    if content is not None:
        path.write_bytes(content)
    config = Timings(refused=b"of another driver")
    _use_timings(config, path)
    assert config.used == (content if content == b"good" else b"")
