"""Pickles as plain data: what they name and ask for is noted, and nothing of it is called.

Python's own unpickler does what a file says, and so runs whatever its maker wants. Here its
operations are read (``pickletools``) and carried out on lists, dicts, numbers, texts and
``Record``, which notes that something would have been made: no name is ever looked up in a module.
Names beyond those that checkpoints need are refused all the same, since such a file is an attack or
no checkpoint.
"""

import pickletools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from vjnode.errors import InputError

STEPS_HIGH = 2_000_000
"""Most operations of one pickle; a StyleGAN has some 50,000."""

MAPPINGS = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "dnnlib.EasyDict",
        "dnnlib.util.EasyDict",
    }
)
"""Names of what is read as a dict."""

_KNOWN = re.compile(
    r"""
    torch\._utils\._rebuild_(tensor|tensor_v2|parameter|parameter_with_state)
    | torch\.storage\.(_load_from_bytes | (Typed|Untyped)Storage)
    | torch\.(Size|device|Tensor|dtype|channels_last|contiguous_format|preserve_format)
    | torch\.\w{1,20}Storage
    | torch\.(float|bfloat|double|half|u?int|bool|long|short|complex)\w{0,6}
    | torch\.nn\.(modules|parameter)\.[\w.]{1,60} | torch\.optim\.[\w.]{1,60}
    | torch_utils\.persistence\._reconstruct_persistent_obj
    | dnnlib\.tflib\.[\w.]{1,60} | training\.[\w.]{1,80}
    | numpy\.(dtype|ndarray|bool_|float64|float32|int64|int32)
    | numpy\.(core|_core)\.(multiarray\.(scalar|_reconstruct)|numeric\._frombuffer)
    | argparse\.Namespace | pathlib\.(Pure)?(Posix|Windows)?Path | _codecs\.encode
    | (builtins|__builtin__)\.(object|set|frozenset|slice|complex|bytearray|bytes|dict|list|tuple)
    | (copyreg|copy_reg)\._reconstructor
    """,
    re.VERBOSE | re.ASCII,
)
"""Names that checkpoints need or carry along, each of which is noted at most."""

_Kind = TypeVar("_Kind")

_KEYS = (str, int, float, bytes, type(None))


@dataclass(frozen=True)
class Name:
    """A name of a class or function, module first; it stands for nothing but itself."""

    text: str


@dataclass(eq=False)
class Record:
    """Note of what would have been made. name: of whose making. state: put into it, if any."""

    name: str
    args: tuple[Any, ...]
    state: Any = None


@dataclass(frozen=True)
class Outside:
    """Note of what lies outside the pickle. key: what the file says of it."""

    key: Any


_MARK = object()
_PUSHED = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE"),
        *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    }
)
"""Operations that push what they carry."""

_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_FRESH: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_SET": list, "EMPTY_DICT": dict}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickle(stream: IO[bytes]) -> object:
    """Return what the pickle at the stream's place holds, and leave the stream behind its end.

    Sets are lists; a key of a dict that is no number, text or None is left out.

    Raises:
        InputError: it names what no checkpoint needs, or has too many operations.
        ValueError, TypeError, IndexError, KeyError, OverflowError: it is damaged.
    """
    machine = _Machine()
    for step, (operation, carried, _) in enumerate(pickletools.genops(stream)):
        if step > STEPS_HIGH:
            raise InputError(f"it has more than {STEPS_HIGH} operations, too many for a checkpoint")
        machine.do(operation.name, carried)
    return machine.pop()


