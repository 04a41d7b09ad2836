"""Answers of ``vjnode engines`` to a person and to a machine."""

import functools
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.early import PYTHON, run
from vjnode.cli.main import main
from vjnode.engines.build.manifest import manifest_path
from vjnode.engines.build.tensorrt_variants import RTX
from vjnode.engines.encoder import EncoderChoice
from vjnode.engines.registry import Verdict
from vjnode.remedies import run_vjnode

HEARS = Verdict("openvino", "openvino f32", "")


@functools.cache
def built():
    """Build an engine of the encoder for sm89; return its folder, with a cache, and its files.

    The folder lasts as long as what is returned.
    """
    kept = TemporaryDirectory()
    cache, folder = Path(kept.name) / "cache", Path(kept.name) / "engines"
    command = ["tools.build_engine", "--model", "encoder", "--gpu", "sm89", "--out", folder]
    done = run(PYTHON, "-m", *command, VJNODE_CACHE=cache, PATH="")
    assert done.returncode == 0, done.stderr
    path = folder / "encoder-fp16-sm89.rtx"
    assert f"built {path} (" in done.stdout
    assert "for sm89 (RTX 40" in done.stdout
    assert done.stdout.rstrip().endswith("; a show loads it")
    return kept, {one.name: one.read_bytes() for one in (path, manifest_path(path))}


pytestmark = [
    pytest.mark.skipif(not RTX.installed, reason=f"{RTX.package} is not installed"),
    pytest.mark.early(work=lambda **_: built()),
]


