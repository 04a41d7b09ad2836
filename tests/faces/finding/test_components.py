"""Principal components of a generator's style codes."""

import numpy as np
import pytest
import torch

from tests.generators.own_folder import own_folder, small_checkpoint
from vjnode.faces.catalogue import load_expression
from vjnode.faces.finding.components import find_components, principal_components
from vjnode.generators.adding import add_generator


@pytest.fixture
def spec(tmp_path):
    with own_folder(tmp_path / "own"):
        yield add_generator(small_checkpoint(tmp_path / "x.safetensors"), "blobs")[0]


def test_they_are_what_style_codes_differ_in(spec):
    found, shares = principal_components(spec, 32, seed=1)
    noise = np.random.default_rng(9).standard_normal((20_000, spec.dim), np.float32)
    with torch.inference_mode():
        codes = spec.mapping()(torch.from_numpy(noise), 1.0).numpy()
    lengths = np.linalg.norm(found, axis=1)
    units = found / lengths[:, None]
    assert np.allclose(units @ units.T, np.eye(32), atol=1e-4)
    along = ((codes - codes.mean(0)) @ units.T).std(0)
    assert np.allclose(along, lengths, rtol=0.05)
    assert (np.diff(shares) <= 0).all()
    assert shares.sum() == pytest.approx(1, abs=1e-4)
    again, _ = principal_components(spec, 3, seed=1)
    assert np.array_equal(again, found[:3])


def test_each_becomes_an_expression_of_all_slots(spec, tmp_path):
    written = []
    find_components(spec, 2, 0, tmp_path / "own", written.append)
    assert [path.rpartition("/")[2] for path in written] == [
        "blobs-flow.toml",
        "blobs-c1.toml",
        "blobs-c2.toml",
    ]
    found, _ = principal_components(spec, 2, seed=0)
    expression = load_expression("blobs-c2", spec)
    (part,) = expression.parts
    assert part.movement.slots == tuple(range(spec.slots))
    assert np.array_equal(part.movement.rows[3], found[1])
    assert part.amounts == (0.0, 2.0)
    flow = load_expression("blobs-flow", spec)
    assert flow.weights == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert [one.amounts[-1] for one in flow.parts] == [2.0, 0.8]
    assert np.array_equal(flow.parts[1].movement.rows[0], found[1])
