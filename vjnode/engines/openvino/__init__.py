"""OpenVINO, which draws on every processor."""
