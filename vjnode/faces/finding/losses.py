"""Losses of a search for an action: what it is to reach, and all that is to stay."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.actions import Action
from vjnode.faces.finding.measures import MEASURES, SPREAD
from vjnode.faces.finding.retouch import retouched
from vjnode.faces.finding.studio import Seen, Sitter, Studio
from vjnode.faces.finding.warp import changed

_SPREAD = torch.tensor(list(SPREAD.values()))


@dataclass(frozen=True)
class Settings:
    """Constants of the search; lengths of offsets are in standard deviations of their factors.

    closed_faces, probes: faces that gradients are taken of, and random projections of embedding
        and surroundings for each. person: weight of the embedding's changes against those of the
        surroundings. slack: of the mean nuisance, added to each. kept: factors that stay. effect:
        of the start on the targets, by the linear estimate. longest: offset.
    steps, batch: of the descent. rate: of the offsets. row_rate, eye_row_rate: of the codes' rows;
        eyes need more of them. sparsity: of the offsets, taken off at every step.
    full: part of the faces that are moved by an amount of 1; the others are moved by a half.
    targets, held, others, embedding, pixels, colours, surroundings, surface, rows, teeth,
        retouched, lips: weights of the losses. dark: light between the lips that is dark enough.
    """

    closed_faces: int = 14
    probes: int = 4
    person: float = 3.0
    slack: float = 0.3
    kept: int = 150
    effect: float = 0.6
    longest: float = 6.0
    steps: int = 100
    pose_steps: int = 80
    batch: int = 2
    rate: float = 0.06
    row_rate: float = 0.008
    eye_row_rate: float = 0.02
    pose_rate: float = 0.03
    sparsity: float = 0.012
    full: float = 0.65
    targets: float = 14.0
    held: float = 0.5
    others: float = 0.15
    embedding: float = 8.0
    pixels: float = 1500.0
    colours: float = 112.0
    surroundings: float = 75.0
    surface: float = 200.0
    rows: float = 2e-4
    teeth: float = 30.0
    retouched: float = 8.0
    lips: float = 4.0
    dark: float = 0.3


def targets_of(action: Action) -> Tensor:
    """Return the wanted changes of all measures, [len(MEASURES)]; 0 where there is none."""
    return torch.tensor([action.targets.get(name, 0.0) for name in MEASURES])


def loss_of(
    studio: Studio,
    moved_sitter: tuple[Sitter, Tensor],
    action: Action,
    amount: float,
    settings: Settings,
) -> tuple[Tensor, float]:
    """Return the loss of a sitter's moved picture, and the reached part of the targets."""
    sitter, picture = moved_sitter
    pose = action.region == "pose"
    seen = studio.look(picture, None if pose else sitter.box)
    measures, embedding = seen.measures, seen.embedding
    change, wanted = measures - sitter.measures, targets_of(action)
    moved = wanted != 0
    held = torch.tensor([action.targets.get(name) == 0 for name in MEASURES])
    named = {*action.targets, *action.free}
    others = torch.tensor([name not in named for name in MEASURES])
    effect = change[moved] / wanted[moved]
    loss = settings.held * (change / _SPREAD)[held].square().sum()
    loss = loss + settings.others * (change / _SPREAD)[others].clamp(-4, 4).square().sum()
    loss = loss + _shape(action, amount, sitter, seen, settings)
    person, still = sitter.embedding, sitter.picture
    if action.retouch:
        still = retouched(sitter.picture, sitter.points, action.retouch, amount)
        with torch.no_grad():
            person = studio.embed(still, sitter.points)
        effect = amount * likeness(picture, sitter.picture, still)[None]
    loss = loss + settings.targets * (effect - amount).square().mean()
    if len(embedding):
        apart = (embedding - person).square().sum()
        loss = loss + settings.embedding * action.person * apart
    difference = picture - still
    if action.within:
        free = torch.stack([sitter.masks[name] for name in action.within]).any(0).float()
        kept = (1 - free) * (1 - 0.5 * sitter.masks["face"].float())
        if action.retouch:  # what is wanted there is known
            kept = kept + settings.retouched * free
        pixels = F.avg_pool2d(difference, 2).square() * F.avg_pool2d(kept[None, None], 2)
        loss = loss + settings.pixels * pixels.mean()
        loss = loss + settings.colours * F.avg_pool2d(difference, 16).square().mean()
    else:
        around = F.avg_pool2d(difference, 32).square().mean()
        loss = loss + settings.surroundings * around
        loss = loss + settings.surface * changed(sitter.surface, picture, seen.points)
    return loss, float((effect.detach() / amount).mean())


def likeness(picture: Tensor, rest: Tensor, still: Tensor) -> Tensor:
    """Return how far a picture has come from the one at rest to a retouched one, []: 1 is there."""
    way = F.avg_pool2d(still - rest, 2)
    return (F.avg_pool2d(picture - rest, 2) * way).sum() / way.square().sum()


def _shape(action: Action, amount: float, sitter: Sitter, seen: Seen, settings: Settings) -> Tensor:
    """Return the loss of what landmarks do not tell: teeth apart, lips together."""
    loss = torch.zeros(())
    if action.parts_teeth:
        light = (seen.mouth_light - settings.dark).clamp(min=0)
        loss = loss + settings.teeth * amount * light.square()
    if action.shuts_lips:
        place = MEASURES.index("mouth_open")
        wide = seen.measures[place] - (1 - amount) * sitter.measures[place]
        loss = loss + settings.lips * (wide / _SPREAD[place]).square()
    return loss
