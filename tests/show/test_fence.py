import threading

from vjnode.show.fence import fence


def test_a_fence_makes_nobody_wait():
    """Not even for another who is in one: any number of threads pass as often as they like."""
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
