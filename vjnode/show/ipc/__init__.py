"""Shared memory between the processes of a show, without any waiting."""
