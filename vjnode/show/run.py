"""A live show: the parent process, which holds controls, OSC, MIDI and supervision."""

import logging
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace

import numpy as np

from vjnode.audio.sources.portaudio import no_jack_leftovers
from vjnode.audio.sources.registry import open_source
from vjnode.audio.sources.spec import kind_of
from vjnode.config import ShowConfig
from vjnode.control.osc import OscServer
from vjnode.control.osc_map import OscMapSender
from vjnode.control.osc_map_reader import read_map
from vjnode.control.osc_out import OscOut
from vjnode.control.state import Controls, Stock
from vjnode.generators.mobilestylegan.download import matte_model
from vjnode.generators.registry import GENERATORS
from vjnode.output.base import UNKNOWN, FrameInfo
from vjnode.output.registry import KINDS
from vjnode.runtime import monotonic_s
from vjnode.show.answers import Answers
from vjnode.show.conductor import conducted
from vjnode.show.factory import looks
from vjnode.show.ipc.show_flags import BEAT_S
from vjnode.show.messages import INFO_BYTES, read_info
from vjnode.show.midi import open_midi
from vjnode.show.oscquery.open import serve_oscquery
from vjnode.show.parent import start_tracker, told_by_signals
from vjnode.show.replayed_controls import ReplayedControls
from vjnode.show.report import check_report, output_names, write_report
from vjnode.show.session.reader import Session
from vjnode.show.session.recorder import free_path
from vjnode.show.shared_memory import ShowMemory
from vjnode.show.stages.audio import run_audio
from vjnode.show.stages.engine import FIRST_KEY_TIMEOUT_S, EngineJob, run_engine
from vjnode.show.stages.output import OutputJob, run_output
from vjnode.show.stages.replay import run_replay
from vjnode.show.state_keeper import check_state, kept_state
from vjnode.show.status_line import StatusLine
from vjnode.show.supervision.child import StageSpec
from vjnode.show.supervision.supervisor import Supervisor
from vjnode.system.console import errors_console

_log = logging.getLogger(__name__)

START_TIMEOUT_S = FIRST_KEY_TIMEOUT_S + 60.0
"""On first use the generator is converted and compiled while everything else waits."""

RESTART_TIMEOUT_S = 20.0
ENGINE_RESTART_TIMEOUT_S = 90.0
"""Time, s, for an engine to come back: without a cache it converts its network at every start."""

ENGINE_STALL_S = 3.0
"""A live engine may draw a picture anew, or wait for its card, for longer than an output may."""

AUDIO_STALL_S = 1.0
"""Sound comes every 6 ms; a little longer than a device may be silent before its reader says so.
While one is opened it takes longer, and the stage says that."""

OUTPUT_STALL_S, OUTPUT_STALL_FRAMES = 1.2, 3
"""A frame that is so late is not coming, s; and never fewer than so many frames."""

WARM_IMPORTS = "vjnode.show.warm_imports"
"""Named, not imported: this process needs none of what it loads."""


def run_show(
    config: ShowConfig, controls: Controls, available: Stock, session: Session | None = None
) -> None:
    """Run a live show until it is told to end, or its duration is over.

    session: is played instead of sound, and its controls change as they did.

    Raises:
        VjnodeError: something that was asked for cannot be opened; once the show runs,
            faults are mended instead.
    """
    GENERATORS[config.generator].weights()  # fetch on first use, here, where progress can be seen
    cuts = any(output.delivery.cuts for output in config.outputs)
    if cuts:
        matte_model()  # likewise
    config = _checked(config, session)
    start_tracker()
    with ExitStack() as stack:
        stack.enter_context(no_jack_leftovers())
        memory = stack.enter_context(ShowMemory(config.size, len(config.outputs)))
        writer = stack.enter_context(conducted(controls, available, memory))
        out = stack.enter_context(closing(OscOut(config.osc_out, own_port=config.osc_port)))
        midi = (
            stack.enter_context(closing(open_midi(config.midi, writer, memory.lead, out)))
            if config.midi
            else None
        )
        mapped = stack.enter_context(
            closing(
                OscMapSender(
                    [read_map(text) for text in config.osc_map],
                    writer.names,
                    own_port=config.osc_port,
                )
            )
        )
        osc = stack.enter_context(
            closing(
                OscServer(
                    config.osc_host,
                    config.osc_port,
                    writer.perform,
                    out,
                    learn=midi.learner.serve if midi is not None else None,
                    held=writer.held,
                )
            )
        )
        stack.enter_context(
            closing(
                Answers(
                    out,
                    lambda: writer.controls,
                    memory,
                    config.size,
                    rate=config.osc_out_rate,
                    mapped=mapped,
                )
            )
        )
        serve_oscquery(stack, config, osc=osc, out=out, writer=writer)
        engine = EngineJob(
            config.size,
            config.fps,
            config.sweep_memory_mib,
            looks(controls, available)[1:] if session is None else session.looks[1:],
            config.drawing,
            config.generator,
            mattes=cuts,
            session=config.record_session,
        )
        supervisor = Supervisor(
            _stages(config, memory, engine, session), memory.flags.name, _modules(config)
        )
        stack.callback(supervisor.kill)
        info: FrameInfo | None = None
        epoch_s: float | None = None
        with told_by_signals() as told_to_stop:

            def going_on() -> bool:
                return not (told_to_stop.is_set() or memory.flags.stopping)

            if supervisor.start(timeout_s=START_TIMEOUT_S, going_on=going_on):
                epoch_s = monotonic_s() + 0.05
                supervisor.begin(epoch_s)
                memory.flags.begin(epoch_s)
                writer.begin()
                stack.enter_context(kept_state(config.state, lambda: writer.controls))
                if session is not None:
                    stack.enter_context(closing(ReplayedControls(session, writer, epoch_s)))
                _announce(config, controls)
                end_s = epoch_s + (config.duration_s or float("inf"))
                status = StatusLine(errors_console())
                header = np.zeros(INFO_BYTES, np.uint8)
                while going_on() and (now_s := monotonic_s()) < end_s:
                    memory.flags.beat()
                    supervisor.poll(now_s)
                    if memory.frame.read_into(header) is not None:
                        info = read_info(header, info or UNKNOWN)
                    if info is not None:
                        status.show(info, now_s)
                    told_to_stop.wait(min(BEAT_S, max(end_s - now_s, 0.0)))
                status.clear()
            memory.flags.stop()
            supervisor.stop()
        if config.report is not None:
            write_report(
                config.report,
                config=config,
                memory=memory,
                epoch_s=epoch_s,
                supervisor=supervisor,
                osc=osc.counts,
                osc_out=out.summary(),
                osc_map=mapped.summary(),
                midi=midi.counts if midi is not None else None,
                engine=info.engine if info else "",
            )


