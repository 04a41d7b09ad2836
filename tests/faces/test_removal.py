"""A face of the user's own that is removed leaves nothing of the person behind."""

import numpy as np
import pytest

from vjnode.cli.main import main
from vjnode.faces import catalogue, own, removal
from vjnode.faces.face_file import face_file, own_files
from vjnode.generators.latent import Weights
from vjnode.generators.mobilestylegan.tuned import tuned_spec
from vjnode.generators.parts import Plan
from vjnode.generators.registry import DEFAULT
from vjnode.paths import sha256_of
from vjnode.render.base import Look
from vjnode.render.keyframe_files import folder_name


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """The user's folders of configuration and of what can be made again."""
    for module in (catalogue, own, removal):
        monkeypatch.setattr(module, "config_dir", (tmp_path / "config").joinpath)
    monkeypatch.setattr(removal, "cache_dir", (tmp_path / "cache").joinpath)
    catalogue.forget_own()
    yield tmp_path
    catalogue.forget_own()


PLAN = Plan(512, "reduced", "f32", 0)


def kept(folders, name):
    """Keep a face by weights of its own with its graph and pictures; return these."""
    text = f'number = 1\ngenerator = "{DEFAULT.name}"\nabout = "{name}"\n'
    own.add_whole_face(name, face_file(text, {"codes": np.zeros(DEFAULT.codes_shape, np.float32)}))
    file = folders / "config" / "faces" / f"{name}.safetensors"
    parts = tuned_spec(Weights(file, sha256_of(file), 512)).parts
    assert parts is not None
    cache = folders / "cache"
    made = [cache / "models" / f"{parts.stem(PLAN)}-graph-1-512"]
    for look in (Look(name, ("",)), Look(name, ("laugh", "turn"))):
        made.append(cache / "sweeps" / folder_name("engine", look, 512, ()))
    for folder in made:
        folder.mkdir(parents=True)
        (folder / "000.jpg").write_bytes(b"picture")
    return made


def run(*arguments):
    return main(["faces", *arguments])


def test_graph_and_pictures_go_and_those_of_others_stay(folders):
    mine, other = kept(folders, "nova"), kept(folders, "nova-laugh")
    assert run("remove", "nova") == 0
    assert not any(folder.exists() for folder in mine)
    assert all(folder.exists() for folder in other)
    assert [path.stem for path in own_files(folders / "config" / "faces")] == ["nova-laugh"]


def test_a_face_of_the_same_name_takes_nothing_over(folders):
    mine = kept(folders, "nova")
    assert run("add", "nova", "--seed", "1") == 0
    assert not any(folder.exists() for folder in mine)


def test_what_was_only_begun_can_be_removed(folders, capsys):
    begun = removal.begun_file("singer")
    begun.parent.mkdir(parents=True)
    begun.write_bytes(b"state")
    assert run("remove", "singer") == 0
    assert not begun.exists()
    assert run("remove", "singer") == 2
    assert "not a face of your own" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../nova", "*", "", "[a-z]*"])
def test_a_name_is_no_pattern(folders, name):
    made = kept(folders, "nova")
    assert run("remove", name) == 2
    assert all(folder.exists() for folder in made)
