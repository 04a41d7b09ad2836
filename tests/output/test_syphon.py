"""Syphon's server: picture and life cycle on a Mac that stands in; calls as they are.

Nothing here has run on macOS. What is checked against the real thing are its wheels.
"""

import inspect
import platform
import re
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.output import fake_syphon, wheels
from tests.output.shows import noise
from vjnode.errors import InputError, OutputError
from vjnode.output import syphon
from vjnode.output.base import Delivery, OutputContext
from vjnode.output.delivery import Adapter
from vjnode.output.registry import open_output, parse_output
from vjnode.output.test_pattern import BARS, Pattern, bar_centre
from vjnode.remedies import install_extra

PACKAGE = "syphon-python==0.2.0"
BRIDGE = "pyobjc-core==12.2.2"
METAL = "pyobjc-framework-Metal==12.2.2"
PYTHON = "3.12"


@pytest.fixture
def mac():
    with fake_syphon.installed() as mac:
        mac.clients = 1
        yield mac


def opened(text="syphon", size=64):
    """Open an output as a show does; returns it, and what makes its frames."""
    spec = parse_output(text)
    adapter = Adapter(spec.delivery, size)
    order, alpha = spec.delivery.order, spec.delivery.alpha
    return open_output(spec, OutputContext(adapter.size, Fraction(60), order, alpha)), adapter


def send(output, adapter, frame):
    output.send(replace(frame, pixels=adapter.adapt(frame.pixels)), 0.0)


@pytest.mark.parametrize("order", ["", ",order=rgba", ",order=bgra"])
@pytest.mark.parametrize("size", [64, 63])
def test_clients_see_the_picture_as_it_is(mac, order, size):
    output, adapter = opened(f"syphon{order}", size)
    frame = noise(1, size)
    send(output, adapter, frame)
    np.testing.assert_array_equal(mac.servers[0].picture, frame.pixels)


def test_no_colour_is_exchanged(mac):
    output, adapter = opened("syphon,order=bgra")
    frame = Pattern(64, Fraction(60)).frame(0)
    assert (adapter.adapt(frame.pixels)[bar_centre(5, 64)[::-1]] == (0, 0, 255, 255)).all()  # red
    send(output, adapter, frame)
    for index, (_, rgb) in enumerate(BARS):
        x, y = bar_centre(index, 64)
        assert tuple(mac.servers[0].picture[y, x]) == (*rgb, 255)


def test_upside_down_and_smaller_when_asked(mac):
    output, adapter = opened("syphon:Face,size=32,flip-y")
    frame = noise(2, 64)
    send(output, adapter, frame)
    upright = Adapter(Delivery(size=32), 64).adapt(frame.pixels)
    np.testing.assert_array_equal(mac.servers[0].picture, upright[::-1])


def test_alpha_arrives(mac):
    output, adapter = opened("syphon,alpha=luma")
    send(output, adapter, Pattern(64, Fraction(60)).frame(0))
    picture = mac.servers[0].picture
    alphas = [int(picture[bar_centre(index, 64)[::-1]][3]) for index in range(len(BARS))]
    assert alphas == sorted(alphas, reverse=True)
    assert (alphas[0], alphas[-1]) == (255, 0)


def test_a_head_that_was_cut_out_arrives(mac):
    output, adapter = opened("syphon,alpha=matte")
    pattern = Pattern(64, Fraction(60))
    adapter.use(pattern.matte)
    send(output, adapter, pattern.frame(0))
    np.testing.assert_array_equal(mac.servers[0].picture[..., 3], pattern.matte[..., 3])


def test_a_picture_that_the_card_has_yet_to_copy_is_left_alone(mac):
    output, adapter = opened()
    frames = [noise(seed, 64) for seed in range(5)]
    for n, frame in enumerate(frames):
        send(output, adapter, frame)
        if n >= 2:  # the card is two frames behind
            mac.queued.pop(0)()
            np.testing.assert_array_equal(mac.servers[0].surface[::-1], frames[n - 2].pixels)


def test_without_clients_the_server_lives_and_nothing_is_copied(mac):
    mac.clients = 0
    output, adapter = opened("syphon:Face")
    pumped = len(mac.pumped)
    for n in range(10):
        send(output, adapter, noise(n, 64))
    assert not mac.queued
    assert len(mac.pumped) == pumped + 10
    assert [server.name for server in mac.servers] == ["Face"]
    assert output.about() == {"server": "Face", "clients": False}


def test_a_client_that_comes_gets_the_next_frame(mac):
    mac.clients = 0
    output, adapter = opened()
    send(output, adapter, noise(1, 64))
    mac.clients = 1
    frame = noise(2, 64)
    send(output, adapter, frame)
    np.testing.assert_array_equal(mac.servers[0].picture, frame.pixels)
    assert output.about() == {"server": "vjnode", "clients": True}


def test_the_run_loop_that_runs_is_that_of_the_calling_thread(mac):
    output, adapter = opened()
    send(output, adapter, noise(1, 64))
    assert set(mac.pumped) == {threading.main_thread()}


def test_nothing_that_objective_c_makes_is_kept(mac):
    output, adapter = opened()
    for n in range(100):
        send(output, adapter, noise(n, 64))
    output.close()
    assert (mac.loose, mac.pools) == (0, 0)


def test_closing_takes_the_server_off_the_list(mac):
    output, _ = opened()
    output.close()
    output.close()
    assert not mac.servers
    assert output.about()["clients"] is False


def test_a_mac_without_metal_is_told(mac):
    mac.metal = False
    with pytest.raises(OutputError, match=r"'vjnode' \(No Metal device is available\)"):
        opened()


