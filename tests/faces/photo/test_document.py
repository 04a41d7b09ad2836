"""A face by codes alone, as the source document has it: one file, no weights, drawn live."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.photos import keep, portrait, untrained_vgg
from vjnode.cli import photo
from vjnode.cli.main import main
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.face_file import text_within
from vjnode.faces.photo import document, progress
from vjnode.faces.photo.document import features_apart
from vjnode.faces.photo.state import StateFile
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.spec import MOBILESTYLEGAN
from vjnode.offline import sheet
from vjnode.render.looks import faces_with_own_weights


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    return untrained_vgg(tmp_path_factory.mktemp("vgg") / "vgg.pth")


@pytest.fixture(scope="module")
def add(home, vgg):
    """Add a face of a photo by this method; returns the exit code."""
    picture = keep(portrait(), home / "photo.png")
    command = ["faces", "add", "nova", "--photo", str(picture), "--method", "document"]
    command += ["--sheet", str(home / "sheet.png")]
    return lambda *arguments, by=("--vgg", str(vgg)): main([*command, *by, *arguments])


@pytest.fixture(scope="module")
def apart():
    """The differences of features, round by round."""
    return []


@pytest.fixture(scope="module")
def made(home, add, apart):
    """The file of a face that was broken off after two rounds of four, and gone on with."""
    left = [2]

    def measured(found, wanted):
        loss = features_apart(found, wanted)
        apart.append(loss.item())
        return loss

    def shown(self, picture):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photo, "whole_expressions", lambda spec: ["laugh"])  # to measure it by
        patch.setattr(StateFile, "is_due", lambda self: True)
        patch.setattr(document, "features_apart", measured)
        patch.setattr(sheet, "draw_sheet", lambda *_, **__: None)
        with patch.context() as broken_off:
            broken_off.setattr(progress.Progress, "shown", shown)
            assert add("--rounds", "4") == 130
        assert add("--rounds", "4", "--resume") == 0
    return home / "config" / "faces" / "nova.safetensors"


def test_it_is_one_file_without_weights_that_says_how_it_was_made(home, made):
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    tensors = load_file(made)
    assert tensors.keys() == {"codes", "thumbnail", "quad"}
    assert tensors["codes"].shape == (SLOTS, DIM)
    moved = set(np.flatnonzero(np.abs(tensors["codes"]).max(1)))
    assert len(moved) > SLOTS / 2  # the others are read by nothing
    text = text_within(made)
    for said in ('method = "document"', "rounds = [4]", 'features = "vgg16"', "agreed", "likeness"):
        assert said in text


def test_it_is_drawn_live_as_shipped_faces_are(made):
    """No weights, so that key frames need not draw it; its codes are those of the file."""
    face = load_face("nova")
    latent = latent_of(face, load_expression("laugh"), 0.0)
    assert latent.subject.weights is None
    assert "nova" not in faces_with_own_weights(MOBILESTYLEGAN)
    assert np.array_equal(latent.codes(), load_file(made)["codes"])


def test_the_descent_comes_nearer_and_goes_on_where_it_was_broken_off(made, apart):
    """Two networks draw the rounds in turn: each is compared with itself."""
    first, other, first_again, gone_on, other_again = apart
    assert gone_on == pytest.approx(first_again, rel=1e-4)
    assert first_again < 0.995 * first
    assert other_again < 0.995 * other


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--size", "512"), "--size does not go with --method document: a face by codes alone is"),
        (("--expressions", "laugh"), "has all of them"),
        (("--as-it-is",), "--as-it-is does not go with --method document: nothing is taken out"),
        (("--rounds", "1,2,3"), "take a whole number from 1 to 100000, such as 1000"),
        (("--rounds", "0"), "take a whole number from 1"),
    ],
)
def test_what_does_not_go_with_it_is_said(add, capsys, arguments, said):
    assert add(*arguments) == 2
    assert said in capsys.readouterr().err


def test_it_takes_vgg16(add, capsys):
    assert add(by=()) == 2
    assert (
        "give its checkpoint with --vgg FILE, or fetch it: --vgg fetch" in capsys.readouterr().err
    )
