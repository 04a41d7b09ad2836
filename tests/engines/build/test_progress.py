from vjnode.engines.build.progress import Progress


def test_nested_phases_add_up_and_never_fall():
    progress, shares = Progress(), []

    def step(name, number):
        progress.step(name, number)
        shares.append(progress.share)

    progress.start("all", None, 2)
    progress.start("first", "all", 4)
    for i in range(4):
        step("first", i)
    assert shares == [0.125, 0.25, 0.375, 0.5]
    progress.finish("first")
    step("all", 0)
    progress.start("again", "all", 2)
    step("again", 0)
    progress.finish("again")
    progress.start("again", "all", 10)  # a builder reuses names
    step("again", 0)
    assert shares == sorted(shares)
    assert shares[-1] < 1.0
    progress.finish("all")
    assert progress.share == 1.0


def test_phases_that_nobody_announced_do_no_harm():
    progress = Progress()
    progress.step("unheard of", 3)
    progress.finish("unheard of")
    progress.start("empty", None, 0)
    assert progress.share == 0.0