def test_a_card_without_memory_is_told(mac):
    mac.memory = False
    with pytest.raises(OutputError, match=r"64 × 64 px; choose a smaller size"):
        opened()
    assert not mac.servers


def test_a_name_that_no_list_shows(mac):
    with pytest.raises(InputError, match="201 characters, at most 200"):
        opened(f"syphon:{'x' * 201}")


def test_other_systems_are_told_what_to_use_instead(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert syphon.unready() == "Syphon is for macOS, this is Linux; use spout on Windows, or ndi"
    with pytest.raises(OutputError, match="for macOS"):
        opened()


def test_old_systems_are_told_what_to_use_instead(mac, monkeypatch):
    monkeypatch.setattr(platform, "mac_ver", lambda: ("11.7.10", ("",) * 3, ""))
    assert syphon.unready() == "Syphon needs macOS 12 or newer, this is 11.7.10; use ndi"


@pytest.mark.skipif(platform.system() == "Darwin", reason="syphon-python may be there")
def test_a_missing_package_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.5", ("",) * 3, ""))
    assert syphon.unready() == f"syphon-python is not installed; run: {install_extra('syphon')}"


@pytest.fixture(scope="module")
def package():
    return wheels.fetched(PACKAGE, wheels.MACOS, PYTHON)


@pytest.mark.parametrize(
    ("protocol", "path", "class_name"),
    [
        (syphon.Server, "syphon/server.py", "SyphonMetalServer"),
        (syphon.Directory, "syphon/server_directory.py", "SyphonServerDirectory"),
    ],
)
def test_every_method_exists_in_the_wheel(package, protocol, path, class_name):
    source = wheels.Source(package, path)
    used = wheels.functions(protocol)
    assert used
    for name, ours in used.items():
        real = source.method(class_name, name)
        assert real is not None, name
        assert wheels.takes(real, ours), f"{name}{real} is called as {ours}"
    assert wheels.attributes(protocol) <= source.attributes(class_name)


def test_every_class_of_the_package_can_be_made_as_it_is(package):
    exported = wheels.Source(package, "syphon/__init__.py").imported()
    for name, ours in wheels.functions(syphon.Syphon).items():
        assert name in exported
        path = f"syphon/{'server_directory' if 'Directory' in name else 'server'}.py"
        assert wheels.takes(wheels.Source(package, path).constructor(name), ours), name


@pytest.mark.parametrize(
    ("protocol", "path"),
    [(syphon.Raw, "syphon/utils/raw.py"), (syphon.Images, "syphon/utils/numpy.py")],
)
def test_every_function_exists_in_the_wheel(package, protocol, path):
    source = wheels.Source(package, path)
    used = wheels.functions(protocol)
    assert used
    for name, ours in used.items():
        real = source.function(name)
        assert real is not None, name
        assert wheels.takes(real, ours), f"{name}{real} is called as {ours}"


def test_the_bridge_has_pools_and_the_formats_have_these_names():
    source = wheels.Source(wheels.fetched(BRIDGE, wheels.MACOS, PYTHON), "objc/__init__.py")
    assert set(wheels.functions(syphon.ObjC)) == {"autorelease_pool"}
    assert wheels.takes(source.constructor("autorelease_pool"), inspect.Signature())
    assert source.method("autorelease_pool", "__exit__") is not None
    metadata = wheels.fetched(METAL, wheels.MACOS, PYTHON).read("Metal/_metadata.py").decode()
    for name, value in (("RGBA", fake_syphon.RGBA8), ("BGRA", fake_syphon.BGRA8)):
        assert f"MTLPixelFormat{name}8Unorm" in wheels.attributes(syphon.Metal)
        assert f"$MTLPixelFormat{name}8Unorm@{value}$" in metadata
    assert len(wheels.attributes(syphon.Metal)) == 2


def test_the_package_brings_what_is_used_beside_it(package):
    (path,) = (name for name in package.namelist() if name.endswith(".dist-info/METADATA"))
    needed = re.findall(r"^Requires-Dist: ([\w-]+)~=([\d.]+)$", package.read(path).decode(), re.M)
    assert dict(needed).items() >= {
        ("pyobjc-core", BRIDGE.partition("==")[2]),
        ("pyobjc-framework-metal", METAL.partition("==")[2]),
    }


def test_every_protocol_is_among_those_checked():
    checked = {syphon.Server, syphon.Directory, syphon.Syphon, syphon.Raw, syphon.Images}
    assert set(wheels.protocols(syphon)) == checked | {syphon.ObjC, syphon.Metal}


def test_a_wrong_call_would_be_found(package):
    real = wheels.Source(package, "syphon/server.py").method(
        "SyphonMetalServer", "publish_frame_texture"
    )

    def signature(function):
        return inspect.signature(function)

    assert wheels.takes(real, signature(lambda texture, *, is_flipped: None))
    assert not wheels.takes(real, signature(lambda texture, *, flipped: None))
    assert not wheels.takes(real, signature(lambda texture, is_flipped: None))  # not the second
    assert not wheels.takes(real, signature(lambda *, is_flipped: None))


def test_what_stands_in_has_the_same_parameters(package):
    source = wheels.Source(package, "syphon/server.py")
    for name in ("__init__", "publish_frame_texture", "stop"):
        real = source.method("SyphonMetalServer", name)
        fake = inspect.signature(getattr(fake_syphon.SyphonMetalServer, name))
        assert set(list(fake.parameters)[1:]) <= set(real.parameters), name
