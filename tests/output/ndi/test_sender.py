"""Reception of the NDI output by a real receiver in another process."""

import signal
import socket
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.events import wait_for
from tests.live import ndi_receiver
from tests.live.fairness import Miss, play_fairly
from tests.output.ndi.ends import FINDING_PORT, NAME, Receiver, Sending, listening
from tests.output.network import ndi_network, own_network
from tests.output.shows import flat
from vjnode.errors import InputError, OutputError
from vjnode.output.base import OutputContext
from vjnode.output.ndi import sender as ndi
from vjnode.output.test_pattern import ramp_matte
from vjnode.remedies import install_extra

ROOT = Path(__file__).parents[3]
CODEC_ERROR = 16
"""Tolerance for the change that the runtime itself makes, levels.

It is 14 in the most saturated blue of the chart, 3 on the average. The patches differ by 65 and
more from one another.
"""


@pytest.fixture
def network():
    with ndi_network():
        yield


def chart(size=256):
    """Return sixteen patches, no two alike, (size, size, 4) uint8: any swap or flip shows."""
    levels = np.array([20, 90, 160, 235], np.uint8)
    pixels = np.full((4, 4, 4), 255, np.uint8)
    pixels[..., 0] = levels[:, None]
    pixels[..., 1] = levels[None, :]
    pixels[..., 2] = np.roll(levels, 1)[(np.arange(4)[:, None] + np.arange(4)) % 4]
    return pixels.repeat(size // 4, axis=0).repeat(size // 4, axis=1)


def patches(picture):
    """Return the values in the middle of each of sixteen patches, (4, 4, 4) int."""
    step = picture.shape[0] // 4
    return picture[step // 2 :: step, step // 2 :: step].astype(int)


@pytest.fixture
def party(network, tmp_path):
    """A function that starts senders, and receivers as well; whatever a test leaves is ended."""
    with a_party(tmp_path) as send:
        yield send


@contextmanager
def a_party(folder):
    """Give a function that starts senders; its ``receive`` starts what writes into ``folder``."""
    made = []

    def send(**more):
        made.append(sending := Sending(**more))
        return sending

    def receive(sending):
        made.append(receiver := Receiver(folder / f"{len(made)}.npz", sending.port))
        return receiver

    send.receive = receive
    try:
        yield send
    finally:
        for one in reversed(made):
            one.kill() if isinstance(one, Receiver) else one.close()


def late(what, since_s, until_s, limit_s):
    """Return the miss of what took longer than ``limit_s``, in a list; or an empty one."""
    if until_s - since_s <= limit_s:
        return []
    return [Miss(f"{what} after {until_s - since_s:.2f} s", since_s, until_s)]


def seen(party, **more):
    """Send until a receiver has had some pictures; return what it got."""
    receiver = party.receive(party(**more))
    receiver.wait_for_pictures(10)
    return receiver.end()


def test_greys_stay_grey(party):
    levels = np.repeat(np.arange(0, 256, 17, np.uint8), 16)
    ramp = np.broadcast_to(levels[None, :, None], (256, 256, 4))
    got = seen(party, pixels=ramp)
    assert np.abs(got["picture"][128, 8::16, :3] - levels[8::16, None].astype(int)).max() <= 6


@pytest.mark.parametrize("options", ["", ",order=bgra", ",flip-y"])
def test_colours_arrive_in_their_places(party, options):
    got = seen(party, pixels=chart(), text=f"ndi:{NAME}{options}")
    expected = patches(chart())
    if "flip" in options:
        expected = expected[::-1]
    assert got["picture"].shape == (256, 256, 4)
    error = np.abs(patches(got["picture"]) - expected)
    assert error.max() <= CODEC_ERROR
    assert error.mean() <= CODEC_ERROR / 4
    assert got["fourcc"] in ("FOURCC_VIDEO_TYPE_RGBX", "FOURCC_VIDEO_TYPE_BGRX")
    assert (got["picture"][..., 3] == 255).all()


@pytest.mark.parametrize("order", ["rgba", "bgra"])
def test_alpha_is_carried_when_asked_for(party, order):
    got = seen(party, pixels=chart(), text=f"ndi:{NAME},alpha=luma,order={order}")
    red, green, blue = (patches(chart())[..., c] for c in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert str(got["fourcc"]) == "FOURCC_VIDEO_TYPE_RGBA"
    assert np.abs(patches(got["picture"])[..., 3] - luma).max() <= 3
    assert np.abs(patches(got["picture"]) - patches(chart()))[..., :3].max() <= CODEC_ERROR


@pytest.mark.parametrize("options", ["alpha=matte", "alpha=matte,premultiplied,order=bgra", "key"])
def test_a_head_that_was_cut_out_arrives(party, options):
    """The matte rises from the left to the right, and what is behind the head is grey."""
    got = seen(party, pixels=chart(), text=f"ndi:{NAME},{options}", matte=ramp_matte(256))
    share = np.linspace(0, 1, 256)[None, 32::64, None]
    head = share * patches(chart())[..., :3] + (1 - share) * 128
    found = patches(got["picture"])
    wanted = {"alpha=matte": head, "key": np.broadcast_to(255 * share, head.shape)}
    expected = wanted.get(options, share * head)
    assert np.abs(found[..., :3] - expected).max() <= CODEC_ERROR
    alpha = (
        np.full((4, 4), 255) if options == "key" else np.broadcast_to(255 * share[..., 0], (4, 4))
    )
    assert np.abs(found[..., 3] - alpha).max() <= 3


@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(60000, 1001)]
)
def test_the_rate_is_declared_exactly(party, fps):
    got = seen(party, fps=fps)
    assert Fraction(*map(int, got["rate"])) == fps
    assert got["progressive"]
    assert got["aspect"] == pytest.approx(1.0)


def test_no_picture_is_torn_and_their_order_holds(party):
    """The show draws the next frame into the same memory as soon as ``send`` is back."""
    sending = party(size=512)
    receiver = party.receive(sending)
    receiver.wait_for_pictures(100)
    got = receiver.end()
    assert (got["parts"] == 1).all()
    assert (np.diff(got["first"]) > 0).all()
    assert got["first"].max() < len(sending.took_s)


def test_a_receiver_that_was_killed_and_returns_has_a_picture_within_two_seconds(network, tmp_path):
    def scenario():
        misses = []
        with a_party(tmp_path) as party:
            sending = party()
            for _ in range(3):
                receiver = party.receive(sending)
                misses += late("a picture", receiver.ready_s, receiver.picture_s(), 2.0)
                receiver.kill()
        return misses

    play_fairly(scenario)


SENDER = """
    import time
    from tests.output.ndi.ends import Sending
    print(Sending(text="ndi:NAME").port, flush=True)
    time.sleep(100)
"""


@contextmanager
def other_process(name):
    """Start a sender in a process of its own, in the same network; it is killed in the end."""
    script = textwrap.dedent(SENDER).replace("NAME", name)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT) as it:
        try:
            it.port = int(it.stdout.readline())
            yield it
        finally:
            it.kill()


