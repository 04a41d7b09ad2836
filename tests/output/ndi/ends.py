"""Both ends of a way that pictures take over NDI: one sends here, one receives elsewhere."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.events import HANG_S
from tests.live import ndi_receiver
from tests.live.ndi_receiver import stripes
from tests.output.shows import INFO
from vjnode.output.base import Frame, OutputContext
from vjnode.output.delivery import Adapter
from vjnode.output.registry import open_output, parse_output

NAME = f"test {os.getpid()}"

FINDING_PORT = 5960
"""The runtime listens there for other machines that look for senders."""


def listening():
    """Return the TCP ports that something listens on in this network."""
    rows = [line.split() for line in Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A"}


class Receiver:
    """A real receiver in a process of its own."""

    def __init__(self, out, port):
        self.out = out
        self.process = subprocess.Popen(
            [sys.executable, ndi_receiver.__file__, out, f"127.0.0.1:{port}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.ready_s = self._next("ready_s")

    def _listen(self):
        for line in self.process.stdout:
            self._said.put(json.loads(line))

    def _next(self, key):
        """Return the next line's value that has ``key``; pass over others."""
        while True:
            if key in (said := self._said.get(timeout=HANG_S)):
                return said[key]

    def picture_s(self):
        """Wait for the first picture, or the first after a gap; returns when it came."""
        return self._next("picture_s")

    def wait_for_pictures(self, count):
        """Wait until it has had ``count`` pictures, or some more."""
        while self._next("pictures") < count:
            pass

    def end(self):
        """End it; returns what it got."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        assert self.process.wait(HANG_S) == 0
        return np.load(self.out)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Sending:
    """An output that sends 60 frames/s, as in a show; each number's stripes, or ``pixels``.

    matte: by which heads are cut out, where ``text`` asks for it.
    """

    def __init__(self, size=256, pixels=None, text=f"ndi:{NAME}", fps=Fraction(60), matte=None):
        spec = parse_output(text)
        self.adapter = Adapter(spec.delivery, size)
        self.adapter.use(matte)
        context = OutputContext(size, fps, spec.delivery.order, spec.delivery.alpha)
        self.output = open_output(spec, context)
        (self.port,) = listening() - {FINDING_PORT}
        self.took_s = []
        self.began_s = time.monotonic()
        self._pixels = pixels
        self._memory = np.zeros((size, size, 4), np.uint8)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        n = 0
        while not self._over.is_set():
            np.copyto(
                self._memory,
                stripes(n, len(self._memory)) if self._pixels is None else self._pixels,
            )
            frame = Frame(self.adapter.adapt(self._memory), INFO)
            before_s = time.monotonic()
            self.output.send(frame, before_s)
            self.took_s.append(time.monotonic() - before_s)
            self._memory[...] = 128  # what is drawn after send must not be seen
            n += 1
            time.sleep(max(0.0, self.began_s + n / 60 - time.monotonic()))

    def stop(self):
        self._over.set()
        self._thread.join()

    def close(self):
        self.stop()
        self.output.close()
