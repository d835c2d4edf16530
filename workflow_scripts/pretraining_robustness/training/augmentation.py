"""From stored uint8 images to the network's input, whole batches on the device: crop, shift, flip, colours, normalise.

All of it is float32, whatever precision the network computes in: no matrix product, which a GPU may round to fewer
bits, and no autocast. Random numbers come from the device's global generator, which the training loop seeds anew at
every step.
"""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional

from pretraining_robustness.training.recipes import Recipe

# Aspect ratios of random resized crops: torchvision's RandomResizedCrop, after Szegedy et al. 2015.
ASPECT_RATIOS = (3 / 4, 4 / 3)

# Weights of red, green and blue in a grey value: ITU-R BT.601, as Pillow and torchvision use them.
GREY = (0.299, 0.587, 0.114)
# The matrix of the cross product with (1, 1, 1), the axis of greys, row by row.
AXIS_CROSS = (0.0, -1.0, 1.0, 1.0, 0.0, -1.0, -1.0, 1.0, 0.0)
# Share of the images whose colours are jittered (Chen et al. 2020, appendix A: color distortion).
JITTERED = 0.8


class Preparation:
    """The input transform of one recipe, with its constants on `device`."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.size = recipe.image_size
        self.evaluation = recipe.evaluation
        self.augmentation = recipe.augmentation
        self.mean = torch.tensor(recipe.mean, device=device) * 255
        self.inverse_std = 1 / (torch.tensor(recipe.std, device=device) * 255)
        self.recolours = bool(self.augmentation.colour_jitter or self.augmentation.grayscale)
        self.colours = Colours.on(device)
        self._augmented = torch.compile(self._augment, dynamic=False) if recipe.compile else self._augment

    def for_training(self, images: Tensor) -> Tensor:
        """Augment and normalise: uint8 (N, stored, stored, 3) to float32 (N, 3, image_size, image_size).

        Images without random crops are framed as in evaluation. Compiled where the recipe's network is: one or two
        passes over the memory instead of ten, with random numbers of the compiler's own generator, from the same seed.
        """
        return self._augmented(images)

    def _augment(self, images: Tensor) -> Tensor:
        with torch.autocast(images.device.type, enabled=False):
            if self.augmentation.crop == "random_resized":
                images = random_resized_crop(images, self.size, self.augmentation.scale, self.augmentation.flip)
            else:
                shift = self.augmentation.shift if self.augmentation.crop == "shift" else 0
                images = self._frame(images)
                if shift or self.augmentation.flip:
                    images = shift_and_flip(images, shift, self.augmentation.flip)
            if self.recolours:
                images = colour_jitter(
                    images, self.augmentation.colour_jitter, self.augmentation.grayscale, self.colours
                )
            return self._normalise(images)

    def for_evaluation(self, images: Tensor) -> Tensor:
        """Frame and normalise, without randomness: shapes as in `for_training`."""
        with torch.autocast(images.device.type, enabled=False):
            return self._normalise(self._frame(images))

    def _frame(self, images: Tensor) -> Tensor:
        if self.evaluation.resize is None:
            return resize(images, self.size)
        return centre_crop(resize_as_pillow(images, self.evaluation.resize, self.evaluation.interpolation), self.size)

    def _normalise(self, images: Tensor) -> Tensor:
        # Channels stay innermost in memory: the result is channels_last, the layout the networks are given.
        return images.float().sub_(self.mean).mul_(self.inverse_std).permute(0, 3, 1, 2)


def resize(images: Tensor, size: int) -> Tensor:
    """Resize (N, H, W, 3) to (N, size, size, 3), bilinear with antialiasing; unchanged if it has that size already."""
    if images.shape[1:3] == (size, size):
        return images
    channels_first = images.permute(0, 3, 1, 2).float()
    resized = functional.interpolate(channels_first, (size, size), mode="bilinear", antialias=True)
    return resized.permute(0, 2, 3, 1)


def resize_as_pillow(images: Tensor, size: int, interpolation: str) -> Tensor:
    """Resize uint8 (N, H, W, 3) to float32 (N, size, size, 3) as Pillow does, and with it torchvision and timm.

    Pillow resizes rows, rounds them to 0..255 and then resizes columns: ties may differ by 1, rarely 2.
    """
    if images.shape[1:3] == (size, size):
        return images
    resized = images.permute(0, 3, 1, 2).float()
    for shape in ((resized.shape[2], size), (size, size)):
        resized = functional.interpolate(resized, shape, mode=interpolation, antialias=True)
        resized = resized.add_(0.5).floor_().clamp_(0, 255)
    return resized.permute(0, 2, 3, 1)


def centre_crop(images: Tensor, size: int) -> Tensor:
    """Cut the middle (N, size, size, 3) out of (N, H, W, 3), where H and W are at least `size`; an odd pixel as in
    torchvision's CenterCrop.
    """
    top, left = (round((side - size) / 2) for side in images.shape[1:3])
    return images[:, top : top + size, left : left + size]


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
    sides limited to the image's (torchvision's RandomResizedCrop draws again instead). Images larger than `size` are
    resampled with antialiasing; for the others every box is enlarged, so that plain bilinear sampling is enough.
    """
    count, height, width, _ = images.shape
    draws = torch.rand(5, count, device=images.device)
    area = scale[0] + (scale[1] - scale[0]) * draws[0]
    low, high = (math.log(ratio) for ratio in ASPECT_RATIOS)
    aspect = torch.exp(low + (high - low) * draws[1]) * height / width
    box_width = (area * aspect).sqrt().clamp_(max=1)
    box_height = (area / aspect).sqrt().clamp_(max=1)
    mirrored = draws[4] < 0.5 if flip else torch.zeros(count, dtype=torch.bool, device=images.device)
    if size < max(height, width):
        left, top = draws[2] * (1 - box_width) * width, draws[3] * (1 - box_height) * height
        rows = _resample_rows(images.float(), size, top, box_height * height, torch.zeros_like(mirrored))
        columns = _resample_rows(rows.transpose(1, 2), size, left, box_width * width, mirrored)
        return columns.transpose(1, 2).contiguous()
    # Coordinates of grid_sample run from -1 to 1, so a box of relative width w has its centre within 1 - w of 0.
    centre_x = (2 * draws[2] - 1) * (1 - box_width)
    centre_y = (2 * draws[3] - 1) * (1 - box_height)
    box_width = torch.where(mirrored, -box_width, box_width)
    # affine_grid's numbers without its matrix product, which is up to 0.6 pixels off in bfloat16.
    middles = torch.linspace(-1, 1, size, device=images.device) * (size - 1) / size
    columns = centre_x[:, None] + box_width[:, None] * middles
    rows = centre_y[:, None] + box_height[:, None] * middles
    shape = (count, size, size)
    grid = torch.stack([columns[:, None, :].expand(shape), rows[:, :, None].expand(shape)], dim=-1)
    channels_first = images.permute(0, 3, 1, 2).float()
    cropped = functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=False)
    return cropped.permute(0, 2, 3, 1).contiguous()


