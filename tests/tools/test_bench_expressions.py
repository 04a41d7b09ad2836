"""The measure of expressions: what it keeps in files, and persons that a harmless change leaves."""

import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from tests.faces.finding.test_eyes import drawn_eyes
from tools.bench import expressions
from tools.bench.expressions import HARMLESS, Change, Examiner, Look, keep, table, toward
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.finding.retouch import retouched
from vjnode.faces.identity import ANOTHER_PERSON, dlib_file
from vjnode.paths import shipped


def change(person, glasses=False):
    return Change((0.2, 0.4, 0.7, 0.9), person, 1.0, 2.0, 3.0, 30.0, (1.0, 2.0, 0.5), glasses)


def test_what_was_measured_replaces_what_stood_in_an_actions_file(tmp_path, monkeypatch):
    shutil.copy(shipped("actions", "jaw.toml"), tmp_path)
    monkeypatch.setattr(expressions, "shipped", lambda _: tmp_path)
    path = tmp_path / "jaw.toml"
    before = tomllib.loads(path.read_text("utf-8"))
    before.pop("measured", None)
    for person in (0.1, 0.2):
        keep("jaw", [change(person), change(person + 0.2)])
    after = tomllib.loads(path.read_text("utf-8"))
    assert after.pop("measured") == {
        "movement": 0.9,
        "id": 0.3,
        "id_largest": 0.4,
        "hair": 1.0,
        "skin": 2.0,
        "background": 3.0,
        "outside_db": 30.0,
    }
    assert after == before


def test_the_table_counts_faces_that_glasses_come_to_or_go_from():
    row = table({"jaw": [change(0.1), change(0.3, glasses=True)]}).splitlines()[-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [
        "`jaw`",
        "0.90",
        "0.20 (0.30)",
        "1.0",
        "2.0",
        "3.0",
        "30.0",
        "1.0 / 2.0 / 0.5",
        "1",
        "100 %",
    ]


def test_eyes_that_are_wanted_as_a_picture_are_measured_in_the_picture():
    drawn, points = drawn_eyes(0.0, 0.0)

    def pictured(tensor):
        return (tensor[0].permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)

    nothing = np.zeros(0)
    rest = Look(pictured(drawn), points.numpy(), nothing, nothing, nothing, glasses=False)
    reached = [
        toward(rest, pictured(retouched(drawn, points, "shut", amount)), "shut")
        for amount in (0.0, 0.5, 1.0)
    ]
    assert reached[0] == 0
    assert 0.2 < reached[1] < 0.9
    assert reached[2] == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
def test_a_harmless_change_leaves_the_person_and_another_face_does_not():
    examiner = Examiner(dlib_file(None))
    faces = [load_face(name) for name in ("flint", "maple")]
    rests = [examiner.rest(face) for face in faces]
    assert all(examiner.unsteadiness(rest) < HARMLESS / 2 for rest in rests)
    assert np.linalg.norm(rests[0].person - rests[1].person) > ANOTHER_PERSON
    moved = examiner.compare(faces[0], rests[0], load_expression("smile"))
    assert moved.person < ANOTHER_PERSON
    assert moved.rises


@pytest.mark.parametrize(
    ("movement", "rises"),
    [
        ((0.2, 0.4, 0.7, 0.9), True),
        ((0.3, 0.8, 1.0, 0.98), True),  # shut lids
        ((0.3, 0.8, 1.0, 0.95), False),
        ((0.3, 0.6, 0.59, 1.0), False),
        ((-0.1, 0.4, 0.7, 0.9), False),
    ],
)
def test_a_movement_rises_until_it_is_there(movement, rises):
    assert replace(change(0.1), movement=movement).rises == rises
