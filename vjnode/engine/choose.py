"""Which engine draws here: the one place that knows them all."""

from vjnode.engine.base import Engine


def open_engine(size: int, threads: int | None = None) -> Engine:
    """Open the best engine that works on this machine.

    size: one of ``vjnode.engine.base.SIZES``, px. threads: for engines on the processor;
    None for one on each core.

    Raises:
        InputError: another size.
        FetchError: the generator is neither in the cache nor to be had.
    """
    # A runtime is imported when it is opened, not when the choice is listed.
    from vjnode.engine.openvino import OpenVinoEngine  # noqa: PLC0415

    return OpenVinoEngine(size, threads)
