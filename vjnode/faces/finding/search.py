"""Search for actions: a closed form in style space, then descent on faces that are drawn.

The closed form is the mean gradient of the targets over faces, divided by how much each factor
changes the person and the picture around the face: a movement that local controls make is found at
once, where a regression on faces finds what goes along with it. Descent then makes the movement the
wanted one, face after face, and holds everything else: other measures, the person's embedding,
pixels outside the region, and colours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.actions import Action
from vjnode.faces.finding.measures import MEASURES, SPREAD
from vjnode.faces.finding.studio import Sitter, Studio

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
    targets, held, others, embedding, pixels, colours, surroundings, rows, teeth: weights of the
        losses. dark: light between the lips that is dark enough.
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
    rows: float = 2e-4
    teeth: float = 30.0
    dark: float = 0.3


@dataclass(frozen=True)
class Found:
    """An action as found, at amount 1.

    offsets: in standard deviations of the studio's factors, [n]. rows: slot → step of its code,
    [dim]. effect: reached part of the targets, mean over the last steps; of the closed form, what
    it was made for.
    """

    offsets: Tensor
    rows: Mapping[int, Tensor]
    effect: float


def solve(
    studio: Studio,
    sitters: Sequence[Sitter],
    actions: Sequence[Action],
    settings: Settings,
    *,
    seed: int,
    progress: Callable[[], None],
) -> dict[str, Found]:
    """Return the closed form of face actions, by name. progress: called after each face."""
    draws = torch.Generator().manual_seed(seed)
    gradients: dict[str, list[Tensor]] = {action.name: [] for action in actions}
    nuisance = torch.zeros(len(studio.styles.offsets))
    chosen = sitters[: settings.closed_faces]
    for sitter in chosen:
        offsets = torch.zeros_like(nuisance, requires_grad=True)
        picture = studio.draw(sitter.codes, offsets)
        seen = studio.look(picture, sitter.box)
        measures, embedding = seen.measures, seen.embedding
        for action in actions:
            wanted = _targets(action)
            moved = wanted != 0
            effect = (measures[moved] / wanted[moved]).mean()
            gradients[action.name].append(_gradient(effect, offsets))
        outside = (~sitter.masks["face"]).float()
        small = F.avg_pool2d(picture * outside, 8)
        for _ in range(settings.probes):
            side = (small * torch.randn(small.shape, generator=draws)).sum()
            nuisance += _gradient(side, offsets).square()
            if len(embedding):
                person = embedding @ torch.randn(len(embedding), generator=draws)
                nuisance += (settings.person * _gradient(person, offsets)).square()
        progress()
    nuisance /= len(chosen) * settings.probes
    means = {name: torch.stack(each).mean(0) for name, each in gradients.items()}
    return {name: _closed(mean, nuisance, settings) for name, mean in means.items()}


def _closed(mean: Tensor, nuisance: Tensor, settings: Settings) -> Found:
    way = mean / (nuisance + settings.slack * nuisance.median())
    least = way.abs().topk(settings.kept)[0][-1]
    way = _shrunk(way, float(least))
    way *= settings.effect / (mean @ way)
    return Found(way.clamp(-settings.longest, settings.longest), {}, settings.effect)


def _gradient(value: Tensor, of: Tensor) -> Tensor:
    return torch.autograd.grad(value, of, retain_graph=True)[0]


def _shrunk(values: Tensor, threshold: float) -> Tensor:
    return values.sign() * (values.abs() - threshold).clamp(min=0)


def _targets(action: Action) -> Tensor:
    return torch.tensor([action.targets.get(name, 0.0) for name in MEASURES])


def descend(
    studio: Studio,
    sitters: Sequence[Sitter],
    action: Action,
    start: Found | None,
    settings: Settings,
    *,
    seed: int,
    progress: Callable[[float], None],
) -> Found:
    """Return an action, improved on faces from ``start``; None begins at rest, for poses.

    progress: called after each step with the reached part of the targets.
    """
    pose = action.region == "pose"
    rng = np.random.default_rng(seed)
    slots = studio.styles.pose_rows if pose else studio.styles.rows
    begin = torch.zeros(len(studio.styles.offsets)) if start is None else start.offsets
    offsets = begin.clone().requires_grad_(not pose)
    rows = torch.zeros(len(slots), len(studio.styles.root), requires_grad=True)
    rates = [settings.rate, settings.eye_row_rate if "eyes" in action.within else settings.row_rate]
    groups = [{"params": [offsets], "lr": rates[0]}, {"params": [rows], "lr": rates[1]}]
    if pose:
        rates, groups = [settings.pose_rate], [{"params": [rows], "lr": settings.pose_rate}]
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.98))
    steps, effects = settings.pose_steps if pose else settings.steps, list[float]()
    for step in range(steps):
        pace = min(1.0, (step + 1) / 4) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 0.02
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * pace
        optimiser.zero_grad()
        reached = []
        for _ in range(settings.batch):
            sitter = sitters[int(rng.integers(len(sitters)))]
            amount = 1.0 if rng.random() < settings.full else 0.5
            codes = sitter.codes.index_add(
                1, torch.tensor(slots), amount * (rows @ studio.styles.root)[None]
            )
            picture = studio.draw(codes, amount * offsets)
            loss, effect = _loss(studio, (sitter, picture), action, amount, settings)
            loss = loss + settings.rows * rows.square().sum()
            (loss / settings.batch).backward()  # type: ignore[no-untyped-call]
            reached.append(effect)
        optimiser.step()
        if not pose:
            with torch.no_grad():
                offsets.copy_(_shrunk(offsets, settings.sparsity * pace))
        effects.append(float(np.mean(reached)))
        progress(effects[-1])
    with torch.no_grad():
        moved = rows @ studio.styles.root
    return Found(
        offsets.detach(),
        {slot: row.clone() for slot, row in zip(slots, moved, strict=True)},
        float(np.mean(effects[-12:])),
    )


def _loss(
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
    change, wanted = measures - sitter.measures, _targets(action)
    moved = wanted != 0
    held = torch.tensor([action.targets.get(name) == 0 for name in MEASURES])
    named = {*action.targets, *action.free}
    others = torch.tensor([name not in named for name in MEASURES])
    effect = change[moved] / wanted[moved]
    loss = settings.targets * (effect - amount).square().mean()
    loss = loss + settings.held * (change / _SPREAD)[held].square().sum()
    loss = loss + settings.others * (change / _SPREAD)[others].clamp(-4, 4).square().sum()
    if action.parts_teeth:
        light = (seen.mouth_light - settings.dark).clamp(min=0)
        loss = loss + settings.teeth * amount * light.square()
    if len(embedding):
        loss = loss + settings.embedding * (embedding - sitter.embedding).square().sum()
    difference = picture - sitter.picture
    if action.within:
        free = torch.stack([sitter.masks[name] for name in action.within]).any(0)
        kept = (~free).float() * (1 - 0.5 * sitter.masks["face"].float())
        pixels = F.avg_pool2d(difference, 2).square() * F.avg_pool2d(kept[None, None], 2)
        loss = loss + settings.pixels * pixels.mean()
        loss = loss + settings.colours * F.avg_pool2d(difference, 16).square().mean()
    else:
        around = F.avg_pool2d(difference, 32).square().mean()
        loss = loss + settings.surroundings * around
    return loss, float((effect.detach() / amount).mean())
