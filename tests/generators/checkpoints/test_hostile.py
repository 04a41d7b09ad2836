"""Hostile and damaged checkpoints: nothing of them is run, and each is refused with a reason."""

import io
import os
import pickle
import random
import subprocess
import sys
import zipfile

import numpy
import pytest
import torch
from safetensors.torch import save

from tests.generators.checkpoints.hostile import (
    CHANNELS,
    DIM,
    Runs,
    calls,
    files,
    mutated,
    mutated_within,
    pickle_of,
    tensor_of,
    watch,
)
from tests.generators.checkpoints.layouts import Generator, Persistent, pkl_of, with_modules
from vjnode.errors import InputError
from vjnode.generators.checkpoints import child, confined
from vjnode.generators.checkpoints.confined import convert


@pytest.fixture
def read(tmp_path):
    """Read bytes as a checkpoint, in this process, and return the answer; nothing may be run."""
    path, target = tmp_path / "given", tmp_path / "made.safetensors"

    def read_it(data):
        path.write_bytes(data)
        watch.update(on=True, seen=[])
        try:
            answer = child.answer(str(path), str(target))
        finally:
            watch["on"] = False
        assert not watch["seen"]
        return answer

    numpy.random.default_rng()  # what reading imports late is there from here on
    "".encode("raw-unicode-escape")  # of texts in old pickles
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
    child.answer(str(path), str(target))
    return read_it


def marked(tmp_path):
    return tmp_path / "it-was-run"


@pytest.mark.parametrize("name", calls("x"))
def test_a_call_is_refused_by_its_name(tmp_path, monkeypatch, read, name):
    with_modules(monkeypatch)
    try:
        alone = pickle.dumps(calls(marked(tmp_path))[name])
    except TypeError:  # a module cannot be pickled
        alone = b"\x80\x04cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR."
    held = {"G_ema": Generator(CHANNELS, DIM, 1)}
    beside = pickle.dumps(held)[:-1] + b"0" + alone[2:]
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("archive/data.pkl", alone)
    for data in (alone, beside, inside.getvalue()):
        assert "which no checkpoint needs; nothing of it was run" in read(data)["refused"]
    assert not marked(tmp_path).exists()


def test_source_code_in_a_pkl_is_left_alone(tmp_path, monkeypatch, read):
    with_modules(monkeypatch)
    monkeypatch.setattr(Persistent, "mark", str(marked(tmp_path)))
    data = pkl_of(Generator(CHANNELS, DIM, 1))
    assert b"os.system('touch" in data
    assert read(data)["layout"] == "NVIDIA's .pkl"
    assert not marked(tmp_path).exists()


def test_a_pickle_within_a_tensor_is_no_way_in(tmp_path, monkeypatch, read):
    """The storage of a tensor in a .pkl is a file of torch.save, which can hold anything."""
    with_modules(monkeypatch)
    generator = Generator(CHANNELS, DIM, 1)
    payload = pickle.dumps(Runs(os.system, f"touch {marked(tmp_path)}"), 2)
    begun = b"".join(pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {}))
    for inner in (payload, begun + payload, begun):
        harmful = Runs(torch.storage._load_from_bytes, inner)
        tensor = Runs(torch._utils._rebuild_tensor_v2, harmful, 0, (2, 4, 4), (16, 4, 1), False, {})
        generator.synthesis.b4._parameters["const"] = tensor
        said = read(pkl_of(generator))["refused"]
        assert "no checkpoint" in said
    assert not marked(tmp_path).exists()


@pytest.mark.parametrize(
    "tensor",
    [
        tensor_of((2**40,), (0,)),
        tensor_of((2**20, 2**20), (0, 0)),
        tensor_of((2**25,), (0,)),
        tensor_of((2, 4, 4), (16, 4, 1)),
        tensor_of((0, 4, 4), (16, 4, 1)),
        tensor_of((2, 2), (2, 1), offset=1),
        tensor_of((2, 2), (2, 1), offset=-1),
        tensor_of((2, 2), (-2, 1)),
        tensor_of((-2, 2), (2, 1)),
        tensor_of((2.0, 2), (2, 1)),
        tensor_of((1,) * 40, (1,) * 40),
        tensor_of((2**70,), (2**70,)),
        tensor_of((2, 2), (2**62, 2**62)),
    ],
)
def test_a_shape_beyond_its_numbers_is_refused(monkeypatch, read, tensor):
    with_modules(monkeypatch)
    generator = Generator(CHANNELS, DIM, 1)
    generator.synthesis.b4._parameters["const"] = tensor
    assert "tensor" in read(pkl_of(generator))["refused"]


