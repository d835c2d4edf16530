"""Networks: architectures of torchvision and open_clip, their heads, and weights on disk."""
