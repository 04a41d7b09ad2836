from fractions import Fraction

import pytest

from vjnode.errors import InputError
from vjnode.output.rate import parse_fps


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("60", Fraction(60)),
        ("25", Fraction(25)),
        ("29.97", Fraction(30_000, 1001)),
        ("59.94", Fraction(60_000, 1001)),
        ("23.976", Fraction(24_000, 1001)),
        ("30000/1001", Fraction(30_000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_rates_are_exact(text, fps):
    assert parse_fps(text) == fps


@pytest.mark.parametrize("text", ["fast", "", "1/0", "nan"])
def test_no_rate_is_told(text):
    with pytest.raises(InputError, match="30000/1001"):
        parse_fps(text)
