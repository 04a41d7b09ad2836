"""Errors for a person at the console: each tells the fault, the limit and the remedy."""


def reason_of(error: Exception) -> str:
    """Return what an error says: of the system's, without its number and the file's name."""
    return getattr(error, "strerror", None) or str(error)


class VjnodeError(Exception):
    """An error that vjnode detected; its text tells the remedy.

    ``exit_code`` is the command line's exit code: 1 if the environment failed (network, disk,
    port), 2 if the request itself cannot be met (a missing song, an unknown face).
    """

    exit_code = 1


class InputError(VjnodeError):
    """The request names something that does not exist or is out of range."""

    exit_code = 2


class SourceError(VjnodeError):
    """A sound source cannot be opened or has gone."""


class FetchError(VjnodeError):
    """A model could not be fetched, or the fetched file is not the expected one."""


class OutputError(VjnodeError):
    """An output cannot be opened or has failed."""


class EngineError(VjnodeError):
    """An engine cannot be built, or an existing one must not be run."""
