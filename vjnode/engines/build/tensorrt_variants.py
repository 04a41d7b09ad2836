"""The two TensorRTs, which share one interface: for RTX cards, and for all NVIDIA cards."""

import importlib
import importlib.util
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from vjnode.engines.cuda.capability import KNOWN, gpu_here, with_cards
from vjnode.engines.cuda.tensorrt_api import TensorRt
from vjnode.errors import EngineError, InputError
from vjnode.remedies import install


@dataclass(frozen=True)
class Flavour:
    """One TensorRT.

    module: what Python calls it. package: what pip calls it. ending: of its engine files.
    anywhere: cards whose engines it builds on any machine; none, if it builds on the card only.
    caches_timings: whether it measures kernels and can keep what it has found.
    """

    module: str
    about: str
    package: str
    ending: str
    anywhere: tuple[str, ...]
    caches_timings: bool

    @property
    def installed(self) -> bool:
        """Return whether it can be imported here."""
        return importlib.util.find_spec(self.module) is not None

    def builds_for(self, gpu: str) -> bool:
        """Return whether it can build engines for a card on this machine."""
        return gpu in self.anywhere if self.anywhere else gpu == gpu_here()

    def load(self) -> TensorRt:
        """Import it.

        Raises:
            EngineError: it is not installed, or its libraries do not load.
        """
        try:
            return cast(TensorRt, importlib.import_module(self.module))
        except ImportError as error:
            raise EngineError(
                f"{self.about} is not usable here ({error}); run: {install(self.package)}"
            ) from error
        except OSError as error:  # a shared library of another system or processor
            raise EngineError(
                f"{self.about} is installed, but its libraries do not load ({error}); "
                f"run: {install('--force-reinstall', self.package)}"
            ) from error

    @property
    def version(self) -> str:
        """Its version, as engines are tied to it.

        Raises:
            EngineError: it is not usable here.
        """
        return str(self.load().__version__)


RTX = Flavour(
    module="tensorrt_rtx",
    about="TensorRT for RTX",
    package="tensorrt-rtx",
    ending=".rtx",
    anywhere=("sm75", "sm80", "sm86", "sm89", "sm120", "sm121"),
    caches_timings=False,
)
FULL = Flavour(
    module="tensorrt",
    about="TensorRT",
    package="tensorrt",
    ending=".trt",
    anywhere=(),
    caches_timings=True,
)
FLAVOURS = {flavour.module: flavour for flavour in (RTX, FULL)}


def flavour_of(ending: str) -> Flavour | None:
    """Return the flavour whose engine files end so."""
    return next((one for one in FLAVOURS.values() if one.ending == ending), None)


def flavour_for(gpu: str) -> Flavour:
    """Return what builds engines for a card on this machine.

    The one for RTX cards where it can, unless only the other is installed.

    Raises:
        InputError: such engines can only be built on the card, and it is not here.
    """
    able = [one for one in FLAVOURS.values() if one.builds_for(gpu)]
    if not able:
        raise InputError(
            f"engines for {with_cards(gpu)} are built on the card itself, and it is not here; "
            "run this on the machine that has it, with --gpu this"
        )
    return next((one for one in able if one.installed), able[0])


def resolve_gpu(asked: str) -> str:
    """Return the compute capability that a person means: ``this`` is the card that is here.

    Raises:
        InputError: there is no such card, or ``this`` without one.
    """
    if asked == "this":
        found = gpu_here()
        if found is None:
            raise InputError(
                "there is no CUDA card here that --gpu this could mean; name the one that the "
                f"engine is for: {_choices(RTX.anywhere)}"
            )
        return found
    if asked not in KNOWN:
        raise InputError(
            f"there is no GPU {asked!r}; choose one of {_choices(KNOWN)}, or this for the one here"
        )
    return asked


def system() -> str:
    """Name the operating system and processor as engines are tied to them."""
    machine = platform.machine().lower()
    return f"{sys.platform}-{'x86_64' if machine == 'amd64' else machine}"


def _choices(gpus: Iterable[str]) -> str:
    return ", ".join(map(with_cards, gpus))
