"""The driver of a card that is really there: memory, streams, events and a graph."""

import gc

import numpy as np
import pytest

from tests.engines.cuda.cards import card
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.driver import Cuda, load_driver
from vjnode.engines.cuda.pinned_pool import PictureMemory
from vjnode.errors import EngineError

SHAPE = (64, 64, 4)


@pytest.mark.skipif(gpu_here() is not None, reason="there is a CUDA card here")
def test_without_a_driver_it_is_said():
    with pytest.raises(EngineError, match="no CUDA card here"):
        load_driver()


@card
def test_a_graph_copies_to_the_card_and_a_stream_back():
    cuda = Cuda()
    assert cuda.card
    drawing, copying = cuda.stream(), cuda.stream()
    drawn, copied = cuda.event(), cuda.event()
    source = cuda.staging(SHAPE[:2])
    address = cuda.memory(source.nbytes)
    graph = cuda.graph(
        lambda: cuda.to_card(address, source.ctypes.data, source.nbytes, drawing), drawing
    )
    memory = PictureMemory(cuda, SHAPE)
    pictures = []
    for number in range(20):
        source[...] = number
        cuda.launch(graph, drawing)
        cuda.record(drawn, drawing)
        cuda.order(copying, drawn)
        block = memory.take()
        cuda.from_card(block, address, memory.nbytes, copying)
        cuda.record(copied, copying)
        cuda.wait(copied)
        assert cuda.is_over(copied)
        pictures.append(memory.picture(block))
    for number, picture in enumerate(pictures):
        assert (picture.view(np.float32) == number).all()
    last = pictures.pop()
    cuda.close()
    cuda.close()
    memory.close()
    assert (last.view(np.float32) == 19).all()
    del last, pictures, picture
    gc.collect()


@card
def test_what_the_card_refuses_is_told():
    cuda = Cuda()
    with pytest.raises(EngineError, match=r"cuMemAlloc_v2 says '.*memory"):
        cuda.memory(1 << 50)
    cuda.close()
