"""CUDA: TensorRT and PyTorch on NVIDIA cards."""
