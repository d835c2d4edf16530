"""Captions for image-text pre-training, tokenised once: an image's own, or templates with the name of its class."""

import logging
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from open_clip import OPENAI_IMAGENET_TEMPLATES, tokenize  # type: ignore[import-untyped]
from torch import Tensor

from pretraining_robustness.errors import InputError

logger = logging.getLogger(__name__)


class Captions:
    """The tokens of every caption that the images of a set may have, on the training device.

    Args:
        tokens: int32 (captions, context length), padded with 0 as open_clip's tokeniser does.
        first: for every image the first of its captions, int64 (images,).
        choices: number of captions per image, from `first` on.
    """

    def __init__(self, tokens: Tensor, first: Tensor, choices: int) -> None:
        self.tokens, self.first, self.choices = tokens, first, choices

    def __len__(self) -> int:
        return len(self.first)

    def draw(self, positions: Tensor) -> Tensor:
        """Return the tokens of one random caption of each of these images: int64 (n, context length).

        Random numbers come from the device's global generator, which the training loop seeds anew at every step.
        """
        rows = self.first.index_select(0, positions)
        if self.choices > 1:
            rows = rows + torch.randint(self.choices, rows.shape, device=rows.device)
        return self.tokens.index_select(0, rows).long()

    @classmethod
    def of_images(cls, captions: Sequence[str], context_length: int, device: torch.device) -> Self:
        """Each image has the caption of the same position."""
        return cls(_tokens(captions, context_length).to(device), torch.arange(len(captions), device=device), 1)

    @classmethod
    def of_classes(
        cls, labels: np.ndarray, names: Mapping[int, str], context_length: int, device: torch.device
    ) -> Self:
        """Each image has 80 captions: CLIP's prompts for ImageNet (Radford et al. 2021, section 3.1.4; in open_clip
        OPENAI_IMAGENET_TEMPLATES) with the `spoken_name` of its class.

        `labels` int64 (images,) from 0 on; `names` by label. Raises InputError for a label without a name.
        """
        count = int(labels.max()) + 1
        nameless = [label for label in range(count) if not spoken_name(names.get(label, ""))]
        if nameless:
            raise InputError(f"classes: label {nameless[0]} has no name for captions; make the distribution again")
        texts = [
            template(spoken_name(names[label])) for label in range(count) for template in OPENAI_IMAGENET_TEMPLATES
        ]
        choices = len(OPENAI_IMAGENET_TEMPLATES)
        first = torch.from_numpy(labels.astype(np.int64) * choices)
        return cls(_tokens(texts, context_length).to(device), first.to(device), choices)


def spoken_name(name: str) -> str:
    """Return a class's name for captions: the first of WordNet's synonyms ("tench, Tinca tinca"), with spaces for
    underscores.
    """
    return name.split(",")[0].replace("_", " ").strip()


def _tokens(texts: Sequence[str], context_length: int) -> Tensor:
    """Tokenise; a caption longer than `context_length` tokens is truncated, as in open_clip."""
    tokens = tokenize(list(texts), context_length).to(torch.int32)
    full = int((tokens[:, -1] != 0).sum())
    logger.info(
        "%d captions, of which %d fill the context of %d tokens or were truncated", len(texts), full, context_length
    )
    return tokens
