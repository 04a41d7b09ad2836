"""Spout's sender: picture, name and life cycle on a simulated machine; calls as in the real wheel.

Nothing here has run on Windows. Of the real library only the wheel is checked.
"""

import inspect
import platform
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.output import fake_spout, wheels
from tests.output.pybind import Extension
from tests.output.shows import noise
from vjnode.errors import InputError, OutputError
from vjnode.output import spout
from vjnode.output.base import Delivery, Frame, OutputContext
from vjnode.output.delivery import Adapter
from vjnode.output.registry import open_output, parse_output
from vjnode.output.test_pattern import BARS, Pattern, bar_centre
from vjnode.remedies import install_extra

PACKAGE = "SpoutGL==0.1.1"
PYTHONS = ("3.11", "3.12", "3.13")


@pytest.fixture
def machine():
    with fake_spout.installed() as machine:
        yield machine


def opened(text="spout", size=64, **more):
    """Open an output as a show does; return it, and the adapter that makes its frames."""
    spec = parse_output(text)
    adapter = Adapter(spec.delivery, size)
    order, alpha = spec.delivery.order, spec.delivery.alpha
    context = OutputContext(adapter.size, Fraction(60), order, alpha, **more)
    return open_output(spec, context), adapter


def send(output, adapter, frame, due_s=0.0):
    output.send(replace(frame, pixels=adapter.adapt(frame.pixels)), due_s)


@pytest.mark.parametrize("order", ["", ",order=rgba", ",order=bgra"])
@pytest.mark.parametrize("size", [64, 63])
def test_receivers_see_the_picture_as_it_is(machine, order, size):
    output, adapter = opened(f"spout{order}", size)
    frame = noise(1, size)
    send(output, adapter, frame)
    np.testing.assert_array_equal(machine.living["vjnode"].picture, frame.pixels)


def test_blue_first_is_what_spout_is_used_to(machine):
    assert parse_output("spout").delivery.order == "bgra"
    output, adapter = opened()
    frame = Pattern(64, Fraction(60)).frame(0)
    assert (adapter.adapt(frame.pixels)[bar_centre(5, 64)[::-1]] == (0, 0, 255, 255)).all()  # red
    send(output, adapter, frame)
    for index, (_, rgb) in enumerate(BARS):
        x, y = bar_centre(index, 64)
        assert tuple(machine.living["vjnode"].picture[y, x]) == (*rgb, 255)


def test_upside_down_and_smaller_when_asked(machine):
    output, adapter = opened("spout:Face,size=32,flip-y")
    frame = noise(2, 64)
    send(output, adapter, frame)
    upright = Adapter(Delivery(size=32), 64).adapt(frame.pixels)
    np.testing.assert_array_equal(machine.living["Face"].picture, upright[::-1])


def test_alpha_arrives(machine):
    output, adapter = opened("spout,alpha=luma")
    assert not machine.living["vjnode"].picture.any()  # dark, so that nothing is covered
    send(output, adapter, Pattern(64, Fraction(60)).frame(0))
    picture = machine.living["vjnode"].picture
    alphas = [int(picture[bar_centre(index, 64)[::-1]][3]) for index in range(len(BARS))]
    assert alphas == sorted(alphas, reverse=True)
    assert (alphas[0], alphas[-1]) == (255, 0)


def test_a_head_that_was_cut_out_arrives(machine):
    output, adapter = opened("spout,alpha=matte")
    pattern = Pattern(64, Fraction(60))
    adapter.use(pattern.matte)
    send(output, adapter, pattern.frame(0))
    np.testing.assert_array_equal(machine.living["vjnode"].picture[..., 3], pattern.matte[..., 3])


def test_the_sender_can_be_chosen_before_the_first_frame(machine):
    output, _ = opened("spout:Face")
    assert machine.living["Face"].picture.shape == (64, 64, 4)
    assert (machine.living["Face"].picture == (0, 0, 0, 255)).all()
    assert output.about() == {"sender": "Face", "through": "card"}


def test_receivers_that_wait_are_woken_under_the_name_that_they_know(machine):
    opened("spout:Face")
    second, adapter = opened("spout:Face")
    machine.events.clear()
    send(second, adapter, noise(1, 64))
    assert machine.events == ["Face_1"]


def test_a_taken_name_gets_a_number_and_this_is_told(machine, caplog):
    opened("spout:Face")
    second, _ = opened("spout:Face")
    third, _ = opened("spout:Face")
    assert [second.name, third.name] == ["Face_1", "Face_2"]
    assert "'Face' is there already; this one is 'Face_1'" in caplog.text


@pytest.mark.parametrize("others", [0, 1])
def test_a_sender_that_was_killed_returns_under_its_old_name(machine, others):
    for _ in range(others):
        opened("spout:Face")
    first, _ = opened("spout:Face")
    machine.kill(machine.living[first.name])
    assert first.name in machine.listed
    again, adapter = opened("spout:Face", attempt=1)
    send(again, adapter, noise(1, 64))
    assert again.name == first.name
    assert len(machine.listed) == others + 1


def test_a_sender_that_returns_shows_no_black(machine):
    again, adapter = opened("spout:Face", attempt=3)
    assert not machine.living
    assert again.about() == {"sender": "Face"}
    send(again, adapter, noise(1, 64))
    assert machine.living["Face"].frames == 1


