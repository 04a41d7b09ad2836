"""The running node: stages, shared memory, supervision and the report."""
