"""Faces and expressions by name and by number, and files that are not as they should be."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from vjnode.errors import InputError
from vjnode.faces.catalogue import (
    action_names,
    expression_names,
    face_names,
    find,
    load_expression,
    load_face,
    read_expression,
    read_face,
    scan,
)
from vjnode.faces.expression import latent_of, movements_of
from vjnode.generators.mobilestylegan.layout import DEAD_SLOTS, ROOT_SLOTS, ROOT_STYLES
from vjnode.generators.registry import DEFAULT, DISTILLED
from vjnode.generators.stylegan2.spec import STYLEGAN2
from vjnode.paths import shipped

SLOTS, DIM = DEFAULT.codes_shape


def test_there_are_enough_to_choose_from():
    assert len(face_names()) >= 24
    assert len(expression_names()) >= 3
    assert expression_names()[0] == "laugh"


@pytest.mark.parametrize("name", face_names())
def test_every_face_loads_by_name_and_by_number(name):
    face = load_face(name)
    assert face is load_face(face_names().index(name))
    assert (face.name, face.codes.shape, face.codes.dtype) == (name, (SLOTS, DIM), np.float32)
    assert face.about
    assert not face.codes.flags.writeable


@pytest.mark.parametrize("name", expression_names())
def test_every_expression_loads_and_moves_slots_that_live(name):
    expression = load_expression(name)
    assert expression is load_expression(expression_names().index(name))
    assert expression.about
    for movement in movements_of([expression]):
        assert not DEAD_SLOTS & set(movement.slots)
    whole = latent_of(load_face(0), expression, 1.0)
    assert [side for side, _ in whole.halves] == [expression.side] * bool(expression.side)
    latent = whole.halves[0][1] if whole.halves else whole
    moved = np.append((latent.codes() - load_face(0).codes).ravel(), latent.offsets())
    assert np.abs(moved).max() > 0.01
    DEFAULT.check_latent(latent)


@pytest.mark.parametrize("load", [load_face, load_expression])
@pytest.mark.parametrize("which", [-1, 1000])
def test_a_number_out_of_range(load, which):
    with pytest.raises(InputError, match=rf"number {which}.*0 to \d+"):
        load(which)


def test_an_unknown_name_gets_the_nearest_and_all_names():
    with pytest.raises(InputError, match=r"'laughf'.*did you mean 'laugh'\?.*wonder"):
        load_expression("laughf")
    with pytest.raises(InputError, match=", ".join(face_names())):
        load_face("nobody-of-that-name")


@pytest.mark.parametrize(
    "name", ["../faces/raven", "/etc/passwd", "raven.toml", "", "raven\0", "."]
)
def test_a_name_is_never_a_path(name):
    with pytest.raises(InputError, match="there is no face"):
        load_face(name)


def test_a_folder_is_scanned_in_the_order_of_its_numbers(tmp_path):
    for number, name in ((2, "b"), (1, "z"), (2, "a")):
        (tmp_path / f"{name}.toml").write_text(f"number = {number}\n")
    assert [entry.name for entry in scan(tmp_path)] == ["z", "a", "b"]
    assert find("face", 0, scan(tmp_path)).name == "z"


@pytest.mark.parametrize("text", ["number = ", 'about = "x"', "number = 'x'", "\udcff"])
def test_a_bad_text_is_named(tmp_path, text):
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"bad\.toml"):
        read_face(path)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((18, 512), np.float32),
        np.zeros(512, np.float64),
        np.full(512, np.nan, np.float32),
    ],
)
def test_bad_codes_are_refused(tmp_path, codes):
    path = tmp_path / "bad.toml"
    path.write_text("number = 0\n")
    with pytest.raises(InputError, match="no readable tensor"):
        read_face(path)
    save_file({"codes": codes}, path.with_suffix(".safetensors"))
    with pytest.raises(InputError, match="finite float32"):
        read_face(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("weights = [0.0", "weights = [0.1", "rise from 0 to 1"),
        ("amounts = [0.0", "amounts = [1.0", "the first of them 0"),
        ("amounts = [0.0,", "amounts = [", "amounts"),
        ("slots = [", "slots = [18, ", "slots 0…17"),
        ("slots = [", "slotss = [", "slots"),
    ],
)
def test_bad_expressions_are_refused(tmp_path, old, new, words):
    for suffix in ("toml", "safetensors"):
        shutil.copy(shipped("expressions", f"flow.{suffix}"), tmp_path)
    path = tmp_path / "flow.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=words):
        read_expression(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("amounts = [0.0", "amounts = [1.0", "'smile' needs 5 amounts.*the first of them 0"),
        ('action = "smile"', 'action = "smlie"', "no action 'smlie'.*did you mean 'smile'"),
        ('action = "smile"', "", "missing or not as it should be"),
        ("weights", 'side = "port"\nweights', "side is 'port'; take left or right"),
    ],
)
def test_bad_sums_of_actions_are_refused(tmp_path, old, new, words):
    path = tmp_path / "laugh.toml"
    text = shipped("expressions", "laugh.toml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        read_expression(path)


def test_an_action_is_an_expression_too():
    names, actions = expression_names(), action_names()
    assert names[-len(actions) :] == actions
    assert len({*names}) == len(names)
    jaw = load_expression("jaw")
    assert jaw.weights == (0.0, 1.0)
    assert [part.amounts for part in jaw.parts] == [(0.0, 1.0)]
    laugh = {part.movement.name: part.movement for part in load_expression("laugh").parts}
    assert jaw.parts[0].movement is laugh["jaw"]
    assert load_expression(names.index("jaw")) is jaw


def test_actions_leave_the_root_alone_but_for_poses():
    """So that a face keeps its root, which is drawn once for all pictures."""
    for name in action_names():
        movement = load_expression(name).parts[0].movement
        moves_root = min(movement.slots) < ROOT_SLOTS or movement.offsets[:ROOT_STYLES].any()
        assert moves_root == (movement.region == "pose"), name


def test_each_generator_has_its_own():
    assert {*face_names(STYLEGAN2)}.isdisjoint(face_names())
    assert face_names(DISTILLED) == face_names()  # it draws the same codes
    face = load_face(0, STYLEGAN2)
    assert face.codes.shape == STYLEGAN2.codes_shape
    for name in expression_names(STYLEGAN2):
        moved = latent_of(face, load_expression(name, STYLEGAN2), 1.0).codes() - face.codes
        assert np.abs(moved).max() > 0.1
    with pytest.raises(InputError, match="no face 'raven'"):
        load_face("raven", STYLEGAN2)


def test_every_file_names_its_generator():
    for folder in ("faces", "expressions"):
        for entry in scan(shipped(folder)):
            assert entry.text["generator"] == entry.generator.name


def test_a_file_of_an_unknown_generator_is_refused(tmp_path):
    (tmp_path / "odd.toml").write_text('number = 0\ngenerator = "biggan"\n')
    with pytest.raises(InputError, match="generator 'biggan'; there are: mobilestylegan"):
        scan(tmp_path)


def own_direction(folder, line, generator="mobilestylegan"):
    """Write an expression with a direction of its own, of 0.5 everywhere."""
    path = folder / "grain.toml"
    path.write_text(
        f'number = 0\ngenerator = "{generator}"\nweights = [0.0, 1.0]\n\n'
        f'[[part]]\nname = "grain"\namounts = [0.0, 0.8]\n{line}\n'
    )
    save_file({"grain": np.full(DIM, 0.5, np.float32)}, path.with_suffix(".safetensors"))
    return path


def test_a_direction_can_multiply_the_codes(tmp_path):
    path = own_direction(tmp_path, 'slots = [4, 7]\nfuse = "multiply"')
    face, expression = load_face("raven"), read_expression(path)
    codes = latent_of(face, expression, 1.0).codes()
    assert np.allclose(codes[[4, 7]], face.codes[[4, 7]] * (1 + 0.8 * 0.5), atol=1e-5)
    assert np.array_equal(codes[[5, 6]], face.codes[[5, 6]])
    assert np.array_equal(latent_of(face, expression, 0.0).codes(), face.codes)
    path = own_direction(tmp_path, 'slots = [4, 7]\nfuse = "add"')
    read_expression.cache_clear()
    added = latent_of(face, read_expression(path), 1.0).codes() - face.codes
    assert np.allclose(added[[4, 7]], 0.8 * 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("generator", "slots"),
    [("mobilestylegan", (13, 14, 16, 17, 19, 20, 21)), ("stylegan2", tuple(range(10, 18)))],
)
def test_detail_is_a_name_for_the_last_slots(tmp_path, generator, slots):
    path = own_direction(tmp_path, 'slots = "detail"', generator)
    (movement,) = movements_of([read_expression(path)])
    assert movement.slots == slots


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('slots = "coarse"', "slots = 'coarse'; the only name is 'detail'"),
        ('slots = [4]\nfuse = "mix"', "fuse = 'mix'; take add or multiply"),
    ],
)
def test_a_direction_that_asks_for_what_there_is_not(tmp_path, line, words):
    with pytest.raises(InputError, match=words):
        read_expression(own_direction(tmp_path, line))


@pytest.mark.parametrize("name", action_names())
def test_every_action_that_ships_was_measured_and_has_a_small_picture(name):
    entry = find("action", name, scan(shipped("actions")))
    measured = entry.text["measured"]
    assert 0.6 < measured["movement"] < 1.3
    assert 0 < measured["id"] < measured["id_largest"] < 0.6
    assert {"hair", "skin", "background", "outside_db"} <= measured.keys()
    data = entry.path.with_suffix(".jpg").read_bytes()
    assert data.startswith(b"\xff\xd8")
    assert len(data) <= 12_288
