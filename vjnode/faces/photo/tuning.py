"""Tuning of a generator to a photo, in three stages.

First a style code is found whose face is near; then the layers that make shapes are tuned at a
small size; then all layers at the size that is shown (pivotal tuning: Roich et al., arXiv
2106.05744). In every round of the last two an expression is drawn as well: it is to move as it
moves the untuned generator, to stay the person, and to leave alone what is around the face. A photo
that smiles is one of the face's poses, and the face at rest another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vjnode.faces.expression import Expression, Face
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.finding.regions import EYES, area
from vjnode.faces.finding.sampling import resized
from vjnode.faces.identity import DlibIdentity
from vjnode.faces.photo.features import Features, distance
from vjnode.faces.photo.grain import grain_apart, grain_of
from vjnode.faces.photo.opening import wider_of
from vjnode.faces.photo.pivot import whitening
from vjnode.faces.photo.poses import Pose, pose, poses_of, with_rest
from vjnode.faces.photo.rest import Rest, as_it_is, brought_to_rest
from vjnode.faces.photo.settings import FINE_PX, Rounds, Settings
from vjnode.faces.photo.stages import Stage, Stages
from vjnode.faces.photo.target import (
    LEAST_GRAIN_PX,
    PX,
    Target,
    at_px,
    fine_loss,
    means_apart,
    rest_loss,
    within_apart,
)
from vjnode.generators.mobilestylegan.layout import DIM, STYLES
from vjnode.generators.mobilestylegan.tuned import (
    Network,
    add_offsets,
    in_trunk,
    network_of,
    tunable,
    works_at,
)

_MOUTH = slice(128, 224), slice(80, 176)
"""Rows and columns, at PX, around a mouth: a wider square would copy the untuned nose."""

_EYES = slice(90, 146), slice(58, 198)
"""The same around both eyes."""

_LIDS_GROW = 1.9
"""Size of what is looked at around shut eyes, in sizes of an eye."""

LATE = {64: 0.5, 128: 0.1, 256: 0.0, 512: 0.0}
"""Factors of the rate of the generator's own late layers, by the size that they work at, px.

They draw pores and hairs for anybody, and a few rounds at the full rate are enough for a grid.
"""

TRUNK_COST = 2.0
"""Cost of a round of the trunk's, in those of the pivot."""

OUTPUT_COSTS = {256: 2.0, 512: 4.0, 1024: 7.0}
"""The same of a round at the shown size, by that."""


@dataclass(frozen=True)
class Tools:
    """Networks that look at pictures."""

    identity: DlibIdentity
    features: Features
    mesh: FaceMesh


@dataclass(frozen=True)
class Tuned:
    """A face as it was found.

    rest: its codes, and offsets, which both networks have in them. network: tuned. before: the
    same, untuned. wider: factor of what opens the mouth, by which it learned to open it wider.
    wider_last: the same of what it learned from itself in the end.
    """

    rest: Rest
    network: Network
    before: Network
    wider: float = 1.0
    wider_last: float = 1.0


def costs_of(rounds: Rounds, size: int) -> tuple[float, float, float, float]:
    """Return the costs of the stages, in rounds of the pivot."""
    cost = OUTPUT_COSTS[size]
    return rounds.pivot, TRUNK_COST * rounds.trunk, cost * rounds.output, cost * rounds.laughs


def tune(
    target: Target,
    expressions: Sequence[Expression],
    *,
    size: int,
    rounds: Rounds,
    settings: Settings,
    tools: Tools,
    stages: Stages,
    calms: bool = True,
) -> Tuned:
    """Tune the generator to a target.

    size: of the pictures that are shown, px. expressions: that the face is to have. calms: whether
    a face that smiles is brought to rest.
    """
    before, white = network_of(PX), torch.zeros(DIM)
    stages.run(pivot_stage(before, white, target, rounds.pivot, settings=settings, tools=tools))
    codes, held = whitening().codes(white).contiguous(), settings.held

    def look(codes: Tensor, offsets: Tensor) -> Tensor:
        return tools.mesh.points(at_px(before.levels(codes, torch.ones(1), offsets)[:, :3] / 255))

    rest = brought_to_rest(codes, look) if calms else as_it_is(codes)
    face = Face("", "", rest.codes[0].numpy(force=True))
    network = network_of(PX)
    for one in (before, network):
        add_offsets(one, rest.offsets)
    wider = wider_of(face, expressions, look, settings.opening)
    total = rounds.trunk + rounds.output

    def posed(wider: float) -> list[Pose]:
        poses = poses_of(face, expressions, total, settings.seed, STYLES, wider=wider)
        if rest.seen is None:
            return poses
        return with_rest(poses, pose(face, None, 0.0, STYLES))[:total]

    poses = list(zip(posed(1.0), posed(wider), strict=True))
    trunk: dict[str, Tensor] = {
        name: value for name, value in tunable(network).items() if in_trunk(name)
    }
    early, late = poses[: rounds.trunk], poses[rounds.trunk :]
    losses = TuningLoss(Tuned(rest, network, before), early, target, settings, tools)
    stages.run(Stage(rounds.trunk, settings.rate, held[1], TRUNK_COST, trunk, losses))
    before, network = network_of(size), network_of(size)
    for one in (before, network):
        add_offsets(one, rest.offsets)
    whole: dict[str, Tensor] = dict(tunable(network))
    for name, value in trunk.items():
        whole[name].data.copy_(value)
    tuned = Tuned(rest, network, before, wider)
    losses = TuningLoss(tuned, late, target, settings, tools, fine=True)
    paces = paces_of(whole, size)
    moved = {name: value for name, value in whole.items() if paces[name]}
    cost = OUTPUT_COSTS[size]
    stages.run(Stage(rounds.output, settings.rate, held[1], cost, moved, losses, paces))
    return tuned


