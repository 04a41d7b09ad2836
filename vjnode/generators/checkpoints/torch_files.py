"""Files of torch.save in both of its layouts: a zip archive, and the older row of pickles."""

import io
import struct
import zipfile
from typing import IO, Any

import numpy as np

from vjnode.errors import InputError
from vjnode.generators.checkpoints.pickles import Outside, Record, read_pickle
from vjnode.generators.checkpoints.storages import TYPES, Open, Storage, stored

MAGIC = 0x1950A86A20F9469CFC6C
"""Number that the older layout begins with."""

VERSION = 1001
"""Version of the older layout."""

MEMBERS_HIGH = 100_000
"""Most files in an archive; a StyleGAN has some 300."""


def read_zip(stream: IO[bytes]) -> tuple[Any, Open]:
    """Return what an archive's pickle holds, and what opens its storages.

    Nothing is unpacked to disk, and what is compressed is refused, as torch compresses nothing.

    Raises:
        InputError: it is no archive of torch's.
        ValueError and others of ``read_pickle``, zipfile.BadZipFile: it is damaged.
    """
    archive = zipfile.ZipFile(stream)
    members = {info.filename: info for info in archive.infolist()[:MEMBERS_HIGH]}
    pickles = [name for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise InputError("it is a zip archive, but not one of torch.save")
    top = pickles[0].removesuffix("data.pkl")

    def read(name: str) -> bytes:
        info = members[name]
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise InputError("something in it is compressed, which torch.save never does")
        return archive.read(info)

    if f"{top}byteorder" in members and read(f"{top}byteorder").strip() != b"little":
        raise InputError("its numbers are big-endian; save it again on a usual machine")

    def open_storage(where: object) -> Storage:
        if not isinstance(where, Outside):
            return nested(where)
        kind, name, _ = stored(where.key)
        return Storage(kind, read(f"{top}data/{name}"))

    return read_pickle(io.BytesIO(read(pickles[0]))), open_storage


def read_old(stream: IO[bytes]) -> tuple[Any, Open]:
    """Return what a file of the older layout holds, and what opens its storages.

    stream: at its beginning.

    Raises:
        ValueError and others of ``read_pickle``: it is damaged.
    """
    if (read_pickle(stream), read_pickle(stream)) != (MAGIC, VERSION):
        raise ValueError("it does not begin as torch.save begins")
    system, held, names = (read_pickle(stream) for _ in range(3))
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise InputError("its numbers are big-endian; save it again on a usual machine")
    kinds: dict[str, str] = {}
    for key in _storages(held):
        kind, name, _ = stored(key)
        kinds[name] = kind
    if not isinstance(names, list):
        raise ValueError("it does not name its storages")
    kept: dict[str, Storage] = {}
    for name in names:
        (count,) = struct.unpack("<q", stream.read(8))
        width = _width(kinds.get(name, ""))
        if count < 0 or width == 0:
            raise ValueError("a storage is of an unknown type")
        data = stream.read(count * width)
        if len(data) != count * width:
            raise ValueError("it ends in the middle of its numbers")
        kept[name] = Storage(kinds[name], data)

    def open_storage(where: object) -> Storage:
        return kept[stored(where.key)[1]] if isinstance(where, Outside) else nested(where)

    return held, open_storage


def nested(where: object) -> Storage:
    """Return the storage of a pickled tensor: a file of the older layout that holds it alone.

    Raises:
        ValueError and others of ``read_old``: it is something else.
    """
    match where:
        case Record("torch.storage._load_from_bytes", (bytes(data),)):
            held, open_storage = read_old(io.BytesIO(data))
            if isinstance(held, Outside):
                return open_storage(held)
    raise ValueError("a tensor has no storage")


def _width(kind: str) -> int:
    """Return the bytes of a number of a storage's type; 0 where that is not known."""
    others = {
        **dict.fromkeys(("Long", "ComplexFloat"), 8),
        **dict.fromkeys(("Int", "QInt32"), 4),
        **dict.fromkeys(("Short",), 2),
        **dict.fromkeys(("Bool", "Byte", "Char", "QInt8", "QUInt8", "Untyped"), 1),
    }
    if kind in TYPES:
        return np.dtype(TYPES[kind]).itemsize
    return others.get(kind.removeprefix("torch.").removesuffix("Storage"), 0)


def _storages(held: object) -> list[Any]:
    """Return what is said of every storage in what a pickle holds; each object is seen once."""
    found, seen, waiting = list[Any](), set[int](), [held]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        match one:
            case Outside(key):
                found.append(key)
            case dict():
                waiting += one.values()
            case list() | tuple():
                waiting += one
            case Record():
                waiting += [*one.args, one.state]
    return found
