"""Add functions to Wine 8 that NumPy and Python import and it lacks; vjnode needs none of them.

    python -m tools.check.wine_parts SYSTEM32 UCRTBASE.DLL

Writes into SYSTEM32 a copy of Wine's own UCRTBASE.DLL with functions for the parts of a complex
number, and a BCRYPTPRIMITIVES.DLL that forwards its random numbers. Needs pefile.
"""

import struct
import sys
from pathlib import Path

import pefile

# Complex numbers are in registers, or in memory, as Windows passes them on x86-64.
FUNCTIONS = {
    "crealf": "660f6ec1c3",
    "cimagf": "48c1e920660f6ec1c3",
    "creal": "f20f1001c3",
    "cimag": "f20f104108c3",
    "creall": "f20f1001c3",
    "cimagl": "f20f104108c3",
}
"""Names and machine code of the functions; Wine has stubs of 32 bytes in their places."""

FORWARDED = {"ProcessPrng": "advapi32.SystemFunction036"}

MARK, OTHER_MARK = b"Wine builtin DLL", b"Patched for test"
"""Wine's mark, and its replacement: Wine loads its own library instead of one with its mark."""


def with_functions(source: Path) -> bytes:
    """Return ``source`` with the code of ``FUNCTIONS`` in place of its stubs."""
    library = pefile.PE(str(source))
    data = bytearray(source.read_bytes())
    exports = {one.name: one.address for one in library.DIRECTORY_ENTRY_EXPORT.symbols if one.name}
    for name, code in FUNCTIONS.items():
        at = library.get_offset_from_rva(exports[name.encode()])
        bytes_ = bytes.fromhex(code)
        data[at : at + len(bytes_)] = bytes_
    return bytes(data).replace(MARK, OTHER_MARK, 1)


def forwarder(name: str, forwarded: dict[str, str]) -> bytes:
    """Return a 64-bit library ``name`` that only forwards names to functions of others."""
    start, aligned, header = 0x1000, 0x200, 40
    count = len(forwarded)
    names_at = start + header + 10 * count
    texts = b""

    def put(text: str) -> int:
        nonlocal texts
        at = names_at + len(texts)
        texts += text.encode() + b"\0"
        return at

    own = put(name)
    targets = [put(target) for target in forwarded.values()]
    names = [put(one) for one in forwarded]
    tables = (start + header, start + header + 4 * count, start + header + 8 * count)
    exports = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, own, 1, count, count, *tables)
    exports += struct.pack(f"<{count}I{count}I{count}H", *targets, *names, *range(count)) + texts
    raw = exports.ljust(-(-len(exports) // aligned) * aligned, b"\0")
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + b"\0" * 0x40
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, len(raw), 0, 0, start)
    optional += struct.pack("<QII", 0x180000000, start, aligned)
    optional += struct.pack("<HHHHHHIIIIHH", 6, 0, 0, 0, 6, 0, 0, 0x2000, aligned, 0, 2, 0x160)
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += struct.pack("<II", start, len(exports)) + b"\0" * 120
    section = struct.pack(
        "<8sIIIIIIHHI", b".edata", len(exports), start, len(raw), aligned, *[0] * 4, 0x40000040
    )
    return (dos + b"PE\0\0" + coff + optional + section).ljust(aligned, b"\0") + raw


def main() -> None:
    """Write both libraries into Wine's system32."""
    system32, ucrtbase = map(Path, sys.argv[1:])
    (system32 / "ucrtbase.dll").write_bytes(with_functions(ucrtbase))
    name = "bcryptprimitives.dll"
    (system32 / name).write_bytes(forwarder(name, FORWARDED))


if __name__ == "__main__":
    main()
