"""Syphon without a Mac: syphon-python's interface, and the state that its framework keeps.

A texture's first row is its top; a surface's first row is the bottom of what clients show. The
card copies a texture to the surface later than ``publish_frame_texture`` returns.
"""

import sys
import threading
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

RGBA8, BGRA8 = 70, 80


class Mac:
    """State of a Mac.

    servers: those that run; closed: those that ran. clients: how many receive.
    metal, memory: whether the card has Metal, and memory for a texture.
    pools: how many autorelease pools are open; loose: objects that no pool will release.
    pumped: threads whose run loop was run. queued: copies that the card has yet to make.
    """

    def __init__(self):
        self.servers, self.closed, self.clients = [], [], 0
        self.metal = self.memory = True
        self.pools = self.loose = 0
        self.pumped, self.queued = [], []

    def made(self):
        """Count a new object of Objective-C's as loose, unless a pool is open to release it."""
        self.loose += not self.pools

    def let_card_work(self):
        while self.queued:
            self.queued.pop(0)()


MAC = Mac()


class Texture:
    def __init__(self, width, height, pixel_format):
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self.pixel_format = pixel_format

    def colours(self):
        return self.pixels[..., [2, 1, 0, 3]] if self.pixel_format == BGRA8 else self.pixels


class SyphonMetalServer:
    def __init__(self, name, device=None, command_queue=None, *, is_private=False):
        del device, command_queue, is_private
        if not MAC.metal:
            raise RuntimeError("No Metal device is available")
        MAC.made()
        self.name, self.device, self.surface, self.published = name, object(), None, 0
        MAC.servers.append(self)

    @property
    def has_clients(self):
        assert self in MAC.servers
        return MAC.clients > 0

    def publish_frame_texture(self, texture, region=None, size=None, is_flipped=False):
        assert region is None
        assert size is None
        MAC.made()

        def copy():
            self.surface = (
                texture.colours()[::-1].copy() if is_flipped else texture.colours().copy()
            )
            self.published += 1

        MAC.queued.append(copy)

    @property
    def picture(self):
        """Picture that a client shows, RGBA, top row first."""
        MAC.let_card_work()
        return self.surface[::-1]

    def stop(self):
        MAC.servers.remove(self)
        MAC.closed.append(self)


class SyphonServerDirectory:
    def __init__(self):
        self.run_loop_interval = 1.0

    def update_run_loop(self):
        assert self.run_loop_interval < 0.005, "a frame would wait for this"
        MAC.made()
        MAC.pumped.append(threading.current_thread())

    def close(self):
        pass


class autorelease_pool:  # noqa: N801
    def __enter__(self):
        MAC.pools += 1

    def __exit__(self, *_):
        MAC.pools -= 1


def create_mtl_texture(device, width, height, pixel_format=RGBA8):
    assert device is not None
    MAC.made()
    return Texture(width, height, pixel_format) if MAC.memory else None


def copy_image_to_mtl_texture(image, texture):
    assert image.shape == texture.pixels.shape
    texture.pixels[...] = image


@contextmanager
def installed():
    """Put this in the place of syphon-python and PyObjC for a while, on a Mac of its own."""
    members = {
        "syphon": (SyphonMetalServer, SyphonServerDirectory),
        "syphon.utils": (),
        "syphon.utils.raw": (create_mtl_texture,),
        "syphon.utils.numpy": (copy_image_to_mtl_texture,),
        "objc": (autorelease_pool,),
        "Metal": (),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, parts in members.items():
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)
            vars(module).update({part.__name__: part for part in parts})
            patch.setitem(sys.modules, name, module)
        module.MTLPixelFormatRGBA8Unorm, module.MTLPixelFormatBGRA8Unorm = RGBA8, BGRA8
        patch.setattr("vjnode.output.syphon.platform.system", lambda: "Darwin")
        patch.setattr("vjnode.output.syphon.platform.mac_ver", lambda: ("14.5", ("",) * 3, ""))
        patch.setattr(f"{__name__}.MAC", Mac())
        yield MAC
