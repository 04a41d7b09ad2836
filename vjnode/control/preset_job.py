"""Jobs of keeping presets: read from what a hand or a program sends, and done later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vjnode.control.address import Act
from vjnode.control.argument import as_number, first_of, pressed
from vjnode.control.own_presets import (
    captured,
    check_preset_name,
    delete_preset,
    move_preset,
    rename_preset,
    save_preset,
)
from vjnode.control.parameter import MAX_SHOWN
from vjnode.control.state import Controls, Preset
from vjnode.errors import InputError


@dataclass(frozen=True)
class PresetJob:
    """One thing to be done to the user's presets.

    verb: one of ``OF_PRESETS``. name: of the preset. new: its new name. number: its new place.
    preset: to be saved. was_on: name of the preset that was on then.
    """

    verb: str
    name: str
    new: str = ""
    number: int = 0
    preset: Preset | None = None
    was_on: str = ""

    @property
    def renamed(self) -> tuple[str, str] | None:
        """Return a name that may be on, and the one that stands for it then; None: as it was."""
        if self.verb == "save":
            return self.was_on, self.name
        return (self.name, self.new) if self.verb == "rename" else None


def read_job(
    act: Act, arguments: Sequence[object], controls: Controls, presets: Mapping[str, Preset]
) -> PresetJob | None:
    """Return the job that is asked for; None for a button that is let go.

    To save without a name, or by a button, is to save under the name of the preset that is on; to
    rename or move with one argument is meant of that preset, too.

    Raises:
        InputError: the arguments do not fit.
    """
    row, on = act.parameter, controls.choice("preset")
    said = [first_of([one]) for one in arguments]
    if not (said and isinstance(said[0], str)) and not pressed(row, said[0] if said else None):
        return None
    job: PresetJob | None = None
    match act.verb, said:
        case "save", [str(name), *_]:
            job = _saving(name, controls, presets)
        case "save", _:
            job = _saving(on, controls, presets)
        case "rename", [str(old), str(new), *_]:
            job = PresetJob("rename", old, new=new)
        case "rename", [str(new)]:
            job = PresetJob("rename", on, new=new)
        case "delete", [str(name), *_]:
            job = PresetJob("delete", name)
        case "move", [str(name), place, *_]:
            job = PresetJob("move", name, number=int(as_number(row, place)))
        case "move", [place]:
            job = PresetJob("move", on, number=int(as_number(row, place)))
    if job is None:
        takes = {"rename": "NEW, or OLD NEW", "delete": "NAME", "move": "N, or NAME N"}[act.verb]
        raise InputError(f"{row.address}/{act.verb} takes {takes}, not {said!r:.{MAX_SHOWN}}")
    if job.new:
        check_preset_name(job.new)
    return job


def _saving(name: str, controls: Controls, presets: Mapping[str, Preset]) -> PresetJob:
    check_preset_name(name)
    was_on, before = controls.choice("preset"), presets.get(name)
    about = before.about if before is not None else ""
    named = presets[was_on].values if was_on in presets else ()
    preset = captured(controls, name, about=about, named=named)
    return PresetJob("save", name, preset=preset, was_on=was_on)


def do_job(job: PresetJob, presets: Mapping[str, Preset]) -> str:
    """Do a job, and return a line about it, for people.

    Raises:
        VjnodeError: it cannot be done.
    """
    match job.verb:
        case "rename":
            return rename_preset(job.name, job.new, presets)
        case "delete":
            return delete_preset(job.name)
        case "move":
            return move_preset(job.name, job.number, presets)
    assert job.preset is not None  # noqa: S101 - it is to be saved
    return save_preset(job.preset)
