"""ONNX files without information about the machine on which they were made."""

from pathlib import Path


def plain_bytes(path: Path) -> bytes:
    """Return an exported graph without the exporter's notes, the same bytes on every machine.

    The notes name, for each node, the source file on this machine.
    """
    import onnx  # noqa: PLC0415 - only needed for making graphs

    model = onnx.load(path)
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.ClearField("metadata_props")
    data: bytes = model.SerializeToString(deterministic=True)
    return data
