"""Image-text pre-training: CLIP (Radford et al. 2021) with open_clip's text tower and loss."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from open_clip import ClipLoss  # type: ignore[import-untyped]
from open_clip.model import _build_text_tower  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.pretrain.captions import Captions
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.objectives import Network, Objective

logger = logging.getLogger(__name__)

# The temperature starts at 0.07 and its inverse never exceeds 100 (Radford et al. 2021, section 2.5).
FIRST_LOGIT_SCALE = math.log(1 / 0.07)
HIGHEST_LOGIT_SCALE = math.log(100)


@dataclass(frozen=True)
class Settings:
    """Width of the shared `embedding`, `context_length` in tokens, and the `text` tower as keys of open_clip's text_cfg
    (width, heads, layers, ...). The defaults are those of CLIP with a ResNet-50.
    """

    embedding: int = 1024
    context_length: int = 77
    text: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.embedding < 1 or self.context_length < 3:
            raise InputError("objective: embedding must be positive and context_length at least 3")


class TextEncoder(nn.Module):
    """A text tower of open_clip and the logit scale that it was trained with.

    Args:
        embedding: width of its output.
        text: keys of open_clip's text_cfg, context_length among them.
        quick_gelu: CLIP's own form of GELU, which most published weights were trained with.

    Raises:
        InputError: keys that the tower does not have, or towers that are not open_clip's own.
    """

    def __init__(self, embedding: int, text: Mapping[str, Any], quick_gelu: bool = False) -> None:
        super().__init__()
        self.config = {"embedding": embedding, "text": dict(text), "quick_gelu": quick_gelu}
        if text.get("hf_model_name") or text.get("hf_tokenizer_name"):
            raise InputError(
                "text tower: it is one of Hugging Face transformers; take a model with CLIP's own text tower"
            )
        try:
            self.tower = _build_text_tower(embedding, dict(text), quick_gelu)
        except (TypeError, AssertionError, ZeroDivisionError) as error:
            raise InputError(f"text tower: open_clip cannot build {dict(text)}: {error}") from error
        self.logit_scale = nn.Parameter(torch.tensor(FIRST_LOGIT_SCALE))

    def encode_text(self, tokens: Tensor, normalize: bool = False) -> Tensor:
        """Return embeddings of tokens, int64 (n, context length) to (n, embedding); of length 1 with `normalize`."""
        features = self.tower(tokens)
        return functional.normalize(features, dim=-1) if normalize else features


class ImageText(Objective):
    """Contrastive loss: every image should be nearer to its own caption than to others of the batch, and vice versa.

    The network's head is the projection to the embedding. An image is correct when its nearest caption is its own.

    Args:
        captions: captions of the images.
        text: the text tower, trained together with the network.
        device: see `Objective`.
        compiled: also compile the text tower.
    """

    def __init__(self, captions: Captions, text: TextEncoder, device: torch.device, compiled: bool = False) -> None:
        super().__init__(len(captions), device)
        self.captions = captions
        self.text = text
        self.loss = ClipLoss()
        if compiled:
            self.text.tower.compile()

    def forward(
        self, network: Network, preparation: Preparation, pixels: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Objective.forward`."""
        with torch.no_grad():
            self.text.logit_scale.clamp_(0, HIGHEST_LOGIT_SCALE)
        pictures = network(preparation.for_training(pixels))
        texts = self.text.encode_text(self.captions.draw(positions))
        with torch.autocast(self.device.type, enabled=False):
            pictures = functional.normalize(pictures.float(), dim=-1)
            texts = functional.normalize(texts.float(), dim=-1)
            loss = self.loss(pictures, texts, self.text.logit_scale.exp())
            nearest = (pictures.detach() @ texts.detach().T).argmax(dim=1)
        return loss, (nearest == torch.arange(len(nearest), device=nearest.device)).sum()


def read_text_encoder(path: str | Path) -> tuple[TextEncoder, dict[str, Any]]:
    """Return the text encoder of a text.safetensors, ready for use, and the file's description.

    The description's `encoder` holds the arguments of `TextEncoder`. Raises InputError naming the file if it is broken.
    """
    tensors, description = read_weights(path)
    try:
        encoder = TextEncoder(**description["encoder"])
        encoder.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError, InputError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: not a text tower ({reason}); remove it and run the same command again") from error
    return encoder.eval(), description
