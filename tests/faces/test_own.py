"""Faces of the user's own: they are added, mixed and removed, and a bad one harms nobody."""

import cv2
import numpy as np
import pytest
from safetensors.numpy import save_file

from vjnode.cli.main import main
from vjnode.errors import InputError
from vjnode.faces import catalogue, own, removal
from vjnode.faces.catalogue import face_names, load_face
from vjnode.generators.registry import DEFAULT
from vjnode.generators.stylegan2.spec import STYLEGAN2


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's configuration folder."""
    folder = tmp_path / "config"
    for module in (catalogue, own, removal):
        monkeypatch.setattr(module, "config_dir", folder.joinpath)
    catalogue.forget_own()
    yield folder
    catalogue.forget_own()


def run(*arguments):
    return main(["faces", *map(str, arguments)])


def test_a_random_face_is_kept_and_is_the_same_again(capsys):
    shipped = face_names()
    assert run("add", "nova", "--seed", 4711) == 0
    assert face_names() == [*shipped, "nova"]
    first = load_face("nova").codes.copy()
    assert run("add", "nova", "--seed", 4711, "--about", 'a "star"\\') == 0
    assert np.array_equal(load_face("nova").codes, first)
    assert load_face("nova").about == 'a "star"\\'
    assert run("add", "other", "--seed", 4712) == 0
    assert not np.allclose(load_face("other").codes, first)
    capsys.readouterr()
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*shipped, "nova", "other"]
    assert run("remove", "nova") == 0
    assert face_names() == [*shipped, "other"]


def test_a_face_lies_between_two():
    assert run("mix", "maple", "flint", 0.25, "--name", "half") == 0
    maple, flint = (load_face(name).codes for name in ("maple", "flint"))
    assert np.allclose(load_face("half").codes, 0.75 * maple + 0.25 * flint, atol=1e-5)


@pytest.mark.parametrize("shape", [(512,), (23, 512), (1, 512)])
@pytest.mark.parametrize("kind", ["npy", "safetensors"])
def test_a_latent_comes_from_a_file(tmp_path, shape, kind):
    codes = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    path = tmp_path / f"w.{kind}"
    if kind == "npy":
        np.save(path, codes.astype(np.float64))
    else:
        save_file({"w": codes}, path)
    assert run("add", "came", "--latent", path) == 0
    assert np.allclose(load_face("came").codes, np.broadcast_to(codes, (23, 512)), atol=1e-6)


def test_other_generators_have_faces_of_their_own():
    assert run("add", "cloud", "--seed", 1, "--generator", "stylegan2") == 0
    assert "cloud" in face_names(STYLEGAN2)
    assert "cloud" not in face_names()
    assert load_face("cloud", STYLEGAN2).codes.shape == STYLEGAN2.codes_shape


@pytest.mark.parametrize("name", ["../evil", "", "a b", "Ä", ".", "x" * 33, "con", "-x", "a/b"])
def test_a_name_is_no_path(name, home):
    with pytest.raises(InputError, match="cannot be the name of a face"):
        own.check_name(name)
    assert run("add", "--seed=1", "--", name) == 2
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "maple", "--seed", 1), "a face called 'maple' ships"),
        (("add", "nova"), "--seed"),
        (("add", "nova", "--seed", -1), "0"),
        (("add", "nova", "--latent", "nothing.npy"), "no latent that can be read"),
        (("mix", "maple", "nobody", 0.5, "--name", "half"), "no face 'nobody'"),
        (("mix", "maple", "flint", 2, "--name", "half"), "from 0 to 1"),
        (("remove", "maple"), "not a face of your own; there are: none yet"),
        (("--face", "maple"), "--face goes with --sheet"),
        (("--sheet", "out.jpg"), "ends in .png"),
    ],
)
def test_what_cannot_be_is_said(capsys, arguments, said):
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("codes", [np.zeros(511), np.full(512, np.nan), np.zeros((2, 512))])
def test_a_latent_of_another_shape_is_refused(tmp_path, codes):
    np.save(tmp_path / "w.npy", codes)
    with pytest.raises(InputError, match="a latent of mobilestylegan is finite"):
        own.read_codes(tmp_path / "w.npy", DEFAULT)


def test_a_bad_file_is_left_out(home, caplog):
    assert run("add", "nova", "--seed", 1) == 0
    (home / "faces" / "broken.toml").write_text("number = ")
    (home / "faces" / "alone.toml").write_text("number = 1\n")
    (home / "faces" / "maple.toml").write_text("number = 1\n")
    catalogue.forget_own()
    assert face_names()[-1] == "nova"
    assert [name for name in ("broken", "alone", "maple") if f"{name}." in caplog.text] == [
        *("broken", "alone", "maple")
    ]


@pytest.mark.slow
def test_a_sheet_shows_each_face(tmp_path):
    path = tmp_path / "faces.png"
    assert run("--sheet", path) == 0
    sheet = cv2.imread(str(path))
    rows = -(-len(face_names()) // 6)
    assert sheet.shape == (rows * 280, 6 * 256, 3)
    tiles = [sheet[:256, i * 256 : (i + 1) * 256].astype(float) for i in range(6)]
    assert min(np.abs(one - tiles[0]).mean() for one in tiles[1:]) > 10
    assert run("--sheet", path, "--face", "raven", "--generator", "mobilestylegan") == 0
