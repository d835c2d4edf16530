"""Networks: architectures of torchvision, timm and open_clip, their heads, and weights on disk."""