@pytest.fixture
def engines(early, tmp_path, monkeypatch):
    """A folder of the test's own with that engine, on a machine with the card that it is for."""
    kept, files = early
    monkeypatch.setenv("VJNODE_CACHE", str(Path(kept.name) / "cache"))
    monkeypatch.setenv("VJNODE_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setattr("vjnode.engines.build.store.gpu_here", lambda: "sm89")
    (tmp_path / "engines").mkdir()
    for name, content in files.items():
        (tmp_path / "engines" / name).write_bytes(content)
    return tmp_path / "engines"


@pytest.fixture
def runtimes(monkeypatch):
    """Fixed verdicts on what can draw here; returns the sizes that were asked for.

    Nothing is tried: most of these tests are not about that.
    """
    verdicts = [
        Verdict("tensorrt", "", "there is no CUDA card here"),
        Verdict("torch", "torch fp16 on Test Card", "", 1.25),
        Verdict("openvino", "openvino f32 on Test Processor", "", 131.4),
    ]
    asked = []

    def survey(size, *, spec):
        asked.append(size)
        return verdicts

    hearing = EncoderChoice(None, None, (Verdict("tensorrt", "", "no card"), HEARS))
    monkeypatch.setattr("vjnode.cli.engines.survey", survey)
    monkeypatch.setattr("vjnode.cli.engines.survey_encoder", lambda: hearing)
    return asked


def answer(capsys, *arguments, code=0):
    capsys.readouterr()
    assert main(["engines", *arguments]) == code
    said = capsys.readouterr()
    return said.out if code == 0 else said.err


def files_in(said):
    """Return the part of an answer that is about engine files."""
    return said.partition("\n\n")[2]


def test_the_list_says_what_can_draw_how_fast_and_which_is_taken(capsys, tmp_path, runtimes):
    said = answer(capsys, "list", "--dir", str(tmp_path), "--size", "512")
    assert said.splitlines()[:5] == [
        "what can draw 512 px here; a show takes the first that can (*):",
        "  tensorrt      there is no CUDA card here",
        "* torch          1.25 ms  torch fp16 on Test Card",
        "  openvino        131 ms  openvino f32 on Test Processor",
        "a show hears with openvino f32 (not tensorrt: no card)",
    ]
    about = json.loads(answer(capsys, "list", "--dir", str(tmp_path), "--json"))
    assert runtimes == [512, 1024]
    assert about["size"] == 1024
    assert about["encoder"] == {
        "runtime": "openvino",
        "encoder": "openvino f32",
        "skipped": {"tensorrt": "no card"},
    }
    assert about["runtimes"][0] == {
        "name": "tensorrt",
        "usable": False,
        "engine": None,
        "ms": None,
        "reason": "there is no CUDA card here",
        "taken": False,
    }
    assert [(one["ms"], one["taken"]) for one in about["runtimes"][1:]] == [
        (1.25, True),
        (131.4, False),
    ]


@pytest.mark.slow
def test_the_list_really_tries_what_is_here(capsys, tmp_path):
    about = json.loads(answer(capsys, "list", "--dir", str(tmp_path), "--size", "256", "--json"))
    assert [one["taken"] for one in about["runtimes"]].count(True) == 1
    last = about["runtimes"][-1]
    assert last["name"] == "openvino"
    assert last["usable"]
    assert last["ms"] > 0
    for one in about["runtimes"]:
        assert bool(one["reason"]) is not one["usable"]


def test_a_size_that_nothing_can_draw_is_refused(capsys, tmp_path):
    assert "640" in answer(capsys, "list", "--dir", str(tmp_path), "--size", "640", code=2)


def test_an_empty_folder_says_how_to_fill_it(capsys, tmp_path, runtimes):
    said = files_in(answer(capsys, "list", "--dir", str(tmp_path)))
    build = run_vjnode("engines", "build")
    assert said == f"there are no engines in {tmp_path}; build them with: {build}\n"
    assert json.loads(answer(capsys, "list", "--dir", str(tmp_path), "--json"))["engines"] == []


def test_the_list_says_what_can_run(capsys, engines, runtimes):
    size = (engines / "encoder-fp16-sm89.rtx").stat().st_size / 1e6
    assert (
        files_in(answer(capsys, "list")) == f"encoder-fp16-sm89.rtx  {size:5.1f} MB  can run here\n"
    )
    (one,) = json.loads(answer(capsys, "list", "--json"))["engines"]
    assert one["name"] == "encoder-fp16-sm89.rtx"
    assert one["usable"] is True
    assert one["reason"] is None
    assert (one["network"], one["gpu"], one["precision"]) == ("encoder", "sm89", "fp16")
    assert one["engine_bytes"] == (engines / one["name"]).stat().st_size


def test_the_list_says_what_is_for_another_card(capsys, engines, runtimes, monkeypatch):
    monkeypatch.setattr("vjnode.engines.build.store.gpu_here", lambda: None)
    (said,) = files_in(answer(capsys, "list")).splitlines()
    why = "it is for sm89 (RTX 40, L4, L40), and there is no CUDA card here"
    assert said.endswith(f"MB  for another GPU: {why}")
    (one,) = json.loads(answer(capsys, "list", "--json"))["engines"]
    assert (one["usable"], one["elsewhere"], one["reason"]) == (False, True, why)


def test_the_list_says_what_cannot_and_why(capsys, engines, runtimes):
    (engines / "encoder-fp16-sm89.rtx").write_bytes(b"half")
    (engines / "odd.rtx").write_bytes(b"")
    said = files_in(answer(capsys, "list")).splitlines()
    assert [line.split()[0] for line in said[::2]] == ["encoder-fp16-sm89.rtx", "odd.rtx"]
    assert [line.split()[-1] for line in said[::2]] == ["refused", "refused"]
    assert "4 bytes" in said[1]
    assert "vjnode engines build --model encoder" in said[1]
    assert "odd.rtx has no manifest" in said[3]
    rows = json.loads(answer(capsys, "list", "--json"))["engines"]
    assert [row["usable"] for row in rows] == [False, False]
    assert rows[1]["network"] is None


def test_a_foreign_engine_can_be_admitted_by_name(capsys, engines, runtimes, tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "another machine"))
    assert "vjnode engines trust encoder-fp16-sm89.rtx" in answer(capsys, "list")
    said = answer(capsys, "trust", "encoder-fp16-sm89")
    assert said.startswith("encoder-fp16-sm89.rtx is admitted")
    assert "can run here" in answer(capsys, "list")
    (one,) = json.loads(answer(capsys, "trust", "encoder-fp16-sm89", "--json"))
    assert one["usable"] is True


def test_engines_are_removed_by_name(capsys, engines):
    said = answer(capsys, "remove", "nothing", code=2)
    assert "no engine is called 'nothing'" in said
    assert "encoder-fp16-sm89.rtx" in said
    assert answer(capsys, "remove", "encoder-fp16-sm89") == "removed encoder-fp16-sm89.rtx\n"
    assert list(engines.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--gpu", "rtx4090"], ["no GPU 'rtx4090'", "sm89 (RTX 40"]),
        (
            ["--gpu", "sm89", "--model", "biggan"],
            ["'biggan'", "mobilestylegan, mobilestylegan-live, stylegan2, encoder"],
        ),
        (["--gpu", "sm89", "--size", "500"], ["500 px", "1024"]),
    ],
)
def test_a_wrong_request_is_answered_with_the_right_ones(capsys, engines, arguments, words):
    said = answer(capsys, "build", *arguments, code=2)
    assert all(word in said for word in words)


def test_a_build_answers_machines_in_json(capsys, engines):
    out = answer(capsys, "build", "--model", "encoder", "--gpu", "sm86", "--gpu", "sm89", "--json")
    assert [one["name"] for one in json.loads(out)] == [
        "encoder-fp16-sm86.rtx",
        "encoder-fp16-sm89.rtx",
    ]
