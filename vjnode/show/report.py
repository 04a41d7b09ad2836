"""The report: what a show achieved, as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from vjnode.config import ShowConfig
from vjnode.control.osc import OscCounts
from vjnode.errors import VjnodeError
from vjnode.show.meter import Meter
from vjnode.show.supervisor import Supervisor
from vjnode.storage import replace_file


def write_report(
    path: Path,
    *,
    config: ShowConfig,
    meters: Sequence[Meter],
    supervisor: Supervisor,
    osc: OscCounts,
    engine: str,
) -> None:
    """Write the report; the first output's figures stand at the top, all of them below.

    Raises:
        VjnodeError: the file cannot be written.
    """
    each = [meter.summary() for meter in meters]
    report = {
        **each[0],
        "restarts": supervisor.restarts,
        "incidents": supervisor.report(),
        "osc": asdict(osc),
        "engine": engine,
        "size": config.size,
        "outputs": {str(spec): summary for spec, summary in zip(config.outputs, each, strict=True)},
    }
    try:
        replace_file(path, (json.dumps(report, indent=2) + "\n").encode())
    except OSError as error:
        raise VjnodeError(f"the report {path} cannot be written: {error.strerror}") from error
