"""Rounds that ``--rounds`` asks for, of a face from a photo."""

from typing import TYPE_CHECKING

from vjnode.errors import InputError

if TYPE_CHECKING:
    from vjnode.faces.photo.settings import Rounds

ROUNDS_HIGH = 100_000


def rounds_of(asked: str | None, size: int) -> "Rounds":
    """Return the rounds that ``--rounds`` asks for, of a face of ``size`` px.

    Raises:
        InputError: it is not three whole numbers.
    """
    from vjnode.faces.photo.settings import Rounds, laughs_for, rounds_for  # noqa: PLC0415

    if asked is None:
        return rounds_for(size)
    try:
        pivot, trunk, output = (int(one) for one in asked.split(","))
    except ValueError:
        pivot = -1
    if pivot < 0 or not all(0 <= one <= ROUNDS_HIGH for one in (pivot, trunk, output)):
        raise InputError(
            f"--rounds {asked[:32]!r}: take three whole numbers from 0 to {ROUNDS_HIGH}, such as "
            f"{Rounds.pivot},{Rounds.trunk},{Rounds.output}"
        )
    return Rounds(pivot, trunk, output, laughs_for(output))


def codes_rounds_of(asked: str | None) -> "Rounds":
    """Return the rounds that ``--rounds`` asks for, of a face by codes alone.

    Raises:
        InputError: it is not one whole number.
    """
    from vjnode.faces.photo.document import ROUNDS  # noqa: PLC0415
    from vjnode.faces.photo.settings import Rounds  # noqa: PLC0415

    try:
        count = ROUNDS if asked is None else int(asked)
    except ValueError:
        count = 0
    if not 1 <= count <= ROUNDS_HIGH:
        raise InputError(
            f"--rounds {str(asked)[:32]!r}: with --method document take a whole number from 1 to "
            f"{ROUNDS_HIGH}, such as {ROUNDS}"
        )
    return Rounds(count, 0, 0, 0)