def _resample_rows(images: Tensor, size: int, start: Tensor, length: Tensor, mirrored: Tensor) -> Tensor:
    """Resample rows `start` to `start + length` (N, in pixels) of float32 (N, H, W, 3) to (N, size, W, 3), upside down
    where `mirrored`.

    The filter is a triangle as wide as an output row or as two input rows, whichever is more, cut at the box: the
    antialiased bilinear one of Pillow and torchvision, equal up to rounding where boxes are whole pixels.
    """
    count, height, width, channels = images.shape
    position = torch.arange(size, device=images.device).expand(count, size)
    position = torch.where(mirrored[:, None], size - 1 - position, position) + 0.5
    step = (length / size)[:, None, None]
    centre, reach = start[:, None, None] + position[..., None] * step, step.clamp(min=1)
    taps = torch.arange(math.ceil(2 * max(height / size, 1)), device=images.device)
    middle = torch.ceil(centre - reach - 0.5) + taps + 0.5
    inside = (middle >= start[:, None, None]) & (middle <= (start + length)[:, None, None])
    weight = (1 - (middle - centre).abs() / reach).clamp_(min=0) * inside
    weight = weight / weight.sum(dim=-1, keepdim=True)
    first = torch.arange(0, count * height, height, device=images.device)
    row = first[:, None, None] + middle.long().clamp_(0, height - 1)
    table = images.reshape(count * height, width * channels)
    resampled = functional.embedding_bag(
        row.view(count * size, -1), table, mode="sum", per_sample_weights=weight.view(count * size, -1)
    )
    return resampled.view(count, size, width, channels)


