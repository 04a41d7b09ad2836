"""A photo becomes a face of the user's own, from the file of the one to the file of the other."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor

from vjnode import __version__
from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import face_names, load_expression
from vjnode.faces.face_file import LAYOUT, face_file
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.faces.own import add_whole_face, check_kept
from vjnode.faces.photo.aligning import Aligned, Aligner
from vjnode.faces.photo.device import Device, name_of, working_on
from vjnode.faces.photo.document import DOCUMENT, check_vgg, find_by_document
from vjnode.faces.photo.features import Features, PersonFeatures, Vgg, VggFeatures
from vjnode.faces.photo.figures import Figures, figures_of
from vjnode.faces.photo.progress import Progress, Watch
from vjnode.faces.photo.reading import Picture, named, read_photo
from vjnode.faces.photo.rest import ACTIONS
from vjnode.faces.photo.settings import Rounds, Settings
from vjnode.faces.photo.stages import Stages
from vjnode.faces.photo.state import State, StateFile, digest_of
from vjnode.faces.photo.target import as_picture, as_tensor, at_px, target_of
from vjnode.faces.photo.tuning import Tools, Tuned, draw, tune
from vjnode.faces.photo.widening import widen
from vjnode.faces.removal import begun_file
from vjnode.generators.mobilestylegan.layout import SIZES
from vjnode.generators.mobilestylegan.spec import MOBILESTYLEGAN
from vjnode.generators.mobilestylegan.tuned import OFFSETS, PREFIX, tunable
from vjnode.system.memory import keep_freed_memory

_log = logging.getLogger(__name__)

ALIGNED_PX = 1024
"""Size at which photos are aligned, px."""

THUMBNAIL_PX, JPEG_QUALITY = 128, 92

CONSENT = (
    "Made from a photo of a person. Show it only where that person, or who may speak for them, has "
    "agreed to it."
)

Method = Literal["tuned", "document"]
"""``tuned``: the generator is tuned to the photo. ``document``: codes alone are found for it."""

_GENERATOR = MOBILESTYLEGAN


@dataclass(frozen=True)
class Request:
    """A face to make.

    photo, second: files; second is another photo of the person, that only measures. number: of the
    face in the photo, from the left, from 1. size: of the pictures that are shown, px. expressions:
    names of those that it is to have. vgg: VGG16; None: features of the network
    that tells persons apart. dlib: folder of that network. keep_photo: whether the aligned photo
    goes into the face's file. as_it_is: whether a face that smiles stays so. device: that it is
    made on. method: by ``document``, size, as_it_is and all rounds but the first mean nothing, and
    expressions are those that the face is measured with.
    """

    name: str
    photo: Path
    expressions: Sequence[str]
    size: int = 512
    rounds: Rounds = Rounds()  # noqa: RUF009 - it is frozen
    second: Path | None = None
    number: int | None = None
    vgg: Vgg | None = None
    dlib: Path | None = None
    keep_photo: bool = False
    as_it_is: bool = False
    about: str = ""
    device: Device = "cpu"
    method: Method = "tuned"
    settings: Settings = Settings()  # noqa: RUF009 - it is frozen


@dataclass(frozen=True)
class Made:
    """A face that was made. file: that was written. aligned: the photo."""

    file: Path
    figures: Figures
    aligned: Aligned
    seconds: float


def make_face(request: Request, *, resume: bool = False, watch: Watch | None = None) -> Made:
    """Make a face of a photo, and keep it.

    resume: go on with what was broken off. watch: is shown the face as it becomes.

    Raises:
        InputError: the photo will not do, or an option; the text says why, and what will.
        VjnodeError: a file cannot be written, or a card fails.
    """
    with working_on(request.device, request.size):
        return _made(request, resume=resume, watch=watch)


def _made(request: Request, *, resume: bool, watch: Watch | None) -> Made:
    began_s = monotonic()
    keep_freed_memory()
    check_kept(request.name)
    if request.size not in SIZES:
        raise InputError(f"--size {request.size}: take one of {', '.join(map(str, SIZES))}")
    if request.method == DOCUMENT:
        check_vgg(given=request.vgg is not None)
    expressions = [load_expression(name, _GENERATOR) for name in request.expressions]
    photo, network = read_photo(request.photo), dlib_file(request.dlib)
    kind = PersonFeatures.name if request.vgg is None else VggFeatures.name
    file = StateFile(
        begun_file(request.name), _digest(request, photo, kind), request.settings.saved_s
    )
    state = file.load() if resume else State()
    if not resume and file.is_of_this_request():
        _log.info("it is begun anew, although some of it was done; --resume would go on with that")
    identity, aligner = DlibIdentity(network), Aligner()
    with named(request.photo):
        aligned = aligner.align(photo, ALIGNED_PX, number=request.number)
    if watch is not None:
        watch.begun(aligned.picture)
    second = _person(aligner, request.second, identity)
    features: Features = (  # only now: VGG16 may have to be fetched
        PersonFeatures(identity) if request.vgg is None else VggFeatures(request.vgg())
    )
    target = target_of(aligned, request.size, identity, features)
    tools = Tools(identity, features, FaceMesh())
    _log.info("it is made on %s", name_of(request.device))
    with Progress(request.name, request.rounds, request.size, watch) as progress:
        stages = Stages(file, state, progress.passed, progress.shown, progress.resumed)
        if request.method == DOCUMENT:
            tuned = find_by_document(target, request.rounds.pivot, tools, stages)
        else:
            tuned = tune(
                target,
                expressions,
                size=request.size,
                rounds=request.rounds,
                settings=request.settings,
                tools=tools,
                stages=stages,
                calms=not request.as_it_is,
            )
            tuned = widen(
                tuned,
                target,
                expressions,
                size=request.size,
                rounds=request.rounds,
                settings=request.settings,
                tools=tools,
                stages=stages,
            )
    figures = figures_of(tuned, target.embedding, expressions, identity, second)
    data = _face_file(request, tuned, figures, aligned, features.name)
    try:
        path = add_whole_face(request.name, data)
    except VjnodeError as error:
        raise VjnodeError(
            f"{error}; make room, and the same command with --resume ends it at once"
        ) from error
    file.forget()
    return Made(path, figures, aligned, monotonic() - began_s)


def has_state(name: str) -> bool:
    """Return whether there is something of a face to go on with."""
    return begun_file(name).is_file()


def _person(aligner: Aligner, path: Path | None, identity: DlibIdentity) -> Tensor | None:
    """Return the embedding of the person in another photo; None: there is none."""
    if path is None:
        return None
    photo = read_photo(path)
    with named(path):
        aligned = aligner.align(photo, ALIGNED_PX)
    with torch.no_grad():
        picture = at_px(as_tensor(aligned.picture))
        return identity(picture, torch.from_numpy(aligned.landmarks.points))


def _digest(request: Request, photo: Picture, features: str) -> str:
    """Return a digest over all that the result depends on, but for the machine.

    Of that, the kind of device counts: a card rounds in another way than a processor.
    """
    settings = asdict(request.settings)
    del settings["saved_s"]
    said = {
        "method": request.method,
        "size": request.size,
        "rounds": asdict(request.rounds),
        "settings": settings,
        "expressions": list(request.expressions),
        "number": request.number,
        "as_it_is": request.as_it_is,
        "features": features,
        "device": request.device,
        "layout": LAYOUT,
    }
    return digest_of(json.dumps(said, sort_keys=True), str(photo.shape), photo.tobytes())


def _face_file(
    request: Request, tuned: Tuned, figures: Figures, aligned: Aligned, features: str
) -> bytes:
    """Return the face's file: codes, differences of weights, alignment, thumbnail, provenance."""
    tensors = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]()
    drawn, rounds = "", [request.rounds.pivot]
    if request.method == "tuned":
        before = tunable(tuned.before)
        tensors |= {
            f"{PREFIX}{name}": (value.detach() - before[name].detach()).half().numpy(force=True)
            for name, value in tunable(tuned.network).items()
        }
        drawn = f"size = {request.size}\nlayout = {LAYOUT}\n"
        rounds += [request.rounds.trunk, request.rounds.output]
    with torch.no_grad():
        rest = as_picture(draw(tuned.network, None, tuned.rest.codes))
    tensors["codes"] = tuned.rest.codes[0].numpy(force=True)
    if tuned.rest.seen is not None:
        tensors[OFFSETS] = tuned.rest.offsets.numpy(force=True)
    tensors["thumbnail"] = _jpeg(rest, THUMBNAIL_PX)
    tensors["quad"] = aligned.quad.astype(np.float32)
    if request.keep_photo:
        tensors["photo"] = _jpeg(aligned.picture, ALIGNED_PX)
    number = len([one for one in face_names(_GENERATOR) if one != request.name])
    about = request.about or "from a photo"
    taken = ", ".join(
        f"{name} = {amount:.2f}" for name, amount in zip(ACTIONS, tuned.rest.amounts, strict=True)
    )
    text = f"""number = {number}
generator = "{_GENERATOR.name}"
about = {json.dumps(about, ensure_ascii=False)}
{drawn}consent = "{CONSENT}"

[made]
vjnode = "{__version__}"
method = "{request.method}"
rounds = {rounds}
seed = {request.settings.seed}
features = "{features}"
expressions = {json.dumps(list(request.expressions))}
photo_px = {aligned.side:.0f}
photo_kept = {str(request.keep_photo).lower()}
likeness = {figures.rest:.3f}
likeness_worst = {figures.worst[1]:.3f}
verdict = "{figures.verdict}"
taken_out = {{ {taken} }}
wider = {tuned.wider:.2f}
wider_last = {tuned.wider_last:.2f}
"""
    return face_file(text, tensors)


def _jpeg(picture: Picture, px: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    small = cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(data, np.uint8).reshape(-1)
