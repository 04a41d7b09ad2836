"""Faces on a card: all tensors lie on it, gradients are the same each time, failures are told.

The tests need no card: torch's device ``meta``, which has shapes and no numbers, stands for it.
"""

import os
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from tests.photos import keep, portrait, untrained_vgg
from vjnode.cli import device as asked
from vjnode.cli.main import main
from vjnode.errors import EngineError, InputError, VjnodeError
from vjnode.faces import catalogue, own
from vjnode.faces.face_file import text_within
from vjnode.faces.finding import sampling
from vjnode.faces.photo import making, pair, pivot, rest, state, tuning, widening
from vjnode.faces.photo.adam import Adam
from vjnode.faces.photo.device import working_on
from vjnode.faces.photo.making import Request, make_face
from vjnode.faces.photo.pair import PairRequest, add_expression
from vjnode.faces.photo.settings import Rounds
from vjnode.generators.mobilestylegan.layout import STYLES

aten = torch.ops.aten

MOVES = {aten.copy_, aten._to_copy}
"""Operations between devices."""

UNREPEATABLE = {
    *("grid_sampler_2d_backward", "_adaptive_avg_pool2d_backward", "adaptive_max_pool2d_backward"),
    *("upsample_bilinear2d_backward", "upsample_linear1d_backward", "upsample_bicubic2d_backward"),
    *("reflection_pad2d_backward", "avg_pool3d_backward", "put_", "histc", "median", "cumsum"),
}
"""Operations that use_deterministic_algorithms says torch has no repeatable way for on a card."""


def tensors_of(values):
    """Return the tensors in values and in lists of them."""
    for one in values:
        if isinstance(one, torch.Tensor):
            yield one
        elif isinstance(one, list | tuple):
            yield from tensors_of(one)


class StandIn(TorchDispatchMode):
    """Checks what runs as a card would, and answers for it. ran: names of all operations."""

    def __init__(self):
        super().__init__()
        self.ran = set()

    @classmethod
    def _should_skip_dynamo(cls):
        return False  # it would be imported for that, which takes seconds

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = list(tensors_of([args, *kwargs.values()]))
        if func.overloadpacket not in MOVES:
            assert len({one.device for one in given if one.ndim}) <= 1, f"devices of {func}"
        if func is aten._local_scalar_dense.default and given[0].is_meta:
            return bool(given[0].dtype == torch.bool) or 0.5
        if any(one.is_meta for one in given):
            self.ran.add(func.overloadpacket.__name__)
        return func(*args, **kwargs)


@pytest.fixture
def card(monkeypatch):
    """The device that stands for a card."""
    taken, draws = torch.Tensor.numpy, np.random.default_rng(0)

    def numpy(tensor, *, force=False):
        if not tensor.is_meta:
            return taken(tensor, force=force)
        assert force, "a tensor on a card is no array"
        return draws.random(tuple(tensor.shape)).astype(str(tensor.dtype).removeprefix("torch."))

    def tolist(tensor):
        return tensor.numpy(force=True).tolist()

    def save(tensors, metadata):
        assert all(one.is_meta for one in tensors.values())
        return b""

    monkeypatch.setattr(torch.Tensor, "numpy", numpy)
    monkeypatch.setattr(torch.Tensor, "tolist", tolist)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    monkeypatch.setattr(state, "save", save)
    monkeypatch.setattr(pivot, "_DRAWS", 600)  # coordinates that are soon computed
    for module in (tuning, pair):
        monkeypatch.setattr(module, "whitening", cache(pivot.whitening.__wrapped__))
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's configuration folder; states of faces in the making are beside it."""
    for module in (catalogue, own, pair):
        monkeypatch.setattr(module, "config_dir", (tmp_path / "config").joinpath)
    monkeypatch.setattr(making, "begun_file", lambda name: tmp_path / name)
    catalogue.forget_own()
    yield tmp_path
    catalogue.forget_own()


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    return keep(portrait(), tmp_path_factory.mktemp("photo") / "photo.png")


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    return untrained_vgg(tmp_path_factory.mktemp("vgg") / "vgg.pth")