class Colours(NamedTuple):
    """Constants of the changes of colour, on the device: made anew at every step, they would make the host wait."""

    grey: Tensor
    axis_cross: Tensor

    @classmethod
    def on(cls, device: torch.device) -> Self:
        """Return them on a device."""
        return cls(torch.tensor(GREY, device=device), torch.tensor(AXIS_CROSS, device=device))


def colour_jitter(images: Tensor, strength: float, grayscale: float, colours: Colours | None = None) -> Tensor:
    """Change the colours of each image of (N, H, W, 3), values 0..255, at random; float32 of the same shape and range.

    SimCLR's colour distortion (Chen et al. 2020, appendix A) with its constants: with probability `JITTERED`
    brightness, contrast and saturation change by factors of 1 +- 0.8 `strength` and hues turn by at most 0.2 `strength`
    of the circle; then images are grey with probability `grayscale`. Unlike there, the order of the changes is fixed
    and values are clipped to 0..255 once, at the end, so that all of them are one matrix per image; and hues turn about
    the axis of greys in RGB, not in HSV.
    """
    count = len(images)
    device = images.device
    draws = torch.rand(6, count, device=device)
    jittered = (draws[0] < JITTERED) * strength
    brightness, contrast, saturation = (1 + 0.8 * jittered * (2 * draws[1:4] - 1)).unbind()
    angle = 0.2 * jittered * (2 * draws[4] - 1) * 2 * math.pi
    colours = colours or Colours.on(device)
    grey = colours.grey
    to_grey = grey.expand(3, 3)
    identity = torch.eye(3, device=device)

    saturate = saturation.view(-1, 1, 1) * identity + (1 - saturation).view(-1, 1, 1) * to_grey
    matrix = _product(hue_rotation(angle, colours), saturate)
    matrix = torch.where((draws[5] < grayscale).view(-1, 1, 1), _product(to_grey, matrix), matrix)
    pixels = images.float().reshape(count, -1, 3)
    # All steps leave greys as they are, so what contrast adds (a grey) passes through the matrix unchanged.
    mean = (pixels.mean(dim=1) * grey).sum(dim=1) * brightness
    offset = ((1 - contrast) * mean).view(-1, 1, 1)
    matrix = matrix * (brightness * contrast).view(-1, 1, 1)
    return (_product(pixels, matrix.transpose(1, 2)) + offset).clamp_(0, 255).view(images.shape)


def hue_rotation(angle: Tensor, colours: Colours | None = None) -> Tensor:
    """Return the rotations of RGB about the axis of greys by angles (N,) in radians: (N, 3, 3) (Rodrigues' formula)."""
    third = torch.full((3, 3), 1 / 3, device=angle.device)
    cross = (colours or Colours.on(angle.device)).axis_cross.view(3, 3) / math.sqrt(3)
    cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    return cosine * (torch.eye(3, device=angle.device) - third) + sine * cross + third


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Return the matrix product of (..., n, 3) and (..., 3, m) in full float32 on every device."""
    product = left[..., :1] * right[..., :1, :]
    for k in (1, 2):
        product += left[..., k : k + 1] * right[..., k : k + 1, :]
    return product