def test_a_sender_that_was_killed_is_back_at_once_under_its_name(network, tmp_path):
    def scenario():
        with a_party(tmp_path) as party:
            with other_process(NAME) as sender:
                receiver = party.receive(sender)
                receiver.wait_for_pictures(10)
            sending = party()
            assert sending.output.about()["sender"] == f"{host()} ({NAME})"
            receiver = party.receive(sending)
            return late("a picture", receiver.ready_s, receiver.picture_s(), 2.0)

    play_fairly(scenario)


def test_who_was_given_an_address_has_a_picture_again_when_a_killed_sender_is_back(
    network, tmp_path
):
    """The sender need not be found anew: it is at its old port, and on the machine's list."""

    def scenario():
        with a_party(tmp_path) as party:
            with other_process(NAME) as sender:
                receiver = party.receive(sender)
                receiver.picture_s()
                receiver.wait_for_pictures(10)
                sender.kill()
                killed_s = time.monotonic()
                sender.wait()
                time.sleep(ndi_receiver.GAP_S)
                sending = party()
            assert sending.port == sending.output.port == sender.port
            assert FINDING_PORT in listening()
            again_s = receiver.picture_s()
            while again_s < killed_s:  # an earlier pause, of a machine that was held up
                again_s = receiver.picture_s()
            return late("a picture", killed_s, again_s, 3.0)

    play_fairly(scenario)


def test_a_name_that_is_taken_is_refused_with_the_remedy(party):
    with other_process(NAME), pytest.raises(OutputError) as caught:
        party()
    assert NAME in str(caught.value)
    assert f"choose another: ndi:{NAME}-2" in str(caught.value)


