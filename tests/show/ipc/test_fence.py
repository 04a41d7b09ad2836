"""A fence is made of a lock of its own: of one that is let go and taken again, and of no more."""

import threading
from _thread import allocate_lock

from vjnode.show.ipc import fence as fence_module
from vjnode.show.ipc.fence import fence


def test_a_fence_takes_a_lock_lets_it_go_and_takes_it_again(monkeypatch):
    """Letting go and then taking keeps order on every processor; either alone does not."""
    locks = []

    class Lock:
        def __init__(self):
            self.steps, self._lock = [], allocate_lock()
            locks.append(self)

        def acquire(self):
            assert self._lock.acquire(blocking=False)
            self.steps.append("take")

        def release(self):
            self._lock.release()
            self.steps.append("let go")

    monkeypatch.setattr(fence_module, "allocate_lock", Lock)
    fence()
    fence()
    assert [one.steps for one in locks] == [["take", "let go", "take"]] * 2


def test_a_fence_makes_nobody_wait():
    """No thread waits for another in a fence: any number pass as often as they like."""
    passed = []

    def passing():
        for _ in range(1000):
            fence()
        passed.append(True)

    threads = [threading.Thread(target=passing, daemon=True) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60.0)
    assert len(passed) == 8
