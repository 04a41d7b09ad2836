"""An expression of the user's own, as the difference of two pictures of one person.

Two ways. ``w``: a style code is found for the neutral picture; then, together, what else the person
takes in the slots that are to move, and what the expression adds there, so that what a code cannot
draw of the person does not count as expression. ``document``: as the source document has it, codes
of all slots are found for each, beginning with zeros, by the features of VGG16 alone.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor
from tqdm import tqdm

from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import expression_names, forget_own
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.faces.own import check_name
from vjnode.faces.photo.adam import Adam, pace
from vjnode.faces.photo.aligning import Aligned, Aligner
from vjnode.faces.photo.device import Device, name_of, working_on
from vjnode.faces.photo.document import ROUNDS as DOCUMENT_ROUNDS
from vjnode.faces.photo.document import check_vgg, document_stage
from vjnode.faces.photo.features import Features, PersonFeatures, Vgg, VggFeatures
from vjnode.faces.photo.pivot import whitening
from vjnode.faces.photo.reading import named, read_photo
from vjnode.faces.photo.settings import Settings
from vjnode.faces.photo.stages import Stage
from vjnode.faces.photo.target import PX, Target, rest_loss, target_of
from vjnode.faces.photo.tuning import Tools, draw, pivot_stage
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.spec import MOBILESTYLEGAN
from vjnode.generators.mobilestylegan.tuned import network_of
from vjnode.paths import config_dir, replace_file

_log = logging.getLogger(__name__)

Method = Literal["w", "document"]
Fuse = Literal["add", "multiply"]

ROUNDS: dict[Method, int] = {"w": 100, "document": DOCUMENT_ROUNDS}
"""Rounds for each picture."""

SLOTS_MOVED = tuple(range(4, 12))
"""Slots that move an expression and not the pose, from 8 to 64 px."""

_TOGETHER_RATE, _SMALL = 0.01, 1.0
"""Rate of Adam, and weight of the mean square of what is found together."""

_MOST = 1.0
"""Largest share by which a code is multiplied: codes near zero would go anywhere."""


@dataclass(frozen=True)
class PairRequest:
    """An expression to find. neutral, shown: files. slots: that it moves, from 0.

    rounds: for each picture. vgg: VGG16, needed for ``document``. dlib: folder
    of the network that tells persons apart. device: that it is found on.
    """

    name: str
    neutral: Path
    shown: Path
    slots: tuple[int, ...]
    fuse: Fuse = "add"
    method: Method = "w"
    rounds: int = ROUNDS["w"]
    vgg: Vgg | None = None
    dlib: Path | None = None
    about: str = ""
    device: Device = "cpu"


def add_expression(request: PairRequest) -> Path:
    """Find an expression and keep it in the user's folder. Returns: its .toml file.

    Raises:
        InputError: a picture will not do, or an option.
        VjnodeError: it cannot be written, or a card fails.
    """
    with working_on(request.device, PX):
        return _added(request)


def _added(request: PairRequest) -> Path:
    check_name(request.name, "expression")
    if request.method == "document":
        check_vgg(given=request.vgg is not None)
    if not set(request.slots) <= set(range(SLOTS)) or not request.slots:
        raise InputError(f"--slots: take some of 0 to {SLOTS - 1}")
    identity, aligner, aligned = DlibIdentity(dlib_file(request.dlib)), Aligner(), list[Aligned]()
    for path in (request.neutral, request.shown):
        photo = read_photo(path)
        with named(path):
            aligned.append(aligner.align(photo, PX))
    features: Features = (
        PersonFeatures(identity) if request.vgg is None else VggFeatures(request.vgg())
    )
    tools = Tools(identity, features, FaceMesh())
    targets = [target_of(one, PX, identity, features) for one in aligned]
    slots = list(request.slots)
    _log.info("it is found on %s", name_of(request.device))
    with tqdm(total=2 * request.rounds, desc=request.name, unit="round", disable=None) as bar:
        if request.method == "document":
            first, second = _plain(targets, request.rounds, tools, bar.update)
        else:
            first, second = _together(targets, slots, request.rounds, tools, bar.update)
    rows = second[slots] - first[slots]
    if request.fuse == "multiply":
        rows = np.clip(rows / np.where(np.abs(first[slots]) < 1e-3, 1e-3, first[slots]), -1, _MOST)
    return _kept(request, rows.astype(np.float32))


_Codes = NDArray[np.float32]
_Done = Callable[[], object]


def _together(
    targets: list[Target], slots: list[int], rounds: int, tools: Tools, done: _Done
) -> tuple[_Codes, _Codes]:
    """Return the codes of two pictures, (slots, dim) each, that differ in ``slots`` alone."""
    network, white, settings = network_of(PX), torch.zeros(DIM), Settings()
    _descend(pivot_stage(network, white, targets[0], rounds, settings=settings, tools=tools), done)
    codes, rows = whitening().codes(white), torch.zeros(2, len(slots), DIM)

    def moved(added: Tensor) -> Tensor:
        return codes.index_add(1, torch.tensor(slots), added[None])

    def loss(_: int) -> tuple[Tensor, Tensor]:
        total = _SMALL * rows.square().mean()
        for target, added in zip(targets, (rows[0], rows.sum(0)), strict=True):
            picture = draw(network, None, moved(added))
            total = total + rest_loss(
                picture, target, tools.identity, tools.features, settings, masked=True
            )
        return total, picture

    _descend(Stage(rounds, _TOGETHER_RATE, settings.held[1], 2.0, {"rows": rows}, loss), done)
    return moved(rows[0])[0].numpy(force=True), moved(rows.sum(0))[0].numpy(force=True)


def _plain(targets: list[Target], rounds: int, tools: Tools, done: _Done) -> tuple[_Codes, _Codes]:
    """Return the codes of two pictures, (slots, dim) each, as the document finds them."""
    found = []
    for target in targets:
        codes = torch.zeros(1, SLOTS, DIM)
        _descend(document_stage(codes, target, rounds, tools.features), done)
        found.append(codes[0].numpy(force=True))
    return found[0], found[1]


def _descend(stage: Stage, done: _Done) -> None:
    adam = Adam(stage.tensors)
    for value in stage.tensors.values():
        value.requires_grad_()
    for i in range(stage.rounds):
        loss, _ = stage.loss(i)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step(stage.rate * pace(i, stage.rounds, stage.held))
        done()
    for value in stage.tensors.values():
        value.requires_grad_(False)


def _kept(request: PairRequest, rows: NDArray[np.float32]) -> Path:
    """Write an expression's files. rows: (len(slots), dim)."""
    path = config_dir("expressions") / f"{request.name}.toml"
    number = len([one for one in expression_names(MOBILESTYLEGAN) if one != request.name])
    about = json.dumps(request.about or "from two pictures", ensure_ascii=False)
    text = (
        f'number = {number}\ngenerator = "{MOBILESTYLEGAN.name}"\nabout = {about}\n'
        f'weights = [0.0, 1.0]\n\n[[part]]\nname = "direction"\nslots = {list(request.slots)}\n'
        f'fuse = "{request.fuse}"\namounts = [0.0, 1.0]\n\n# Found by: vjnode expressions add\n'
        f'[found]\nmethod = "{request.method}"\nrounds = {request.rounds}\n'
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = save({"direction": np.ascontiguousarray(rows)})
        replace_file(path.with_suffix(".safetensors"), data)
        replace_file(path, text.encode())
    except OSError as error:
        raise VjnodeError(f"{path} cannot be written ({error.strerror})") from error
    forget_own()
    return path