def test_a_stalled_receiver_does_not_hold_up_sending_or_closing(network, tmp_path):
    def scenario():
        with a_party(tmp_path) as party:
            sending = party(size=1024)
            receiver = party.receive(sending)
            receiver.wait_for_pictures(30)
            receiver.process.send_signal(signal.SIGSTOP)
            stopped_s, before = time.monotonic(), len(sending.took_s)
            wait_for(lambda: len(sending.took_s) >= before + 120)  # held up, it would send no more
            longest_s = max(sending.took_s[before:])
            misses = late("send was back", stopped_s, stopped_s + longest_s, 0.25)
            sending.stop()
            closing_s = time.monotonic()
            sending.output.close()
            return misses + late("closed", closing_s, time.monotonic(), 1.0)

    play_fairly(scenario)


def test_the_report_counts_receivers(party):
    sending = party()
    (port,) = listening() - {FINDING_PORT}
    nobody = {"sender": f"{host()} ({NAME})", "port": port, "receivers": 0}
    assert sending.output.about() == nobody
    first, second = party.receive(sending), party.receive(sending)
    for receiver in (first, second):
        receiver.picture_s()
    assert sending.output.about()["receivers"] == 2
    first.kill()
    wait_for(lambda: sending.output.about()["receivers"] == 1)
    sending.close()
    assert sending.output.about() == {"receivers": 0}


def host():
    return socket.gethostname().split(".")[0].upper()


def test_it_can_be_opened_and_closed_without_end(network):
    context = OutputContext(256, Fraction(60))
    handles = []
    for n in range(20):
        output = ndi.open_output(NAME, replace(context, attempt=n))
        output.send(flat((n, n, n), 256), n / 60)
        output.close()
        handles.append(len(list(Path("/proc/self/fd").iterdir())))
    assert handles[-1] <= handles[4]


def test_the_default_name_is_constant(monkeypatch):
    """A stand-in is asked for the name: a show that runs on this machine may have it."""
    asked = []

    class Runtime:
        """Refuses every name."""

        initialize = staticmethod(lambda: True)
        SendCreate = staticmethod(lambda *arguments: arguments)
        send_create = staticmethod(asked.append)

    monkeypatch.setitem(sys.modules, "NDIlib", Runtime)
    for attempt in (0, 1):
        with pytest.raises(OutputError, match="'vjnode'"):
            ndi.open_output("", OutputContext(64, Fraction(60), attempt=attempt))
    assert asked == [("vjnode", None, False, False)] * 2  # False, False: it does not clock itself


def test_a_closed_output_refuses_frames(network):
    output = ndi.open_output(NAME, OutputContext(64, Fraction(60)))
    output.close()
    with pytest.raises(OutputError, match="closed"):
        output.send(flat((1, 2, 3)), 0.0)


@pytest.mark.parametrize("name", ["a/b", "tab\t", 'the "face"', "C:\\", "x" * 201, "é" * 101])
def test_a_name_that_receivers_would_not_find_is_refused(name):
    with pytest.raises(InputError) as caught:
        ndi.open_output(name, OutputContext(64, Fraction(60)))
    assert name in str(caught.value)


def test_an_odd_width_is_refused_with_what_to_write():
    with pytest.raises(InputError, match=r"511 px; try size=512"):
        ndi.open_output("", OutputContext(511, Fraction(60)))


def test_a_missing_runtime_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "NDIlib", None)
    assert install_extra("ndi") in ndi.unready()
    with pytest.raises(OutputError, match="pip install"):
        ndi.open_output("", OutputContext(64, Fraction(60)))


@pytest.mark.parametrize(
    ("missing", "remedy"), [("libndi.so.6", "pip install"), ("libavahi-client.so.3", "apt-get")]
)
def test_a_runtime_that_cannot_be_loaded_is_told_with_its_reason(
    monkeypatch, tmp_path, missing, remedy
):
    (tmp_path / "NDIlib.py").write_text(f"raise ImportError('{missing}: no such file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "NDIlib", raising=False)
    assert f"{missing}: no such file" in ndi.unready()
    assert remedy in ndi.unready()


def test_it_is_ready_where_the_runtime_can_be_imported():
    with own_network():
        pytest.importorskip("NDIlib", exc_type=ImportError)
        assert ndi.unready() == ""
