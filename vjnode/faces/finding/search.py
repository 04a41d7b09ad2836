"""Search for actions: a closed form in style space, then descent on faces that are drawn.

The closed form is the mean gradient of the targets over faces, divided by how much each factor
changes the person and the picture around the face: a movement that local controls make is found at
once, where a regression on faces finds what goes along with it. Descent then makes the movement the
wanted one, face after face, and holds everything else: other measures, the person's embedding,
pixels outside the region, and colours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.actions import Action
from vjnode.faces.finding.losses import Settings, likeness, loss_of, targets_of
from vjnode.faces.finding.retouch import retouched
from vjnode.faces.finding.studio import Sitter, Studio
from vjnode.paths import replace_file


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
    progress: Callable[[], object],
    folder: Path | None = None,
) -> dict[str, Found]:
    """Return the closed form of face actions, by name.

    progress: called after each face. folder: keeps what each face gave, so that a search that is
    broken off goes on; of this studio, these sitters and this seed alone.
    """
    each = list[dict[str, Tensor]]()
    for i, sitter in enumerate(sitters[: settings.closed_faces]):
        path = None if folder is None else folder / f"face-{i}.safetensors"
        known = load_file(path) if path is not None and path.is_file() else {}
        if not known.keys() >= {action.name for action in actions}:
            draws = torch.Generator().manual_seed(1000 * seed + i)
            known = _gradients(studio, sitter, actions, settings, draws)
            if path is not None:
                replace_file(path, save(known))
        each.append(known)
        progress()
    nuisance = torch.stack([one[_NUISANCE] for one in each]).mean(0)
    return {
        action.name: _closed(
            torch.stack([one[action.name] for one in each]).mean(0), nuisance, settings
        )
        for action in actions
    }


_NUISANCE = "(nuisance)"


def _gradients(
    studio: Studio,
    sitter: Sitter,
    actions: Sequence[Action],
    settings: Settings,
    draws: torch.Generator,
) -> dict[str, Tensor]:
    """Return the gradients of a sitter's targets by action, and the nuisance, each [n]."""
    offsets = torch.zeros(len(studio.styles.offsets), requires_grad=True)
    picture = studio.draw(sitter.codes, offsets)
    seen = studio.look(picture, sitter.box)
    found = {}
    for action in actions:
        if action.retouch:
            still = retouched(sitter.picture, sitter.points, action.retouch, 1.0)
            effect = likeness(picture, sitter.picture, still)
        else:
            wanted = targets_of(action)
            moved = wanted != 0
            effect = (seen.measures[moved] / wanted[moved]).mean()
        found[action.name] = _gradient(effect, offsets)
    small = F.avg_pool2d(picture * (~sitter.masks["face"]).float(), 8)
    nuisance = torch.zeros(len(offsets))
    for _ in range(settings.probes):
        side = (small * torch.randn(small.shape, generator=draws)).sum()
        nuisance += _gradient(side, offsets).square()
        if len(seen.embedding):
            person = seen.embedding @ torch.randn(len(seen.embedding), generator=draws)
            nuisance += (settings.person * _gradient(person, offsets)).square()
    return {**found, _NUISANCE: nuisance / settings.probes}


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
            loss, effect = loss_of(studio, (sitter, picture), action, amount, settings)
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
