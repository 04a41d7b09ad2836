"""Functions of a Windows extension made with pybind11, read from its file, on any system.

pybind11 keeps for each function a text such as ``({%}, {Buffer}, {int}) -> bool``, and hands it
over beside the function's name. So names are looked for in the machine code (x86-64), and the
text in the function that is called next.
"""

import re
import struct
from itertools import pairwise

REACH = 0x150
"""Bytes of code between a name and the call that registers it, at most."""

_LEA = re.compile(rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]")  # lea r64, [rip + n]
_CALL = re.compile(rb"\xe8")  # call rip + n
_NAME = re.compile(r"[A-Za-z_]\w*")


class Extension:
    """An extension module's file."""

    def __init__(self, data):
        header = struct.unpack_from("<I", data, 0x3C)[0]
        count, optional = struct.unpack_from("<H12xH", data, header + 6)
        sections = {}
        for at in range(header + 24 + optional, header + 24 + optional + 40 * count, 40):
            address, size, offset = struct.unpack_from("<3I", data, at + 12)
            sections[data[at : at + 8].rstrip(b"\0")] = address, data[offset : offset + size]
        self._at, self._code = sections[b".text"]
        self._texts_at, self._texts = sections[b".rdata"]
        table = sections[b".pdata"][1]
        rows = struct.iter_unpack("<3I", table[: len(table) // 12 * 12])
        self._ends = {begin: end for begin, end, _ in rows}

    def names(self):
        """Return every name in the code, in order, each with its text, or "" for no function."""
        end = self._at + len(self._code)
        named = [(at, self._text(to)) for at, to in self._targets(_LEA, self._at, end)]
        named = [(at, name) for at, name in named if _NAME.fullmatch(name)]
        return [
            (name, self._registered(at, min(until, at + REACH)))
            for (at, name), (until, _) in pairwise([*named, (end, "")])
        ]

    def _registered(self, begin, end):
        """Return the text of the function that is registered in a stretch of code, or ""."""
        for callee in self._called(begin, end):
            for one in (callee, *self._called(callee, self._ends[callee])):
                for _, target in self._targets(_LEA, one, self._ends[one]):
                    if (text := self._text(target)).startswith("({"):
                        return text
        return ""

    def _called(self, begin, end):
        return [to for _, to in self._targets(_CALL, begin, end) if to in self._ends]

    def _targets(self, instruction, begin, end):
        """Yield the address of each such instruction of a stretch, and that which it points at."""
        for match in instruction.finditer(self._code, begin - self._at, end - self._at):
            if match.end() + 4 <= len(self._code):
                distance = struct.unpack_from("<i", self._code, match.end())[0]
                yield self._at + match.start(), self._at + match.end() + 4 + distance

    def _text(self, address):
        start = address - self._texts_at
        if not 0 <= start < len(self._texts):
            return ""
        return self._texts[start : self._texts.index(b"\0", start)].decode("latin-1")
