"""`vjnode expressions find`: what is refused, and a small search from beginning to end."""

import cv2
import numpy as np
import platformdirs
import pytest

from tests.generators.own_folder import own_folder, small_checkpoint
from vjnode.cli.main import main
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import action_names, forget_own, load_expression, load_face, scan_own
from vjnode.faces.expression import latent_of
from vjnode.faces.finding import any_generator
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.mobilestylegan.download import landmark_model
from vjnode.generators.stylegan2.spec import STYLEGAN2
from vjnode.paths import config_dir


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: tmp_path / "config")
    monkeypatch.setattr(any_generator, "cache_dir", lambda *parts: made(tmp_path.joinpath(*parts)))
    forget_own()
    yield
    forget_own()


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--actions", "jaw,wings"], ["'wings' cannot be found", "jaw, teeth"]),
        (["--actions", "turn_left"], ["'turn_left' cannot be found"]),
        (["--faces", "1"], ["'1' is not a whole number from 2 to 200"]),
        (["--seed", "-3"], ["'-3' is not a whole number from 0"]),
        (["--generator", "biggan"], ["biggan", "mobilestylegan"]),
    ],
)
def test_what_cannot_be_found_is_refused(capsys, arguments, words):
    assert main(["expressions", "find", *arguments]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words)


def test_a_file_of_another_generator_stays(tmp_path, capsys):
    folder = made(config_dir("actions"))
    (folder / "jaw-found.toml").write_text('number = 0\ngenerator = "stylegan2"\n')
    assert main(["expressions", "find", "--actions", "jaw"]) == 2
    assert "is of the generator 'stylegan2'; move it, or choose --out" in capsys.readouterr().err


def test_a_generator_that_draws_no_faces_is_refused(tmp_path, capsys, monkeypatch):
    network = landmark_model()
    made(tmp_path / "cache" / "models").joinpath(network.name).symlink_to(network)
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    with own_folder(tmp_path / "own"):
        checkpoint = small_checkpoint(tmp_path / "blobs.safetensors")
        assert main(["generators", "add", str(checkpoint), "--name", "blobs"]) == 0
        arguments = ["--generator", "blobs", "--faces", "2", "--actions", "jaw"]
        assert main(["expressions", "find", *arguments]) == 2
        said = capsys.readouterr().err
        assert "blobs drew 0 faces in 5 pictures, and 2 are needed" in said
        assert not config_dir("actions").exists()


@pytest.mark.slow
def test_a_jaw_is_found_and_can_be_played(tmp_path, capsys, monkeypatch):
    """Two faces: files are written beside what ships, and a search that broke off goes on."""
    monkeypatch.setattr(any_generator, "contact_sheet", broken_off)
    arguments = ["expressions", "find", "--actions", "jaw", "--faces", "2", "--seed", "3"]
    assert main(arguments) == 130
    kept = sorted((tmp_path / "finding").rglob("face-*.safetensors"))
    assert len(kept) == 2
    monkeypatch.undo()
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: tmp_path / "config")
    monkeypatch.setattr(any_generator, "cache_dir", lambda *parts: made(tmp_path.joinpath(*parts)))
    monkeypatch.setattr("vjnode.faces.finding.search._gradients", broken_off)
    assert main(arguments) == 0
    folder = config_dir("actions")
    assert capsys.readouterr().out.split() == [str(folder / "jaw-found.toml")]
    assert not [path for path in kept if path.exists()]
    assert cv2.imread(str(folder / "jaw-found.png")).shape[1] == 6 * 192
    assert (folder / "jaw-found.jpg").stat().st_size <= 12_288
    assert "jaw-found" in action_names()
    engine, meter = open_engine(256), LandmarkMeter()
    face, expression = load_face("flint"), load_expression("jaw-found")
    opened = [
        meter.measure(engine.draw(latent_of(face, expression, weight))).mouth_open
        for weight in (0.0, 1.0)
    ]
    assert opened[1] > opened[0] + 0.1


def broken_off(*_arguments):
    raise KeyboardInterrupt


def test_an_action_for_another_generator_may_have_a_name_that_ships():
    folder = made(config_dir("actions"))
    from safetensors.numpy import save_file

    (folder / "jaw.toml").write_text('number = 0\ngenerator = "stylegan2"\nslots = []\n')
    tensors = {
        "rows": np.zeros((0, STYLEGAN2.dim), np.float32),
        "offsets": np.ones(STYLEGAN2.styles, np.float32),
    }
    save_file(tensors, folder / "jaw.safetensors")
    assert [entry.name for entry in scan_own(folder)] == ["jaw"]
    assert action_names(STYLEGAN2) == ["jaw"]
    assert load_expression("jaw", STYLEGAN2).parts[0].movement.offsets.shape == (STYLEGAN2.styles,)
    assert action_names().count("jaw") == 1


def test_expressions_are_written_of_which_all_actions_were_found(tmp_path):
    for name in ("pucker", "squint"):
        (made(tmp_path / "actions") / f"{name}.toml").write_text("")
    request = any_generator.Request(STYLEGAN2, ("pucker", "squint"), 0, 2, tmp_path)
    written = any_generator._sums(request)
    assert [path.stem for path in written] == ["kiss"]
    assert 'generator = "stylegan2"' in written[0].read_text()
    assert any_generator._sums(request) == []
