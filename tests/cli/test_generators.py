"""`vjnode generators`: a checkpoint is added, listed, looked at, played from and removed."""

import stat

import cv2
import numpy as np
import pytest

from tests.generators.own_folder import own_folder, small_checkpoint
from vjnode.cli.main import main
from vjnode.engines.networks import find_network
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import (
    expression_names,
    face_names,
    forget_own,
    load_expression,
    load_face,
)
from vjnode.faces.expression import latent_of
from vjnode.generators.registry import GENERATORS, PLAYABLE, read_own_generators


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    with own_folder(tmp_path / "own") as folder:
        yield folder


@pytest.fixture
def blobs(tmp_path):
    path = small_checkpoint(tmp_path / "blobs-5000.safetensors")
    assert main(["generators", "add", str(path), "--name", "blobs"]) == 0
    return PLAYABLE["blobs"]


def test_a_checkpoint_becomes_a_generator_that_can_be_played(own, tmp_path, capsys):
    path = small_checkpoint(tmp_path / "blobs-5000.safetensors")
    assert main(["generators", "add", str(path), "--name", "blobs", "--about", "red\tblobs"]) == 0
    blobs, said = PLAYABLE["blobs"], capsys.readouterr().out
    assert "added blobs: red\tblobs, 10 style codes of 32" in said
    assert "run --generator blobs --preset blobs-dance" in said
    assert (blobs.slots, blobs.dim, blobs.sizes) == (10, 32, (64,))
    assert face_names(blobs) == [f"blobs-{i}" for i in range(8)]
    components = [f"blobs-c{i}" for i in range(1, 9)]
    assert expression_names(blobs) == ["blobs-flow", *components]
    assert sorted(path.name for path in (own / "generators").iterdir()) == [
        "blobs.safetensors",
        "blobs.toml",
    ]
    if stat.S_IMODE((own / "generators").stat().st_mode) & 0o055:
        assert (own / "generators" / "blobs.safetensors").stat().st_mode & 0o044
    assert main(["generators"]) == 0
    row = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("blobs "))
    assert row.split() == ["blobs", "64", "px", "your", "own", "red", "blobs"]
    assert main(["faces", "--generator", "blobs"]) == 0
    assert main(["expressions", "--generator", "blobs"]) == 0
    capsys.readouterr()
    assert main(["presets", "--generator", "blobs"]) == 0
    assert capsys.readouterr().out.startswith("blobs-dance  1  blobs flows")
    assert find_network("blobs").sizes == (64,)


def test_components_draw_other_pictures(blobs):
    engine = open_engine(64, spec=blobs)
    try:
        face = load_face("blobs-0", blobs)
        rest = engine.draw(latent_of(face, load_expression("blobs-c1", blobs), 0.0)).astype(float)
        moved = [
            engine.draw(latent_of(face, load_expression(name, blobs), 1.0)).astype(float)
            for name in expression_names(blobs)[:4]
        ]
        other = engine.draw(latent_of(load_face("blobs-1", blobs), load_expression(0, blobs), 0.0))
    finally:
        engine.close()
    assert rest.shape == (64, 64, 4)
    assert min(np.abs(one - rest).mean() for one in (*moved, other)) > 2
    assert np.abs(moved[0] - moved[1]).mean() > 2


def test_a_sheet_of_seeds(tmp_path, blobs, capsys):
    out = tmp_path / "sheet.png"
    assert (
        main(["generators", "look", "blobs", "--out", str(out), "--seed", "5", "--count", "7"]) == 0
    )
    assert capsys.readouterr().out.endswith(f"{out}\n")
    sheet = cv2.imread(str(out))
    assert sheet.shape == (2 * 280, 6 * 256, 3)
    tiles = [sheet[10:250, 256 * i + 10 : 256 * i + 250].astype(float) for i in range(6)]
    assert min(np.abs(one - tiles[0]).mean() for one in tiles[1:]) > 2
    assert main(["faces", "--generator", "blobs", "--sheet", str(out)]) == 0
    assert cv2.imread(str(out)).shape == (2 * 280, 6 * 256, 3)
    assert main(["generators", "look", "blobs", "--out", str(tmp_path / "sheet.jpg")]) == 2
    assert "ends in .png" in capsys.readouterr().err


