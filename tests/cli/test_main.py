import argparse
import io
import sys
import wave
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import platformdirs
import pytest

from tests.early import PYTHON, run
from tests.show.process import read_trace
from vjnode.cli.main import build_parser, main
from vjnode.config import parse_address
from vjnode.control.presets import scan_presets
from vjnode.errors import InputError
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.output.registry import KINDS, check_once, parse_output
from vjnode.paths import shipped

SONG = shipped("demo", "demo.ogg")


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("faces", face_names()),
        ("expressions", expression_names()),
        ("presets", list(scan_presets(faces=face_names(), expressions=expression_names()))),
    ],
)
def test_lists_start_each_line_with_the_name_and_the_number_that_osc_takes(capsys, command, names):
    assert main([command]) == 0
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [[name, str(number)] for number, name in enumerate(names, 1)]


def test_presets_are_kept(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: tmp_path)
    asked = ["--preset", "riot", "--gain", "2", "--set", "morph=3", "--gate", "-50"]
    assert main(["presets", "save", "hot", "--about", "drop", *asked]) == 0
    presets = scan_presets(faces=face_names(), expressions=expression_names())
    preset = presets["hot"]
    assert (preset.about, preset.face) == ("drop", presets["riot"].face)
    assert [preset.values[name] for name in ("gain", "morph", "gate")] == [2.0, 3.0, -50.0]
    assert main(["presets", "move", "hot", "1"]) == 0
    assert main(["presets", "rename", "hot", "warm"]) == 0
    capsys.readouterr()
    assert main(["presets", "list"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["warm", "1"]
    assert main(["presets", "delete", "warm"]) == 0
    for refused in (["delete", "riot"], ["save", "next"], ["move", "riot", "99"]):
        assert main(["presets", *refused]) == 2


@pytest.mark.parametrize("command", ["faces", "expressions"])
def test_lists_are_of_the_generator_that_is_asked_for(capsys, command):
    lists = []
    for options in ([], ["--generator", "stylegan2"]):
        assert main([command, *options]) == 0
        lists.append({line.split()[0] for line in capsys.readouterr().out.splitlines()})
    assert all(lists)
    assert lists[0].isdisjoint(lists[1])
    assert main([command, "--generator", "biggan"]) == 2
    assert "mobilestylegan" in capsys.readouterr().err


def test_every_output_is_ready_or_says_why_not(capsys):
    assert main(["outputs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0].partition("[")[0].partition(":")[0] for line in lines] == list(KINDS)
    ready = {line.split()[0]: "ready" in line.split() for line in lines}
    assert ready["null"]


@pytest.mark.parametrize(
    ("target", "options", "part"),
    [
        ("a.mp4", ["--alpha"], "a.mp4 cannot hold --alpha; call it .mov"),
        ("a.mov", ["--alpha", "--background", "blur"], "leave out one"),
        ("a.mov", ["--alpha", "--codec", "h264"], "H.264 in .mov carries no alpha"),
        ("a.mov", ["--codec", "prores4444"], "of a rendering: --alpha"),
        ("a.mp4", ["--background", "nowhere.png"], "nowhere.png"),
    ],
)
def test_a_rendering_that_cannot_be_is_told_at_once(capsys, tmp_path, target, options, part):
    assert main(["render", str(SONG), str(tmp_path / target), *options]) == 2
    assert part in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_devices_never_fails(capsys):
    assert main(["devices"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize("encoding", ["cp437", "cp932", "ascii"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["presets"], 0),
        (["faces"], 0),
        (["expressions"], 0),
        (["outputs"], 0),
        (["devices"], 0),
        (["engines", "list", "--help"], 0),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["run", "--preset", "Bühne ® 人"], 2),
        (["run", "--size®人"], 2),
        (["engines", "remove", "Bühne ® 人"], 2),
    ],
)
def test_what_a_console_cannot_show_fails_nothing(tmp_path, monkeypatch, encoding, arguments, code):
    folder = tmp_path / "vjnode" / "presets"
    folder.mkdir(parents=True)
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: tmp_path / "vjnode")
    name, text = "Bühne®人.toml", shipped("stage.toml").read_text("utf-8")
    (folder / name).write_text(text.replace('about = "', 'about = "®人 '), "utf-8")
    said = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", said[0])
    monkeypatch.setattr(sys, "stderr", said[1])
    try:
        ended = main(arguments)
    except SystemExit as exit_of_argparse:
        ended = exit_of_argparse.code
    assert ended == code
    for stream in said:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in said)
    assert "Traceback" not in err
    if "presets" in arguments or code == 2:  # what is said has a name in it
        assert "?" in out + err


def test_there_is_enough_to_choose_from():
    assert len(face_names()) >= 8
    assert len(expression_names()) >= 3
    assert "laugh" in expression_names()
    presets = scan_presets(faces=face_names(), expressions=expression_names())
    looks = {(preset.face, preset.expression) for preset in presets.values()}
    assert len(looks) >= 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--audio", "file:nowhere.ogg"], ["nowhere.ogg"]),
        (["run", "--audio", "radio"], ["radio", "file:PATH"]),
        (["run", "--face", "nobody"], ["nobody", *face_names()]),
        (["run", "--expression", "laugth"], ["did you mean 'laugh'"]),
        (["run", "--preset", "none"], ["none", "stage"]),
        (["run", "--gain", "9"], ["9", "4"]),
        (["run", "--gate", "-10"], ["-10", "-90 to -20 dBFS"]),
        (["run", "--bpm", "20"], ["20", "30 to 300", "0 (follow beat_source)"]),
        (["run", "--agc", "maybe"], ["maybe", "off, on, freeze"]),
        (["run", "--set", "curve"], ["curve", "NAME=VALUE"]),
        (["run", "--set", "curve=9"], ["9", "0.25 to 4"]),
        (["run", "--set", "curve=much"], ["much", "0.25 to 4"]),
        (["run", "--set", "tap=1"], ["tap", "/vjnode/tap 1"]),
        (["run", "--set", "bass=1"], ["bass", "accent_decay"]),
        (["run", "--set", "route.expression.bass.amount=1"], ["sources: weight, onset"]),
        (["run", "--size", "500"], ["500", "1024"]),
        (["run", "--fps", "fast"], ["fast"]),
        (["run", "--fps", "0"], ["0", "240"]),
        (["run", "--duration", "-1"], ["-1", "0.01 to 10000000 s"]),
        (["run", "--osc", "9010"], ["9010", "HOST:PORT"]),
        (["run", "--oscquery", "8351"], ["8351", "HOST:PORT"]),
        (["run", "--osc-out", "9001"], ["9001", "HOST:PORT"]),
        (["run", "--osc-out-rate", "500"], ["500", "1 to 120"]),
        (["run", "--output", "hologram"], ["hologram", "preview"]),
        (["run", "--output", "record"], ["record:PATH"]),
        (["run", "--report", "no/such/folder/r.json"], [str(Path("no/such/folder"))]),
        (["render", "nowhere.ogg", "out.mp4"], ["nowhere.ogg"]),
        (["analyse", "README.md", "--trace", "t.jsonl"], ["README.md"]),
        (["analyse", str(SONG)], ["--trace", "--plot"]),
        (["analyse", str(SONG), "--plot", "p.gif"], ["p.gif", ".png"]),
        (["analyse", str(SONG), "--plot", "no/folder/p.png"], [str(Path("no/folder"))]),
        (["analyse", str(SONG), "--plot", "p.png", "--trace", "p.png"], ["trace", "plot"]),
        (["analyse", str(SONG), "--plot", "p.png", "--points", "101"], ["101", "0 to 100"]),
        (["render", str(SONG), "out.mp4", "--interval", "9"], ["9", "0.02 to 5 s, or 0 (as live)"]),
        (["analyse", str(SONG), "--trace", "t.jsonl", "--fps", "-5"], ["-5", "1 to 240"]),
        (["analyse", str(SONG), "--trace", "t.jsonl", "--fps", "0"], ["0", "1 to 240"]),
        (["run", "--sweep-memory", "9999999"], ["9999999", "16 to 1048576 MiB"]),
        (["run", "--size", "1e3"], ["1e3", "--size"]),
        (["dance"], ["dance", "analyse"]),
        (["run", "--output", "ndi", "--output", "ndi:vjnode,size=512"], ["ndi:vjnode-2"]),
        (
            ["run", *(f"--output=ndi:{name}" for name in ("Face", "Face-2", "Face"))],
            ["same name, ndi:Face;", "call the second ndi:Face-3"],
        ),
        (["run", "--output", "spout:A", "--output", "spout:A"], ["spout:A-2"]),
        (["run", "--output", "syphon:A", "--output", "syphon:A"], ["syphon:A-2"]),
        (["run", "--output", "preview", "--output", "preview:8350"], ["address", "8350"]),
        (["run", "--output", "camera:x", "--output", "camera:x"], ["same device, camera:x"]),
        (["run", "--output", "window:1", "--output", "window:1"], ["same display, window:1"]),
        (["render", str(SONG), "out.avi"], ["out.avi", ".mp4"]),
        (["render", str(SONG), "no/folder/out.mp4"], [str(Path("no/folder"))]),
        (["render", str(SONG), str(SONG)], ["song", "video"]),
        (["render", str(SONG), "out.mp4", "--trace", str(SONG)], ["song", "trace"]),
        (["analyse", str(SONG), "--trace", str(SONG)], ["song", "trace"]),
        (["run", "--audio", "file:x.mp4", "--output", "record:./x.mp4"], ["song", "recording"]),
        (["run", "--output", "record:x.mp4", "--output", "record:./x.mp4"], ["recording 2"]),
    ],
)
def test_bad_requests_end_with_2_and_say_what_helps(caplog, capsys, arguments, words):
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert text.startswith("vjnode: ")
    for word in words:
        assert word in text


def commands(parser, name=""):
    """Every command there is, with what reads its options."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield from commands(below, f"{name} {word}")
    yield name, parser


def numeric_options():
    return [
        pytest.param(parser, action, id=f"{name} {action.option_strings[0]}")
        for name, parser in commands(build_parser())
        for action in parser._actions
        if action.type not in (None, Path, parse_address) and action.option_strings
    ]


@pytest.mark.parametrize(("parser", "action"), numeric_options())
@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1e9", "1e99", "9" * 5000, "-5", "x", ""])
def test_no_option_takes_a_number_that_means_nothing(parser, action, text):
    needed = ["x" for one in parser._actions if one.required and not one.option_strings]
    with pytest.raises(InputError):
        parser.parse_args([*needed, f"{action.option_strings[0]}={text}"])


def test_the_numeric_options_are_all_read_by_what_knows_their_limits():
    plain = {
        f"{name} {action.option_strings[0]}"
        for name, parser in commands(build_parser())
        for action in parser._actions
        if action.type in (int, float) and not action.choices and action.option_strings
    }
    assert plain == set()
    assert len(numeric_options()) >= 18


def test_outputs_of_which_each_can_be_had_once_may_be_had_twice_by_other_names():
    for outputs in (
        ("ndi", "ndi:B"),
        ("preview:0", "preview:0"),
        ("preview", "preview:9000"),
        ("null", "null"),
        ("ndi:A", "spout:A"),
    ):
        check_once([parse_output(text) for text in outputs])


def test_an_interval_of_zero_is_what_a_live_show_does(tmp_path):
    """Live, the weight moves in between the time points of a rendering as well."""
    song, seconds = tmp_path / "song.wav", 8
    rng, hits = np.random.default_rng(1), np.tile(np.linspace(1.0, 0.0, 11025) ** 3, 4 * seconds)
    samples = (8000 * hits * rng.standard_normal(len(hits))).clip(-32768, 32767)
    with wave.open(str(song), "wb") as file:
        file.setparams((1, 2, 44100, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    for name, interval in (("live", "0"), ("method", "0.25")):
        command = ["analyse", str(song), "--trace", str(tmp_path / name), "--interval", interval]
        assert main(command) == 0
    live, method = (
        np.array([line["weight"] for line in read_trace(tmp_path / name)])
        for name in ("live", "method")
    )
    assert len(live) == pytest.approx(len(method), abs=2)
    assert np.abs(np.diff(live)).sum() > 1.2 * np.abs(np.diff(method)).sum()


def analyses():
    """Analyse the demo song twice; return the folder of the traces, which lasts as long as this."""
    kept = TemporaryDirectory()
    for name in ("one", "two"):
        trace = Path(kept.name) / name
        done = run(PYTHON, "-m", "vjnode", "analyse", SONG, "--trace", trace)
        assert done.returncode == 0, done.stderr
    return kept


@pytest.mark.early(work=analyses)
def test_analysis_follows_the_demo_song_and_repeats_itself(early):
    one, two = (Path(early.name) / name for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    lines = read_trace(one)
    assert lines[0].keys() == {
        *("frame", "t", "rms_db", "agc_db", "onsets", "low", "mid", "high", "bpm", "beat", "bar"),
        *("weight", "weight/2", "weight/3", "weight/4", "gain", "face"),
        *("expression", "expression/2", "expression/3", "expression/4"),
    }
    assert len(lines) == pytest.approx(40 * 60, abs=60)
    times = np.array([line["t"] for line in lines])
    weights = np.array([line["weight"] for line in lines])
    assert np.allclose(times, np.arange(len(lines)) / 60, atol=0.05)
    calm = weights[(times > 1) & (times < 8)].mean()
    wild = weights[(times > 20) & (times < 30)].mean()
    end = weights[times > times[-1] - 1].mean()
    assert calm < 0.35
    assert wild > 0.6
    assert end < 0.35
