"""Building engines offline: export, TensorRT, and the store that keeps them."""
