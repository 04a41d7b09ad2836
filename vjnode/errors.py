"""Errors that a person at the console should read: what, the limit, the remedy."""


class VjnodeError(Exception):
    """Anything that vjnode itself found wrong; its text says what to do.

    ``exit_code`` is what the command line ends with: 1 when the surroundings failed
    (network, disk, port), 2 when the request itself cannot be met (a missing song,
    an unknown face).
    """

    exit_code = 1


class InputError(VjnodeError):
    """The request names something that is not there or is out of range."""

    exit_code = 2


class SourceError(VjnodeError):
    """A sound source cannot be opened or has gone."""


class FetchError(VjnodeError):
    """A model could not be fetched, or what came is not what was expected."""


class OutputError(VjnodeError):
    """An output cannot be opened or has failed."""


class EngineError(VjnodeError):
    """An engine cannot be built, or one that is there must not be run."""
