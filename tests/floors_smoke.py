"""A little of everything that vjnode does; ``tests/test_floors.py`` runs it with other versions."""

import importlib
import json
import pkgutil
import re
import urllib.request

import cv2
import numpy as np
import onnxruntime
from pythonosc.udp_client import SimpleUDPClient

import vjnode
from tests.audio.sounds import pink_noise, write_wav
from tests.events import wait_for
from tests.output.record.test_output import sound_of, video_of
from tests.show.process import read_trace, shows_in
from tests.show.process import vjnode as command
from vjnode.modulation.encoder.export import export_onnx
from vjnode.modulation.encoder.layout import histories
from vjnode.modulation.encoder.network import Encoder
from vjnode.paths import shipped


def test_every_module_can_be_imported():
    for module in pkgutil.walk_packages(vjnode.__path__, "vjnode."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_the_demo_song_is_analysed_and_plotted(tmp_path):
    song = shipped("demo", "demo.ogg")
    done = command("analyse", song, "--trace", tmp_path / "t", "--plot", tmp_path / "p.png")
    assert done.returncode == 0, done.stderr
    weights = [row["weight"] for row in read_trace(tmp_path / "t")]
    assert np.ptp(weights) > 0.5
    assert cv2.imread(str(tmp_path / "p.png")) is not None


def test_a_second_is_rendered_twice(tmp_path):
    """The second time, at the latest, from key frames on disk."""
    song = write_wav(tmp_path / "song.wav", np.tile(pink_noise(1.0, dbfs=-20.0)[:, None], 2))
    for name in ("one.mp4", "two.mp4"):
        done = command("render", song, tmp_path / name, "--size", "256", "--fps", "25")
        assert done.returncode == 0, done.stderr
        assert len(video_of(tmp_path / name)[0]) >= 25
        assert np.abs(sound_of(tmp_path / name)).max() > 0.01


def get(url):
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - of this machine
        return answer.read()


def test_a_show_is_steered_recorded_and_previewed(tmp_path):
    film = tmp_path / "show.mp4"
    outputs = ("--output", f"record:{film}", "--output", "preview:127.0.0.1:0")
    with shows_in(tmp_path) as start:
        show = start("--audio", "tone", *outputs)
        show.wait_until_live()
        (url,) = re.findall(r"preview at (\S+)", show.log)
        SimpleUDPClient("127.0.0.1", show.port).send_message("/vjnode/gain", 0.5)
        wait_for(lambda: json.loads(get(f"{url}/status"))["gain"] == 0.5)
        picture = cv2.imdecode(np.frombuffer(get(f"{url}/frame.jpg"), np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (256, 256, 3)
        wait_for(lambda: show.trace_path.read_bytes().count(b"\n") > 60)  # it may be held up
        assert show.end()[0] == 0, show.log
    assert len(video_of(film)[0]) > 10


def test_a_network_becomes_a_graph_that_runs_elsewhere():
    graph = onnxruntime.InferenceSession(export_onnx(Encoder().eval()))
    inputs = {one.name: np.zeros(one.shape, np.float32) for one in graph.get_inputs()}
    assert len(inputs) == 1 + len(histories())
    assert graph.run(None, inputs)[0].shape == (1, 512)
