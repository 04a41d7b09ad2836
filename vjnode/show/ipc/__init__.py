"""Shared memory between the processes of a show; nobody waits for anybody."""