def paces_of(names: Iterable[str], size: int) -> dict[str, float]:
    """Return the factor of the rate of each weight when pictures of ``size`` px are tuned."""
    late = LATE if size >= FINE_PX else {}
    return {name: late.get(works_at(name), 1.0) for name in names}


def pivot_stage(
    network: Network,
    white: Tensor,
    target: Target,
    rounds: int,
    *,
    settings: Settings,
    tools: Tools,
) -> Stage:
    """Return the stage that finds a style code. white: its coordinates, [DIM], moved in place."""

    def loss(_: int) -> tuple[Tensor, Tensor]:
        picture = draw(network, None, whitening().codes(white))
        apart = rest_loss(picture, target, tools.identity, tools.features, settings, masked=True)
        return apart + settings.code * white.square().mean(), picture

    return Stage(rounds, settings.pivot_rate, settings.held[0], 1.0, {"white": white}, loss)


def draw(network: Network, pose: Pose | None, codes: Tensor) -> Tensor:
    """Return the picture of a pose, [1, 3, size, size], 0…1 and beyond; None: of codes at rest."""
    noise = torch.ones(1)
    if pose is None:
        return network.levels(codes, noise, torch.zeros(1, STYLES))[:, :3] / 255
    return network.levels(pose.codes, noise, pose.offsets)[:, :3] / 255


class TuningLoss:
    """The loss of a network that is tuned: of the face at rest, and of one pose each round.

    poses: of each round: as it is asked for, and as the untuned generator shows it. fine: whether
    pictures are also compared at their own size.
    """

    def __init__(
        self,
        tuned: Tuned,
        poses: Sequence[tuple[Pose, Pose]],
        target: Target,
        settings: Settings,
        tools: Tools,
        *,
        fine: bool = False,
    ) -> None:
        self._network, self._before, self._codes = tuned.network, tuned.before, tuned.rest.codes
        self._seen = tuned.rest.seen
        self._poses, self._target = poses, target
        self._settings, self._tools, self._fine = settings, tools, fine
        with torch.no_grad():
            self._seen_before = draw(self._before, self._seen, self._codes)
            # As in the photo, and above the size of that as the generator has it, which has a grid.
            drawn = grain_of(self._seen_before, LEAST_GRAIN_PX)
            own = at_px(target.fine, target.grain_px)
            plain = {px: grain.without_grid() for px, grain in drawn.items()}
            self._grain = plain | grain_of(own, LEAST_GRAIN_PX)

    def __call__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the loss of a round, and the picture at rest; see ``Loss``."""
        target, settings, tools = self._target, self._settings, self._tools
        seen = draw(self._network, self._seen, self._codes)
        loss = rest_loss(
            at_px(seen), target, tools.identity, tools.features, settings, masked=False
        )
        if self._fine:
            loss = loss + fine_loss(seen, target, settings)
            loss = loss + settings.grain * grain_apart(grain_of(seen, LEAST_GRAIN_PX), self._grain)
        if number < len(self._poses):
            loss = loss + self._moved(seen.detach(), *self._poses[number])
        return loss, seen

    def _moved(self, seen: Tensor, pose: Pose, taught: Pose) -> Tensor:
        """Return the loss of a pose.

        seen: the picture as in the photo, without gradient. taught: the pose of the untuned
        generator that is to be seen.
        """
        target, settings, tools = self._target, self._settings, self._tools
        with torch.no_grad():
            wanted = draw(self._before, taught, self._codes)
        picture = draw(self._network, pose, self._codes)
        small = at_px(picture)
        loss = torch.zeros(())
        for moves, (rows, columns) in ((pose.mouth, _MOUTH), (pose.shuts, _EYES)):
            if moves:
                with torch.no_grad():
                    clean = tools.features(at_px(wanted)[..., rows, columns])
                near = distance(tools.features(small[..., rows, columns]), clean)
                loss = loss + settings.mouth * near
        points = target.points
        if pose.turns:
            points = tools.mesh.points(small.detach()).detach()
        apart = tools.identity(small, points) - target.embedding
        loss = loss + settings.moved_person * apart.square().sum()
        within = torch.zeros(1, 1, *picture.shape[-2:])
        if pose.shuts:
            within = self._eyes(wanted)
            loss = loss + settings.within * within_apart(picture - wanted, within)
        outside = 1 - within
        change, as_before = (picture - seen) * outside, (wanted - self._seen_before) * outside
        moved = target.moved
        if moved.shape[-1] != picture.shape[-1]:
            moved = resized(moved, picture.shape[-1], "bilinear")
        if pose.turns:
            return 0.5 * (loss + settings.change * means_apart(change - as_before))
        loss = loss + settings.still * means_apart(change * (1 - moved))
        inside = means_apart((change - as_before) * moved) + means_apart(change - as_before * moved)
        if pose.opens:
            rows, columns = _MOUTH
            lips = at_px(change - as_before)[..., rows, columns]
            loss = loss + settings.lips * means_apart(lips)
        return 0.5 * (loss + settings.change * inside)

    def _eyes(self, wanted: Tensor) -> Tensor:
        """Return the place of the eyes in an untuned picture as a mask, [1, 1, size, size]."""
        points = self._tools.mesh.points(at_px(wanted)).numpy(force=True)
        both = [area(points, eye, wanted.shape[-1], _LIDS_GROW) for eye in EYES]
        return torch.as_tensor((both[0] | both[1]).astype(np.float32))[None, None]