def _checked(config: ShowConfig, session: Session | None) -> ShowConfig:
    """Check what would fail at the end, or only in a process; return a name for what is new.

    Raises:
        VjnodeError: a file cannot be read or written.
    """
    check_report(config.report)
    check_state(config.state)
    if config.record_session is not None:
        config = replace(config, record_session=free_path(config.record_session))
    if session is None and kind_of(config.audio) != "device":
        # A song that is not there is the user's to know now; a device may yet be plugged in.
        open_source(config.audio, live=False).close()
    return config


def _stages(
    config: ShowConfig, memory: ShowMemory, engine: EngineJob, session: Session | None
) -> list[StageSpec]:
    """Return the stages of a show; the outputs last, in their order."""
    names = memory.names

    def hearing(attempt: int) -> tuple[Callable[..., None], tuple[object, ...]]:
        if session is not None:
            return run_replay, (names, session)
        return run_audio, (names, config.audio, attempt > 0)

    return [
        StageSpec(
            "audio",
            hearing,
            lambda: memory.drive.sequence,
            stall_s=AUDIO_STALL_S,
            start_s=RESTART_TIMEOUT_S,
        ),
        StageSpec(
            "engine",
            lambda attempt: (run_engine, (names, replace(engine, restarted=attempt > 0))),
            lambda: memory.frame.sequence,
            stall_s=ENGINE_STALL_S,
            start_s=ENGINE_RESTART_TIMEOUT_S,
        ),
        *(_output_stage(config, memory, index) for index in range(len(config.outputs))),
    ]


def _output_stage(config: ShowConfig, memory: ShowMemory, index: int) -> StageSpec:
    spec, meter, about = config.outputs[index], memory.meters[index], memory.abouts[index]
    names, first = memory.names, index == 0

    def job(attempt: int) -> OutputJob:
        return OutputJob(
            spec,
            meter=meter.name,
            about=about.name,
            size=config.size,
            fps=config.fps,
            trace=config.trace if first else None,
            attempt=attempt,
            holds=first,
        )

    return StageSpec(
        output_names(config.outputs)[index],
        lambda attempt: (run_output, (names, job(attempt))),
        lambda: meter.sent,
        stall_s=max(OUTPUT_STALL_S, OUTPUT_STALL_FRAMES / float(spec.delivery.fps or config.fps)),
        start_s=RESTART_TIMEOUT_S,
    )


def _modules(config: ShowConfig) -> tuple[str, ...]:
    """Return what a process in reserve imports, to be any stage of this show."""
    outputs = {KINDS[output.kind].module for output in config.outputs}
    stages = {one.__module__ for one in (run_audio, run_replay, run_engine, run_output)}
    return (*sorted(stages | outputs), WARM_IMPORTS)


def _announce(config: ShowConfig, controls: Controls) -> None:
    outputs = ", ".join(map(str, config.outputs))
    _log.info(
        "live: %s with %s from %s to %s; OSC on %s:%d; Ctrl-C ends it",
        controls.choice("face"),
        controls.choice("expression"),
        config.audio or "a session",
        outputs,
        config.osc_host,
        config.osc_port,
    )