HUGE = (2**40).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"\x00" * 1000, "neither a pickle nor"),
        (b"GIF89a" + b"\x00" * 100, "neither a pickle nor"),
        (b"PK\x03\x04" + b"\x00" * 100, "damaged"),
        (pickle_of(b"\x8e", HUGE, b"x"), "damaged"),  # bytes of a length of 1 TB
        (pickle_of(b"\x8d", HUGE, b"x"), "damaged"),
        (pickle_of(b"\x96", HUGE, b"x"), "damaged"),
        (pickle_of(b"\x8b", b"\xff\xff\xff\x7f", b"x"), "damaged"),
        (pickle_of(b"N" * 3_000_000), "more than 2000000 operations"),
        (pickle_of(b"]", b"]\x94h\x00a" * 100), "damaged|no generator"),
        (pickle_of(b"(" * 200_000, b"t" * 200_000), "no generator"),  # nested
        (pickle_of(b"]", b"]" * 200_000, b"a" * 200_000), "no generator"),
        (pickle_of(b"]\x94", b"(h\x00h\x00h\x00h\x00h\x00h\x00h\x00h\x00e" * 9000), "no generator"),
        (pickle_of(b"}(", b"(" * 50_000, b"t" * 50_000, b"Nu"), "no generator"),
        (pickle_of(b"\x82\x01"), "damaged"),  # an extension of copyreg's
        (pickle_of(b"\x97"), "damaged"),  # a buffer outside
        (b"\x80\x04" + b"I" + b"9" * 100_000 + b"\n." + b" " * 20, "damaged"),
        (b"\x80\x04" + b"N" * 20, "damaged"),  # without an end
        (b"\x80\x04" + b"0" * 20 + b".", "damaged"),
        (b"\x80\x04" + b"(1" * 10 + b"R.", "damaged"),
        ((10).to_bytes(8, "little") + b"{" + b"x" * 100, "damaged"),
        ((2**23).to_bytes(8, "little") + b"{" + b"x" * 100, "damaged"),
        (save({"x": torch.zeros(3)}), "of no StyleGAN"),
        (pickle.dumps({"weights": [1, 2, 3]}), "no generator in a layout"),
        (pickle.dumps(list(range(100))), "no generator in a layout"),
        (pickle_of(b"(cdnnlib.tflib.network\nNetwork\n)\x81}bt"), "of TensorFlow; convert it"),
        (pickle_of(b"cdnnlib.tflib.network\nNetwork\n)\x81}b"), "of TensorFlow; convert it"),
        (
            pickle_of(
                b"cdnnlib.tflib.network\nNetwork\n)\x81}X\x0f\x00\x00\x00build_func_name"
                b"X\x07\x00\x00\x00G_stylesb"
            ),
            "a StyleGAN of the first kind",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_no_checkpoint_is_refused(read, data, words):
    said = read(data)["refused"]
    assert any(word in said for word in words.split("|")), said


def test_an_archive_that_unpacks_to_more_than_it_is(read):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x00" * 10_000_000)
    assert len(stream.getvalue()) < 20_000
    assert "compressed" in read(stream.getvalue())["refused"]


def test_names_in_an_archive_lead_nowhere(tmp_path, read):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("../../escaped", b"x")
        archive.writestr("/escaped", b"x")
    assert "no generator" in read(stream.getvalue())["refused"]
    assert not list(tmp_path.parent.glob("escaped"))


@pytest.mark.parametrize("kind", ["pkl", "pkl3", "zip", "older"])
def test_a_truncated_file_is_refused(monkeypatch, read, kind):
    data = files(monkeypatch)[kind]
    assert "layout" in read(data)
    for share in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        assert "refused" in read(data[: int(share * len(data))])


@pytest.mark.filterwarnings("ignore")  # of numbers and texts that are none
@pytest.mark.parametrize("kind", ["pkl", "pkl3", "zip", "older"])
@pytest.mark.parametrize("count", [120, pytest.param(500, marks=pytest.mark.slow)])
def test_mutated_files_run_nothing(monkeypatch, read, kind, count):
    data, draws, refused = files(monkeypatch)[kind], random.Random(count), 0
    for _ in range(count):
        within = kind == "zip" and draws.random() < 0.8
        answer = read(mutated_within(data, draws) if within else mutated(data, draws))
        assert answer.keys() in ({"refused"}, {"layout", "notes"})
        refused += "refused" in answer
    assert refused > count / 4


def test_what_is_no_file_is_refused(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    folder = tmp_path / "folder"
    folder.mkdir()
    cases = {folder: "regular|directory", tmp_path / "none": "No such file", loop: "cannot be read"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        link = tmp_path / "endless"
        link.symlink_to("/dev/zero")
        cases |= {tmp_path / "pipe": "regular", link: "regular"}
    for path, words in cases.items():
        with pytest.raises(InputError) as caught:
            convert(path, tmp_path / "made.safetensors")
        assert any(word in str(caught.value) for word in words.split("|")), caught.value
    assert not (tmp_path / "made.safetensors").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_the_reading_process_has_limits():
    code = (
        "from vjnode.generators.checkpoints.limits import set_limits; set_limits()\n"
        "import resource; print(resource.getrlimit(resource.RLIMIT_CPU)[1])\n"
        "try:\n    bytearray(16 * 2**30)\nexcept MemoryError:\n    print('full')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    limit, *rest = done.stdout.split()
    assert 0 < int(limit) <= 120
    assert sys.platform != "linux" or rest == ["full"]


def test_a_process_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(confined, "WALL_S", 0.01)
    (tmp_path / "some").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="took more than"):
        convert(tmp_path / "some", tmp_path / "made.safetensors")


def test_a_reason_cannot_steer_the_terminal(tmp_path):
    path = tmp_path / "colour.pkl"
    path.write_bytes(b"\x80\x04c\x1b[31mred\nx\n." + b" " * 20)
    with pytest.raises(InputError) as caught:
        convert(path, tmp_path / "made.safetensors")
    assert "\x1b" not in str(caught.value)