ONE_EACH, LAST = Rounds(1, 1, 1, 0), Rounds(0, 0, 1, 0)
quiet = pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")


@quiet
@pytest.mark.parametrize(("size", "expression"), [(256, "turn"), (1024, "blink")])
def test_a_face_is_made_on_the_card(card, photo, monkeypatch, size, expression):
    taken_out = []

    def brought_to_rest(codes, look):
        """Look once, which is as good as many times, and see a smile."""
        seen = look(codes, torch.zeros(1, STYLES))
        found = rest.brought_to_rest(codes, lambda *_: seen)
        taken_out.append(found.seen is not None)
        return found

    monkeypatch.setattr(tuning, "brought_to_rest", brought_to_rest)
    request = Request("nova", photo, (expression,), size=size, rounds=ONE_EACH, device="meta")
    if size == 1024:
        request = replace(request, rounds=LAST, as_it_is=True)
    made = make_face(request)
    assert made.file.is_file()
    assert taken_out == [True] * (size == 256)
    assert "convolution_backward" in card.ran
    assert not card.ran & UNREPEATABLE


@quiet
def test_a_laugh_is_widened_on_the_card(card, photo, monkeypatch):
    """The opening of the mouth is given: a card that computes nothing cannot tell."""
    monkeypatch.setattr(tuning, "wider_of", lambda *_: 1.0)
    monkeypatch.setattr(widening, "factor_for", lambda *_: 1.2)
    rounds = Rounds(0, 0, 0, 1)
    request = Request("nova", photo, ("laugh",), 256, rounds, as_it_is=True, device="meta")
    assert "wider_last = 1.20" in text_within(make_face(request).file)
    assert "convolution_backward" in card.ran
    assert not card.ran & UNREPEATABLE


@quiet
def test_a_face_by_codes_alone_is_found_on_the_card(card, photo, vgg):
    rounds = Rounds(2, 0, 0, 0)  # each by another network
    request = Request("nova", photo, ("laugh",), size=256, rounds=rounds, device="meta")
    made = make_face(replace(request, method="document", vgg=lambda: vgg))
    assert made.file.is_file()
    assert not card.ran & UNREPEATABLE


@quiet
@pytest.mark.parametrize("method", ["w", "document"])
def test_an_expression_is_found_on_the_card(card, photo, vgg, method):
    request = PairRequest("mine", photo, photo, (4, 5), method=method, rounds=1, device="meta")
    assert add_expression(replace(request, vgg=lambda: vgg)).is_file()
    assert "convolution_backward" in card.ran
    assert not card.ran & UNREPEATABLE


def test_work_that_was_broken_off_goes_on_on_the_card(card):
    before = Adam({"x": torch.zeros(3)}).state()
    with working_on("meta", 256):
        weights = {"x": torch.zeros(3, requires_grad=True)}
        weights["x"].sum().backward()
        Adam(weights, before).step(0.1)


@pytest.mark.parametrize(("px", "mode"), [(192, "area"), (128, "area"), (512, "bilinear")])
def test_pictures_are_resized_as_by_torch(px, mode):
    picture = torch.rand((1, 3, 256, 256), generator=torch.Generator().manual_seed(1))
    wanted = functional.interpolate(picture, (px, px), mode=mode)
    assert torch.equal(sampling.resized(picture, px, mode), wanted)
    shares = sampling._shares(256, px, mode)
    assert torch.allclose(shares.T @ picture @ shares, wanted, atol=1e-5)


