"""A cache of a test's own, so that nothing of what it makes lands in the user's."""

from vjnode.generators.mobilestylegan.download import (
    detector_model,
    generator_weights,
    landmark_model,
)
from vjnode.paths import cache_dir


def with_models(folder):
    """Make a cache with the user's models in it, which are fetched if need be; return its path.

    Graphs of the generators that ship are there as well, so that they are not made again; those of
    faces with weights of their own are not.
    """
    for fetched in (generator_weights, detector_model, landmark_model):
        fetched()
    models = folder / "models"
    models.mkdir(parents=True)
    for path in cache_dir("models").iterdir():
        if not path.name.startswith("own-"):
            (models / path.name).symlink_to(path)
    return folder
