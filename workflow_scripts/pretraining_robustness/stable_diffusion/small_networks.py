"""The three networks of a Stable Diffusion pipeline in a size that one CPU core trains within two minutes.

They are the classes of diffusers and transformers that the real models use, with other sizes, so that what loads and
runs Stable Diffusion loads and runs them too. Two choices are ours, so that few steps suffice: the text also enters
through the embedding of the time step (`addition_embed_type: text`, as in DeepFloyd IF), where it scales and shifts
every residual block (`resnet_time_scale_shift`, as in Dhariwal and Nichol, arXiv 2105.05233); and attention is left to
the middle block.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from pretraining_robustness.errors import InputError

FIRST_LOG_VARIANCE = -6.0  # of the code's noise, whose deviation is then 0.05


@dataclass(frozen=True)
class SmallModel:
    """Sizes of the networks and how they are trained.

    Attributes:
        latent_channels: of the autoencoder's code.
        autoencoder_channels: of its levels; each after the first halves the side of the image.
        autoencoder_steps, autoencoder_batch_size, autoencoder_learning_rate: of its training.
        kl_weight: of the divergence of the code from a normal distribution, beside the squared error of a pixel.
        principal_weight: of the squared distance between the code and the patches' principal components. They are the
            best linear code; without this an autoencoder needs many more steps to use all channels.
        unet_channels: of the levels of the denoising network.
        text_width, text_layers: of the text encoder, which is trained together with the denoising network.
        caption_length: tokens of a caption, with its beginning and end.
        steps, batch_size, learning_rate, weight_decay: of the denoising network's training.
        caption_dropout: part of the captions that are left empty, for classifier-free guidance.
        average: decay of the moving average of weights that is kept, per step.
        seed: of everything random.
    """

    latent_channels: int = 4
    autoencoder_channels: tuple[int, ...] = (16, 16, 32)
    autoencoder_steps: int = 600
    autoencoder_batch_size: int = 4
    autoencoder_learning_rate: float = 0.003
    kl_weight: float = 1e-5
    principal_weight: float = 0.3
    unet_channels: tuple[int, ...] = (32, 64)
    text_width: int = 64
    text_layers: int = 1
    caption_length: int = 24
    steps: int = 900
    batch_size: int = 32
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    caption_dropout: float = 0.1
    average: float = 0.99
    seed: int = 0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Return the model in a dict; lists become tuples. Raises InputError for an unknown key, with the nearest."""
        known = [field.name for field in fields(cls)]
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
                raise InputError(f"diffusion model: '{key}' is not one of its settings; did you mean '{near}'?")
        values: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in given.items()}
        return cls(**values)


def make_autoencoder(model: SmallModel, image_size: int) -> AutoencoderKL:
    """Return a randomly initialised autoencoder: images (3, image_size, image_size) and codes a power of 2 smaller.

    What lets it learn within a thousand steps: its residual blocks begin as identities, and its code with almost no
    noise.

    Raises InputError when the side of the images cannot be halved as often as the levels ask.
    """
    levels = len(model.autoencoder_channels)
    if image_size % 2 ** (levels - 1):
        raise InputError(
            f"diffusion model: pictures of {image_size} pixels cannot be halved {levels - 1} times; give fewer "
            "autoencoder_channels"
        )
    autoencoder = AutoencoderKL(
        block_out_channels=model.autoencoder_channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=1,
        latent_channels=model.latent_channels,
        norm_num_groups=2,
        sample_size=image_size,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )
    for block in autoencoder.modules():
        if isinstance(block, ResnetBlock2D):
            for parameter in block.conv2.parameters():
                nn.init.zeros_(parameter)
    quantise: Any = autoencoder.quant_conv
    nn.init.zeros_(quantise.weight[model.latent_channels :])
    nn.init.constant_(quantise.bias[model.latent_channels :], FIRST_LOG_VARIANCE)
    return autoencoder


def make_unet(model: SmallModel, code_size: int) -> UNet2DConditionModel:
    """Return a denoising network for codes of this side that predicts nothing yet: its last layer is zero."""
    levels = len(model.unet_channels)
    unet = UNet2DConditionModel(
        sample_size=code_size,
        in_channels=model.latent_channels,
        out_channels=model.latent_channels,
        block_out_channels=model.unet_channels,
        down_block_types=("DownBlock2D",) * levels,
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("UpBlock2D",) * levels,
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=model.text_width,
        attention_head_dim=2,  # heads: diffusers keeps this argument's historical name
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )
    nn.init.zeros_(unet.conv_out.weight)
    nn.init.zeros_(unet.conv_out.bias)
    return unet


def make_text_encoder(model: SmallModel, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return a randomly initialised text encoder of CLIP's kind for this tokenizer."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=model.text_width,
        intermediate_size=2 * model.text_width,
        projection_dim=model.text_width,
        num_hidden_layers=model.text_layers,
        num_attention_heads=4,
        max_position_embeddings=model.caption_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def make_scheduler() -> DDIMScheduler:
    """Return Stable Diffusion v1's noise schedule, with the velocity as what is predicted.

    Velocity: Salimans and Ho, arXiv 2202.00512, as Stable Diffusion 2.
    """
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        prediction_type="v_prediction",
    )


def patches(pictures: Tensor, side: int) -> Tensor:
    """Return the patches of images (n, 3, h, w) as channels: (n, 3 x side x side, h / side, w / side)."""
    return functional.pixel_unshuffle(pictures, side)


@dataclass(frozen=True)
class PrincipalCode:
    """The best linear code of patches: their first principal components, each scaled to variance 1.

    Attributes:
        side: of a patch in pixels.
        mean: (values of a patch,).
        directions: (components, values of a patch), divided by the components' standard deviations.
    """

    side: int
    mean: Tensor
    directions: Tensor

    @classmethod
    def fit(cls, pictures: Tensor, side: int, components: int) -> Self:
        """Find the components of images (n, 3, h, w)."""
        values = patches(pictures, side).permute(0, 2, 3, 1).flatten(0, 2)
        mean = values.mean(dim=0)
        variances, directions = torch.linalg.eigh((values - mean).T @ (values - mean) / len(values))
        chosen = directions[:, -components:] / variances[-components:].clamp(min=1e-6).sqrt()
        return cls(side, mean, chosen.T.contiguous())

    def of(self, pictures: Tensor) -> Tensor:
        """Return the code of images (n, 3, h, w): (n, components, h / side, w / side)."""
        return torch.einsum("nvhw,cv->nchw", patches(pictures, self.side) - self.mean[:, None, None], self.directions)
