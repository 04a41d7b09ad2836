"""The measure of faces from photos says what misses a limit."""

import pytest

from tools.bench.photo import Examined, line

GOOD = {"rest": 0.2, "moved": {"laugh": 0.4, "sad": 0.3}, "mouth": 0.5}


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, []),
        ({"rest": 0.31}, ["rest"]),
        ({"moved": {"laugh": 0.2, "sad": 0.46}}, ["worst"]),
        ({"mouth": 0.29}, ["mouth"]),
        ({"around": {"laugh": 1.0, "turn": 3.1}}, ["around"]),
    ],
)
def test_what_misses_a_limit_is_named(changed, missed):
    examined = Examined(**{**GOOD, "around": {"laugh": 1.0}, **changed})
    assert examined.misses() == missed


def test_a_line_has_all_figures():
    examined = Examined(**GOOD, around={"laugh": 1.0}, what="a beard", seconds=151.2)
    said = line("12 a beard", examined.row())
    figures = " ".join(said.split("  ", 1)[1].split())
    assert figures == ("rest 0.20 mean 0.35 worst 0.40 mouth 0.50 around 1.00 seconds 151 cpu 0.00")