def test_a_name_that_somebody_chose_meanwhile_is_not_taken_for_ours(machine, monkeypatch):
    monkeypatch.setattr(fake_spout.SpoutSender, "getActiveSender", lambda _: "Face of others")
    assert opened("spout:Face")[0].name == "Face"


def test_closing_leaves_the_list_and_the_context(machine):
    output, _ = opened("spout:Face")
    sender = machine.living["Face"]
    output.close()
    output.close()
    assert not machine.listed
    assert not sender.context


def test_a_frame_that_is_refused_for_a_moment_is_no_fault(machine):
    output, adapter = opened()
    for n in range(300):
        machine.refusing = n % 50 > 10
        send(output, adapter, noise(1, 64), n / 60)


def test_frames_that_are_refused_for_long_are_a_fault(machine):
    output, adapter = opened()
    machine.refusing = True
    for n in range(61):
        send(output, adapter, noise(1, 64), 500 + n / 60)
    with pytest.raises(OutputError, match="no frame for 1 s"):
        send(output, adapter, noise(1, 64), 500 + 61 / 60)


def test_where_spout_takes_nothing_this_is_told_before_the_show(machine):
    machine.refusing = True
    with pytest.raises(OutputError, match=r"first one was refused.*graphics driver"):
        opened()
    machine.opengl = False
    with pytest.raises(OutputError, match=r"OpenGL context.*desktop session"):
        opened()
    assert not machine.listed


def test_a_card_that_shares_no_textures_is_in_the_report(machine):
    machine.compatible = False
    assert opened()[0].about() == {"sender": "vjnode", "through": "processor"}


@pytest.mark.parametrize(
    ("name", "part"), [("ä" * 101, "202 bytes, at most 200"), ("a\\b", "leave")]
)
def test_names_that_spout_cannot_use(machine, name, part):
    with pytest.raises(InputError, match=re.escape(part)):
        opened(f"spout:{name}")


def test_other_systems_are_told_what_to_use_instead(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert spout.unready() == "Spout is for Windows, this is Linux; use syphon on macOS, or ndi"
    with pytest.raises(OutputError, match="for Windows"):
        opened()


@pytest.mark.skipif(platform.system() == "Windows", reason="SpoutGL may be there")
def test_a_missing_package_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    assert spout.unready() == f"SpoutGL is not installed; run: {install_extra('spout')}"


def texts(function):
    """Return the text that pybind11 would keep for a protocol's function."""
    words = {bool: "bool", int: "int", str: "str", type(None): "None", None: "None"}
    signature = inspect.signature(function, eval_str=True)
    taken = [words.get(one.annotation, "Buffer") for one in signature.parameters.values()][1:]
    given = words.get(signature.return_annotation, "object")
    return f"({', '.join(['{%}', *(f'{{{word}}}' for word in taken)])}) -> {given}"


@pytest.mark.parametrize("python", PYTHONS)
def test_every_call_exists_in_the_wheel(python):
    wheel = wheels.fetched(PACKAGE, wheels.WINDOWS, python)
    (path,) = (name for name in wheel.namelist() if name.endswith(".pyd"))
    rows = Extension(wheel.read(path)).names()
    names = [name for name, _ in rows]
    own = rows[names.index("setSenderName") : names.index("setReceiverName")]
    begin = names.index("SpoutSender")
    shared = rows[begin : names.index("SpoutReceiver", begin)]
    offered = {name: text for name, text in (*own, *shared) if text}
    used = {name: texts(getattr(spout.Sender, name)) for name in wheels.functions(spout.Sender)}
    assert len(used) >= 9
    assert used == {name: offered.get(name) for name in used}
    assert {*wheels.attributes(spout.Enums), *wheels.functions(spout.SpoutGL)} <= set(names)
    assert wheels.Source(wheel, "SpoutGL/__init__.py").imported() == {"*"}
    assert wheels.Source(wheel, "SpoutGL/enums.py").imported() == {"*"}


def test_every_protocol_is_among_those_checked():
    assert set(wheels.protocols(spout)) == {spout.Sender, spout.SpoutGL, spout.Enums}


def test_a_parameter_too_many_would_be_found():
    class Wrong:
        def sendImage(self, pixels: np.ndarray, width: int, height: int, /) -> bool: ...  # noqa: N802

    assert texts(Wrong.sendImage) != texts(spout.Sender.sendImage)
    assert texts(Wrong.sendImage) == "({%}, {Buffer}, {int}, {int}) -> bool"


def test_the_library_inside_is_the_one_whose_ways_are_known():
    """The names that it gives, and that pixels keep their rows, are known of this version."""
    library = wheels.fetched(PACKAGE, wheels.WINDOWS, PYTHONS[0]).read("SpoutGL/Spout.dll")
    assert set(re.findall(rb"2\.007\.\d{3}", library)) == {b"2.007.013"}


def test_what_stands_in_has_the_same_parameters():
    for name, ours in wheels.functions(spout.Sender).items():
        theirs = inspect.signature(getattr(fake_spout.SpoutSender, name))
        assert list(theirs.parameters)[1:] == list(ours.parameters), name


def test_pixels_are_handed_over_without_a_copy(machine, monkeypatch):
    given = []
    monkeypatch.setattr(
        fake_spout.SpoutSender, "sendImage", lambda _, pixels, *__: given.append(pixels) or True
    )
    output, _ = opened(attempt=1)
    frame = noise(1, 64)
    output.send(Frame(frame.pixels, frame.info), 0.0)
    assert given[0] is frame.pixels
