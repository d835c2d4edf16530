"""From stored uint8 images to the network's input: crop, shift, flip, resize and normalise whole batches on the device.

Random numbers come from the device's global generator, which the training loop seeds anew at every step.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from pretraining_robustness.training.recipes import Recipe

# Aspect ratios of random resized crops: torchvision's RandomResizedCrop, after Szegedy et al. 2015.
ASPECT_RATIOS = (3 / 4, 4 / 3)


class Preparation:
    """The input transform of one recipe, with its constants on `device`."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.size = recipe.image_size
        self.augmentation = recipe.augmentation
        self.mean = torch.tensor(recipe.mean, device=device) * 255
        self.inverse_std = 1 / (torch.tensor(recipe.std, device=device) * 255)

    def for_training(self, images: Tensor) -> Tensor:
        """Augment and normalise: uint8 (N, stored, stored, 3) to float32 (N, 3, image_size, image_size)."""
        if self.augmentation.crop == "random_resized":
            images = random_resized_crop(images, self.size, self.augmentation.scale, self.augmentation.flip)
        else:
            shift = self.augmentation.shift if self.augmentation.crop == "shift" else 0
            images = resize(images, self.size)
            if shift or self.augmentation.flip:
                images = shift_and_flip(images, shift, self.augmentation.flip)
        return self._normalise(images)

    def for_evaluation(self, images: Tensor) -> Tensor:
        """Resize the whole image and normalise, without chance: shapes as in `for_training`."""
        return self._normalise(resize(images, self.size))

    def _normalise(self, images: Tensor) -> Tensor:
        # Channels stay innermost in memory: the result is channels_last, the layout the networks are given.
        return images.float().sub_(self.mean).mul_(self.inverse_std).permute(0, 3, 1, 2)


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (N, H, W, 3) to (N, size, size, 3), bilinear with antialiasing; unchanged when it is that size already."""
    if images.shape[1:3] == (size, size):
        return images
    channels_first = images.permute(0, 3, 1, 2).float()
    resized = functional.interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)


def shift_and_flip(images: Tensor, shift: int, flip: bool) -> Tensor:
    """Move each image of (N, H, W, 3) by -shift..shift pixels along both axes, edge pixels repeated, and with `flip`
    mirror half of them left to right.
    """
    count, height, width, channels = images.shape
    device = images.device
    offsets = torch.randint(-shift, shift + 1, (2, count, 1), device=device)
    rows = (torch.arange(height, device=device) + offsets[0]).clamp_(0, height - 1)
    columns = (torch.arange(width, device=device) + offsets[1]).clamp_(0, width - 1)
    if flip:
        columns = torch.where(torch.rand(count, 1, device=device) < 0.5, columns.flip(1), columns)
    first = torch.arange(count, device=device).view(-1, 1, 1) * (height * width)
    pixels = first + rows[:, :, None] * width + columns[:, None, :]
    gathered = images.reshape(-1, channels).index_select(0, pixels.view(-1))
    return gathered.view(count, height, width, channels)


def random_resized_crop(images: Tensor, size: int, scale: tuple[float, float], flip: bool) -> Tensor:
    """Cut a random box from each image of (N, H, W, 3) and resample it to (N, size, size, 3), bilinear.

    The box's area is uniform in `scale` (fractions of the image), its aspect ratio log-uniform in `ASPECT_RATIOS`,
    sides limited to the image's (torchvision's RandomResizedCrop draws again instead). There is no antialiasing:
    stores are little larger than `size`, so boxes are rarely shrunk.
    """
    count, height, width, _ = images.shape
    draws = torch.rand(5, count, device=images.device)
    area = scale[0] + (scale[1] - scale[0]) * draws[0]
    low, high = (math.log(ratio) for ratio in ASPECT_RATIOS)
    aspect = torch.exp(low + (high - low) * draws[1]) * height / width
    box_width = (area * aspect).sqrt().clamp_(max=1)
    box_height = (area / aspect).sqrt().clamp_(max=1)
    # Coordinates of affine_grid run from -1 to 1, so a box of relative width w has its centre within 1 - w of 0.
    centre_x = (2 * draws[2] - 1) * (1 - box_width)
    centre_y = (2 * draws[3] - 1) * (1 - box_height)
    if flip:
        box_width = torch.where(draws[4] < 0.5, -box_width, box_width)
    zero = torch.zeros_like(area)
    transform = torch.stack([box_width, zero, centre_x, zero, box_height, centre_y], dim=1).view(count, 2, 3)
    grid = functional.affine_grid(transform, [count, 3, size, size], align_corners=False)
    channels_first = images.permute(0, 3, 1, 2).float()
    cropped = functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=False)
    return cropped.permute(0, 2, 3, 1).contiguous()