class _Machine:
    """The stack of a pickle, with the memo of what is referred to again."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def do(self, operation: str, carried: object) -> None:
        """Carry out one operation."""
        stack = self._stack
        if operation in _PUSHED:
            stack.append(carried)
        elif operation in _CONSTANTS:
            stack.append(_CONSTANTS[operation])
        elif operation in _FRESH:
            stack.append(_FRESH[operation]())
        elif operation in _TUPLES:
            stack.append(tuple(reversed([self.pop() for _ in range(_TUPLES[operation])])))
        elif operation.endswith(("GET", "PUT")) or operation == "MEMOIZE":
            self._remember(operation, carried)
        elif operation not in ("PROTO", "FRAME", "STOP"):
            act = getattr(self, f"_{operation.lower()}", None)
            if act is None:
                raise ValueError(f"its operation {operation} is not known here")
            act(carried)

    def pop(self) -> object:
        """Return the top, and take it away."""
        top = self._stack.pop()
        if top is _MARK:
            raise ValueError("a mark stands where a value should")
        return top

    def _top(self, kind: type[_Kind]) -> _Kind:
        top = self._stack[-1]
        if not isinstance(top, kind):
            raise TypeError(f"a {type(top).__name__} stands where it cannot")
        return top

    def _pop_of(self, kind: type[_Kind]) -> _Kind:
        top = self._top(kind)
        self._stack.pop()
        return top

    def _marked(self) -> list[Any]:
        """Return what lies above the last mark, and take both away."""
        taken = []
        while (one := self._stack.pop()) is not _MARK:
            taken.append(one)
        return taken[::-1]

    def _remember(self, operation: str, carried: object) -> None:
        number = len(self._memo) if operation == "MEMOIZE" else carried
        if not isinstance(number, int):
            raise TypeError("a place in the memo is no number")
        if operation.endswith("GET"):
            self._stack.append(self._memo[number])
        else:
            if self._stack[-1] is _MARK:
                raise ValueError("a mark cannot be kept")
            self._memo[number] = self._stack[-1]

    def _mark(self, _: object) -> None:
        self._stack.append(_MARK)

    def _pop(self, _: object) -> None:
        self._stack.pop()

    def _pop_mark(self, _: object) -> None:
        self._marked()

    def _dup(self, _: object) -> None:
        value = self.pop()
        self._stack += [value, value]

    def _list(self, _: object) -> None:
        self._stack.append(self._marked())

    _frozenset = _list

    def _tuple(self, _: object) -> None:
        self._stack.append(tuple(self._marked()))

    def _dict(self, _: object) -> None:
        found: dict[Any, Any] = {}
        _put(found, self._marked())
        self._stack.append(found)

    def _append(self, _: object) -> None:
        value = self.pop()
        self._extend([value])

    def _appends(self, _: object) -> None:
        self._extend(self._marked())

    _additems = _appends

    def _extend(self, values: list[Any]) -> None:
        if not isinstance(self._stack[-1], Record):  # what a list of its own class held is not read
            self._top(list).extend(values)

    def _setitem(self, _: object) -> None:
        value, key = self.pop(), self.pop()
        self._set_all([key, value])

    def _setitems(self, _: object) -> None:
        self._set_all(self._marked())

    def _set_all(self, values: list[Any]) -> None:
        if not isinstance(self._stack[-1], Record):
            _put(self._top(dict), values)

    def _global(self, carried: str) -> None:
        self._stack.append(_name(carried.replace(" ", ".", 1)))

    def _stack_global(self, _: object) -> None:
        name, module = self._pop_of(str), self._pop_of(str)
        self._stack.append(_name(f"{module}.{name}"))

    def _reduce(self, _: object) -> None:
        args = self._pop_of(tuple)
        self._stack.append(_made(self._pop_of(Name), args))

    _newobj = _reduce

    def _newobj_ex(self, _: object) -> None:
        self._pop_of(dict)
        self._reduce(None)

    def _inst(self, carried: str) -> None:
        args = tuple(self._marked())
        self._stack.append(_made(_name(carried.replace(" ", ".", 1)), args))

    def _obj(self, _: object) -> None:
        kind, *args = self._marked()
        if not isinstance(kind, Name):
            raise TypeError("an object has no class")
        self._stack.append(_made(kind, tuple(args)))

    def _build(self, _: object) -> None:
        state = self.pop()
        if not isinstance(self._stack[-1], dict):
            self._top(Record).state = state

    def _persid(self, carried: str) -> None:
        self._stack.append(Outside(carried))

    def _binpersid(self, _: object) -> None:
        self._stack.append(Outside(self.pop()))


def _name(text: str) -> Name:
    """Return a name that checkpoints need.

    Raises:
        InputError: they do not.
    """
    if text not in MAPPINGS and not _KNOWN.fullmatch(text):
        raise InputError(
            f"it asks for {text[:80]!r}, which no checkpoint needs; nothing of it was run. "
            "Take the file from those who made it"
        )
    return Name(text)


def _made(name: Name, args: tuple[Any, ...]) -> object:
    """Return what stands for an object made of ``args``."""
    match name.text, args:
        case text, _ if text in MAPPINGS:
            return {}
        case "_codecs.encode", (str(value), "latin1" | "latin-1"):
            return value.encode("latin-1")
        case "copyreg._reconstructor" | "copy_reg._reconstructor", (Name(text), *_):
            return Record(text, ())
    return Record(name.text, args)


def _put(target: dict[Any, Any], values: list[Any]) -> None:
    """Put keys and values, one behind the other, into a dict."""
    for key, value in zip(values[::2], values[1::2], strict=True):
        if isinstance(key, _KEYS):
            target[key] = value
