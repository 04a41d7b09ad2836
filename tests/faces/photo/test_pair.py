"""An expression from two pictures: it is kept with its slots, moves a face, and is refused well."""

import cv2
import numpy as np
import pytest

from tests.photos import keep, untrained_vgg
from vjnode.cli.main import main
from vjnode.engines.registry import open_engine
from vjnode.errors import InputError
from vjnode.faces import catalogue, own
from vjnode.faces.catalogue import expression_names, load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.photo import fetching, pair


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's configuration folder."""
    folder = tmp_path / "config"
    for module in (catalogue, own, pair):
        monkeypatch.setattr(module, "config_dir", folder.joinpath)
    catalogue.forget_own()
    yield folder
    catalogue.forget_own()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Files of one face at rest and laughing."""
    folder = tmp_path_factory.mktemp("pictures")
    engine, face, laugh = open_engine(256), load_face("maple"), load_expression("laugh")
    paths = []
    for weight in (0.0, 1.0):
        picture = engine.draw(latent_of(face, laugh, weight))[..., 2::-1]
        paths.append(folder / f"{weight}.png")
        cv2.imwrite(str(paths[-1]), picture)
    engine.close()
    return paths


def add(pictures, *arguments):
    neutral, shown = map(str, pictures)
    return main(["expressions", "add", "mine", "--neutral", neutral, "--with", shown, *arguments])


@pytest.mark.parametrize("fuse", ["add", "multiply"])
def test_an_expression_is_kept_and_moves_its_slots_alone(pictures, fuse):
    assert add(pictures, "--rounds", "3", "--slots", "4-6,8", "--fuse", fuse) == 0
    assert "mine" in expression_names()
    face, mine = load_face("flint"), load_expression("mine")
    moved = latent_of(face, mine, 1.0).codes() - face.codes
    assert set(np.flatnonzero(np.abs(moved).max(1))) == {4, 5, 8}  # nothing reads slot 6
    part = mine.parts[0].movement
    assert part.multiplies == (fuse == "multiply")
    assert np.abs(part.rows).max() > 1e-4
    assert np.array_equal(latent_of(face, mine, 0.0).codes(), face.codes)


def test_the_documents_way_finds_codes_of_all_slots(pictures, tmp_path):
    vgg = untrained_vgg(tmp_path / "vgg.pth")
    method = ("--method", "document", "--vgg", str(vgg))
    assert add(pictures, *method, "--rounds", "2", "--slots", "4-5") == 0
    face, mine = load_face("flint"), load_expression("mine")
    moved = latent_of(face, mine, 1.0).codes() - face.codes
    assert set(np.flatnonzero(np.abs(moved).max(1))) == {4, 5}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--slots", "4-99"), "take some of 0-22, such as 4-11"),
        (("--slots", "few"), "take some of 0-22"),
        (("--method", "document"), "give its checkpoint with --vgg FILE"),
        (("--generator", "stylegan2"), "expressions are added to mobilestylegan"),
        (("--dlib", "nowhere"), "is not there; run: "),
    ],
)
def test_what_cannot_be_is_said(pictures, capsys, arguments, said):
    assert add(pictures, *arguments) == 2
    assert said in capsys.readouterr().err


def test_vgg16_is_asked_for_once_the_pictures_are_found_good(
    pictures, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(fetching, "kept_vgg", lambda: None)
    grey = keep(np.full((300, 300, 3), 128, np.uint8), tmp_path / "grey.png")
    assert add((pictures[0], grey), "--vgg", "fetch") == 2
    said = capsys.readouterr().err
    assert "grey.png: there is no face in the photo" in said
    assert "528 MB" not in said
    assert add(pictures, "--vgg", "fetch") == 2
    assert "528 MB" in capsys.readouterr().err


def test_a_name_that_ships_is_refused():
    with pytest.raises(InputError, match="an expression called 'laugh' ships"):
        own.check_name("laugh", "expression")
