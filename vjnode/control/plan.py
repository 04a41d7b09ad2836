"""Plan: the near future of a show, for people."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The entries of a set list around the present, and recalls that wait.

    entry, notes, coming: of the set list: the entry that is on, its notes, and the next; "" for
    none. waiting: recalls that wait for a beat, in words; "" for none.
    """

    entry: str = ""
    notes: str = ""
    coming: str = ""
    waiting: str = ""
