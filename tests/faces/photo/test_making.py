"""A photo becomes a face: the same file twice, also when broken off, and drawn by a show."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.photos import FRAME, SIDE, keep, portrait, untrained_vgg
from vjnode.cli.main import main
from vjnode.errors import InputError, VjnodeError
from vjnode.faces import catalogue, own
from vjnode.faces.catalogue import face_names, load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.face_file import text_within
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.faces.photo import fetching, making, progress
from vjnode.faces.photo.features import PersonFeatures, VggFeatures, distance
from vjnode.faces.photo.making import Request, make_face
from vjnode.faces.photo.settings import Rounds, Settings
from vjnode.faces.photo.target import as_tensor
from vjnode.generators.mobilestylegan.spec import MOBILESTYLEGAN
from vjnode.render.base import Look
from vjnode.render.open import open_keyframes

PX = 256


@pytest.fixture(scope="module")
def photo(home):
    return keep(portrait(), home / "photo.png")


@pytest.fixture(scope="module")
def few(photo):
    """A face that is soon made."""
    rounds, settings = Rounds(1, 1, 2, 0), Settings(saved_s=0.0)
    return Request("nova", photo, ("laugh",), size=PX, rounds=rounds, settings=settings)


@pytest.fixture(scope="module")
def made(few):
    return make_face(few)


def test_a_face_is_one_file_that_holds_no_photo(home, made):
    assert made.file == home / "config" / "faces" / "nova.safetensors"
    assert [path.name for path in made.file.parent.iterdir()] == ["nova.safetensors"]
    assert list((home / "cache" / "photos").iterdir()) == []
    tensors = load_file(made.file)
    weights = {name: value for name, value in tensors.items() if name.startswith("weights.")}
    others = tensors.keys() - weights.keys()
    assert others - {"offsets"} == {"codes", "thumbnail", "quad"}  # and those of a smile
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float16)}
    assert any(np.abs(value).max() > 1e-4 for value in weights.values())
    small = cv2.imdecode(tensors["thumbnail"], cv2.IMREAD_COLOR)
    assert small.shape == (128, 128, 3)
    text = text_within(made.file)
    assert "agreed" in text
    assert str(home) not in text


class BrokenOffError(Exception):
    """A program that ends in the middle."""


def test_a_face_that_was_broken_off_goes_on_to_the_same_file(few, made, monkeypatch):
    """Twice: in the middle, and when the disk was full in the end."""
    before, left = made.file.read_bytes(), [3]

    def shown(self, picture):
        left[0] -= 1
        if left[0] < 0:
            raise BrokenOffError

    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "shown", shown)
        with pytest.raises(BrokenOffError):
            make_face(few)
    with pytest.raises(InputError, match="of another photo, or has other options"):
        make_face(replace(few, rounds=Rounds(3, 2, 3, 0)), resume=True)

    def full(name, data):
        raise VjnodeError("it cannot be written (No space left on device)")

    with monkeypatch.context() as patch:
        patch.setattr(making, "add_whole_face", full)
        with pytest.raises(VjnodeError, match=r"No space left.*--resume ends it at once"):
            make_face(few, resume=True)
    assert making.has_state(few.name)
    assert make_face(few, resume=True).file.read_bytes() == before
    assert not making.has_state(few.name)


def test_the_face_that_key_frames_draw_is_the_tuned_one(home, made):
    """A show draws what torch draws with the weights, and not what it draws without."""
    assert face_names()[-1] == "nova"
    face, laugh = load_face("nova"), load_expression("laugh")
    assert face.weights.size == PX
    renderer = open_keyframes(size=PX, memory_mib=64)
    try:
        sweep = renderer.sweep(Look("nova", ("laugh",)))
        assert renderer.wait(sweep, ready=1, timeout_s=120)
        out = np.zeros((PX, PX, 4), np.uint8)
        renderer.begin(Look("nova", ("laugh",)), (0.0,)).result().copy_to(out)
    finally:
        renderer.close()
    assert list((home / "cache" / "models").glob("own-*"))  # and not in the user's
    tuned = making_picture(face)
    assert np.abs(out[..., :3].astype(int) - tuned).mean() < 2
    plain = making_picture(replace(face, weights=None))
    assert np.abs(out[..., :3].astype(int) - plain).mean() > 1.5
    assert latent_of(face, laugh, 1.0).subject.weights == face.weights


def making_picture(face):
    """Return the face at rest, drawn by torch."""
    from vjnode.generators.mobilestylegan.tuned import network_of, tuned_network

    network = network_of(PX) if face.weights is None else tuned_network(face.weights)
    codes = torch.from_numpy(face.codes.copy())[None]
    offsets = torch.zeros(1, MOBILESTYLEGAN.styles)
    return network(codes, torch.ones(1), offsets)[0, ..., :3].numpy().astype(int)


def test_a_face_can_be_copied_renamed_and_removed(home, made):
    folder = made.file.parent
    shutil.copy(made.file, folder / "twin.safetensors")
    catalogue.forget_own()
    assert set(face_names()[-2:]) == {"nova", "twin"}
    twin = load_face("twin")
    assert np.array_equal(twin.codes, load_face("nova").codes)
    assert twin.weights.sha256 == load_face("nova").weights.sha256
    assert main(["faces", "remove", "twin"]) == 0
    assert "twin" not in face_names()
    assert not (folder / "twin.safetensors").exists()


def test_a_file_of_another_version_is_left_out(home, made, caplog, monkeypatch):
    from vjnode.faces import face_file

    monkeypatch.setattr(face_file, "LAYOUT", 99)
    catalogue.forget_own()
    with pytest.raises(InputError, match="which this version cannot draw; make the face again"):
        load_face("nova")
    catalogue.forget_own()


def test_features_tell_pictures_apart(tmp_path):
    """Of both networks: a picture is nearer to itself, blurred, than to another one."""
    path = untrained_vgg(tmp_path / "vgg.pth")
    edge = (SIDE - FRAME) // 2
    photo = cv2.resize(portrait()[edge:-edge, edge:-edge], (128, 128))
    blurred = cv2.GaussianBlur(photo, (0, 0), 1)
    pictures = [as_tensor(one) for one in (photo, blurred, photo[:, ::-1].copy())]
    for features in (PersonFeatures(DlibIdentity(dlib_file(None))), VggFeatures(path)):
        itself, near, far = (distance(features(pictures[0]), features(one)) for one in pictures)
        assert 0 == float(itself) < float(near) < float(far)
    (tmp_path / "odd.pth").write_bytes(b"odd")
    with pytest.raises(InputError, match="no VGG16 of torchvision's"):
        VggFeatures(tmp_path / "odd.pth")


PHOTO = "the photo"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seed", "1", "--keep-photo"), "--keep-photo goes with --photo FILE"),
        (("--photo", "gone.jpg"), "gone.jpg cannot be read"),
        (("--photo", PHOTO, "--rounds", "1,2"), "take three whole numbers"),
        (("--photo", PHOTO, "--expressions", "nothing"), "no expression 'nothing'"),
        (("--photo", PHOTO, "--sheet", "x.jpg"), "ends in .png"),
        (("--photo", PHOTO, "--watch-file", "x.jpg"), "ends in .png"),
        (("--photo", PHOTO, "--sheet", PHOTO), "is a photo, and would be replaced"),
        (("--photo", PHOTO, "--watch-file", PHOTO), "is a photo, and would be replaced"),
        (("--photo", PHOTO, "--sheet", "no/folder.png"), "cannot be written (No such file"),
        (("--photo", PHOTO, "--watch-file", "no/folder.png"), "cannot be written (No such file"),
        (("--photo", PHOTO, "--expressions", ","), "names none; take all"),
        (("--seed", "1", "--watch"), "--watch goes with --photo FILE"),
        (("--photo", PHOTO, "--dlib", "nowhere"), "is not there; run: "),
        (("--photo", PHOTO, "--generator", "stylegan2"), "--photo goes with mobile"),
        (("--photo", PHOTO, "--resume"), "nothing to go on with"),
    ],
)
def test_what_cannot_be_is_said(photo, capsys, arguments, said):
    given, size = [str(photo) if one == PHOTO else one for one in arguments], photo.stat().st_size
    assert main(["faces", "add", "other", *given]) == 2
    assert said in capsys.readouterr().err
    assert photo.stat().st_size == size


@pytest.mark.parametrize("name", ["a/b", "../a", "", "Ada", "con", "x" * 40])
def test_a_name_that_no_file_can_have_is_refused(photo, capsys, name):
    assert main(["faces", "add", name, "--photo", str(photo)]) == 2
    assert f"{name!r} cannot be the name of a face; take up to 32" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_before_the_work(few, home, monkeypatch):
    (home / "file").write_text("in the way")
    monkeypatch.setattr(own, "config_dir", (home / "file").joinpath)
    with pytest.raises(VjnodeError, match=r"faces.*cannot be written.*make that folder writable"):
        make_face(replace(few, photo=home / "gone.jpg"))  # which is not looked at yet


def test_the_photo_that_will_not_do_is_named(few, home):
    grey = keep(np.full((300, 300, 3), 128, np.uint8), home / "grey.png")
    for request in (replace(few, photo=grey), replace(few, second=grey)):
        with pytest.raises(InputError, match=r"grey.png: there is no face in the photo"):
            make_face(request)


def test_vgg16_is_asked_for_once_the_photo_is_found_good(photo, home, capsys, monkeypatch):
    """Half a gigabyte, for a photo that will not do, would be for nothing."""
    monkeypatch.setattr(fetching, "kept_vgg", lambda: None)
    grey = keep(np.full((300, 300, 3), 128, np.uint8), home / "grey.png")
    command = ("faces", "add", "other", "--vgg", "fetch", "--photo")
    for second in ((), ("--second", str(grey))):
        first = photo if second else grey
        assert main([*command, str(first), *second]) == 2
        said = capsys.readouterr().err
        assert "grey.png: there is no face in the photo" in said
        assert "528 MB" not in said
    assert main([*command, str(photo)]) == 2
    assert "528 MB" in capsys.readouterr().err