def test_pictures_are_sampled_as_by_torch():
    draws = torch.Generator().manual_seed(1)
    pictures = [torch.rand((1, 3, 40, 48), generator=draws).requires_grad_() for _ in range(2)]
    pictures[1].data.copy_(pictures[0].data)
    matrix = torch.tensor([[1.1, 0.3, -5.5], [-0.3, 0.9, 3.2]])  # beyond the edges, too
    wanted = sampling.sampled(pictures[0], matrix, 50)
    ys, xs = torch.meshgrid(torch.arange(50.0), torch.arange(50.0), indexing="ij")
    x, y = (row[0] * xs + row[1] * ys + row[2] for row in matrix)
    found = sampling._gathered(pictures[1], x, y)
    assert torch.allclose(found, wanted, atol=1e-4)
    for one in (wanted, found):
        one.square().sum().backward()
    assert torch.allclose(pictures[1].grad, pictures[0].grad, atol=1e-3)


def switches():
    cudnn = torch.backends.cudnn
    return (
        torch.are_deterministic_algorithms_enabled(),
        *(cudnn.deterministic, cudnn.allow_tf32, os.environ.get("CUBLAS_WORKSPACE_CONFIG")),
        torch.zeros(()).device,
    )


@pytest.mark.parametrize(
    ("error", "px", "said"),
    [
        (torch.OutOfMemoryError("8 GiB"), 1024, "1024 px; .* a smaller --size, or .*--device cpu"),
        (
            torch.OutOfMemoryError("8 GiB"),
            256,
            "256 px; close what else uses it, or .*--device cpu",
        ),
        (RuntimeError("no kernel\nfor it"), 256, "on the card: no kernel; give --device cpu"),
        (InputError("the photo is upside down"), 256, "^the photo is upside down$"),
    ],
)
def test_a_card_that_fails_is_told_and_torch_is_as_before(error, px, said):
    before = switches()

    def fail():
        with working_on("cuda", px):
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.backends.cudnn.deterministic
            assert not torch.backends.cudnn.allow_tf32
            raise error

    with pytest.raises(VjnodeError, match=said):
        fail()
    assert switches() == before


def test_on_the_processor_torch_stays_as_it_is():
    before = switches()
    with working_on("cpu", 256):
        assert switches() == before


def refuse():
    raise EngineError("there is no card")


@pytest.mark.parametrize(
    ("given", "usable", "taken"),
    [
        ([], True, "cuda"),
        ([], False, "cpu"),
        (["--device", "auto"], True, "cuda"),
        (["--device", "cuda"], True, "cuda"),
        (["--device", "cpu"], True, "cpu"),
    ],
)
def test_the_card_is_taken_where_torch_can_use_it(photo, monkeypatch, given, usable, taken):
    found = []
    monkeypatch.setattr(asked, "check_torch_cuda", (lambda: None) if usable else refuse)

    def begun(request, **_):
        found.append(request.device)
        raise InputError("enough")

    monkeypatch.setattr(making, "make_face", begun)
    monkeypatch.setattr(pair, "add_expression", begun)
    assert main(["faces", "add", "nova", "--photo", str(photo), *given]) == 2
    files = "--neutral", str(photo), "--with", str(photo)
    assert main(["expressions", "add", "mine", *files, *given]) == 2
    assert found == [taken, taken]


def test_a_card_that_is_not_there_is_told(photo, monkeypatch, capsys):
    monkeypatch.setattr(asked, "check_torch_cuda", refuse)
    assert main(["faces", "add", "nova", "--photo", str(photo), "--device", "cuda"]) == 2
    said = capsys.readouterr().err
    assert "--device cuda: there is no card; --device cpu works everywhere" in said


def test_what_was_begun_on_another_device_is_not_gone_on_with(photo, home):
    request = Request("nova", photo, (), size=256, rounds=Rounds(0, 0, 0, 0))
    file = state.StateFile(home / "nova", making._digest(request, portrait(), "dlib"), 0.0)
    file.save(0, 1, {"x": torch.zeros(2)})
    assert file.load().done == 1
    with pytest.raises(InputError, match="another --device"):
        make_face(replace(request, device="cuda"), resume=True)