def test_one_that_is_removed_leaves_nothing_of_it(own, blobs, capsys):
    (own / "faces" / "mine.toml").write_text('number = 0\ngenerator = "stylegan2"\n')
    (own / "faces" / "odd.toml").write_text("= = =")
    assert main(["generators", "remove", "blobs"]) == 0
    assert (
        "removed blobs, and 18 faces, expressions, actions and presets of it"
        in capsys.readouterr().out
    )
    assert "blobs" not in GENERATORS | PLAYABLE
    left = sorted(path.name for path in own.rglob("*") if path.is_file())
    assert left == ["mine.toml", "odd.toml"]
    assert main(["generators", "remove", "blobs"]) == 2
    assert "'blobs' is not a generator of your own; there are: none yet" in capsys.readouterr().err
    assert main(["generators", "remove", "stylegan2"]) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stylegan2", "ships; choose another"),
        ("mobilestylegan-live", "cannot be the name of a generator"),
        ("Blobs", "cannot be the name"),
        ("../blobs", "cannot be the name"),
        ("nul", "cannot be the name"),
        ("encoder", "cannot be the name"),
        ("x" * 25, "cannot be the name"),
    ],
)
def test_a_name_that_cannot_be(own, tmp_path, capsys, name, words):
    path = small_checkpoint(tmp_path / "x.safetensors")
    assert main(["generators", "add", str(path), "--name", name]) == 2
    assert words in capsys.readouterr().err
    assert not (own / "generators").exists()


def test_a_second_one_of_the_same_name_is_refused(tmp_path, blobs, capsys):
    path = small_checkpoint(tmp_path / "other.safetensors", seed=2)
    assert main(["generators", "add", str(path), "--name", "blobs"]) == 2
    assert "there is a generator 'blobs' already" in capsys.readouterr().err


def test_a_file_that_is_no_checkpoint_leaves_nothing_behind(own, tmp_path, capsys):
    path = tmp_path / "cats.pkl"
    path.write_bytes(b"\x80\x04cposix\nsystem\n(V touch it-was-run\ntR." + b" " * 20)
    assert main(["generators", "add", str(path), "--name", "cats"]) == 2
    assert f"vjnode: {path}: it asks for 'posix.system'" in capsys.readouterr().err
    assert list((own / "generators").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("stylegan2", "biggan"), "has family = 'biggan'"),
        (("dim = 32", "dim = 0"), "has dim = 0"),
        (("dim = 32", "dim = 1e9"), "dim = 1000000000.0"),
        (("[16, ", "[1, 16, 16, "), "needs 5 channels, one for each size from 4 to 64 px"),
        (("size = 64", "size = 100"), "has size = 100"),
        (("slots = 10", "slots = 1000"), "has slots = 1000"),
        (("[16, ", "['a', "), "channels = a"),
        (("mapping", "= ="), "cannot be read"),
    ],
)
def test_a_bad_text_leaves_its_generator_out_and_says_why(own, blobs, capsys, change, words):
    path = own / "generators" / "blobs.toml"
    path.write_text(path.read_text().replace(*change))
    read_own_generators()
    assert "blobs" not in PLAYABLE
    capsys.readouterr()
    assert main(["generators", "list"]) == 0
    said = capsys.readouterr().out
    assert f"left out: {path}" in said
    assert words in said
    assert main(["run", "--generator", "blobs"]) == 2


def test_one_without_its_weights_is_left_out(own, blobs, capsys):
    (own / "generators" / "blobs.safetensors").unlink()
    assert main(["generators", "look", "blobs"]) == 2
    assert "blobs.safetensors is not there any more; add the generator" in capsys.readouterr().err
    read_own_generators()
    assert "blobs" not in PLAYABLE


def test_a_shipped_name_is_not_taken_over(own, blobs):
    for path in (own / "generators").iterdir():
        path.rename(path.with_stem("mobilestylegan"))
    read_own_generators()
    assert PLAYABLE["mobilestylegan"].sizes[0] == 1024


def test_more_components_are_found_and_others_files_stay(own, blobs, capsys):
    find = ["expressions", "find", "--generator", "blobs", "--components"]
    assert main([*find, "12"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(expression_names(blobs)) == 13
    path = own / "expressions" / "blobs-c1.toml"
    path.write_text(path.read_text().replace('"blobs"', '"stylegan2"'))
    for more, words in (
        (["2"], "is of the generator 'stylegan2'; move it"),
        (["2", "--actions", "jaw"], "--components goes without --actions"),
        (["0"], "'0' is not a whole number from 1 to 32"),
    ):
        assert main([*find, *more]) == 2
        assert words in capsys.readouterr().err


def test_a_size_that_it_does_not_draw(blobs, capsys):
    assert main(["run", "--generator", "blobs", "--size", "256"]) == 2
    assert "--size 256 is not one of 64" in capsys.readouterr().err


def test_without_faces_the_error_says_how_to_make_some(own, blobs, capsys):
    for path in (own / "faces").iterdir():
        path.unlink()
    forget_own()
    assert main(["run", "--generator", "blobs"]) == 2
    assert "faces add NAME --seed 1 --generator blobs" in capsys.readouterr().err
