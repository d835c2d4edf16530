"""DaWin: average two networks' weights anew for each image while predicting, without training.

Oh et al. 2024, arXiv 2410.03782; naver-ai/dawin, dawin_rft/main_dawin.py, commit 310e0e1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from pretraining_robustness.finetune.merger import State
from pretraining_robustness.finetune.mergers.interpolate import interpolate
from pretraining_robustness.training.batches import ResidentImages, StreamedImages
from pretraining_robustness.training.inference import Network, most_likely, predict_together
from pretraining_robustness.training.kept_answers import KeptAnswers


@dataclass(frozen=True)
class Merger:
    """Settings of DaWin: into how many `groups` the images of a test set are divided. It merges while it predicts."""

    NETWORKS: ClassVar[int | None] = 2
    groups: int


def entropy(scores: Tensor) -> Tensor:
    """Return the entropy in nats, 0 or more, of each image's prediction, (n,), from scores (n, classes)."""
    return torch.special.entr(scores.softmax(dim=1)).sum(dim=1)


def coefficients(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the interpolation coefficient of each image of a test set, 0 (first network) to 1 (second), float64 (n,).

    From the entropies of their predictions, (n,) each: the second network's share of exp(-entropy), shifted towards the
    first network's share of the mean entropies, the more so the more the entropies vary ("offset adjustment" in the
    code). The code's temperatures, fitted to its CLIP networks, are 1 here.
    """
    spread = np.mean([one.std(ddof=1) / one.mean() if one.mean() > 0 else 0.0 for one in (first, second)])
    total = first.mean() + second.mean()
    towards = first.mean() / total if total > 0 else 0.5
    surer = np.exp(-second.astype(np.float64))
    return (surer + spread * towards) / (np.exp(-first.astype(np.float64)) + surer + spread)


def predict_merged(
    network: Network,
    first: State,
    second: State,
    images: ResidentImages | StreamedImages,
    sizes: Sequence[int],
    groups: int,
    device: torch.device,
    kept: KeptAnswers | None = None,
    answer: Callable[[Tensor], Tensor] = most_likely,
) -> np.ndarray:
    """Return the answer to each image, the most likely class as int16, by two networks averaged for the image.

    Images with similar coefficients share an averaged network: a test set is divided into `groups` of equal size, where
    the code fits a mixture of as many beta distributions. With as many groups as images each image has its own.

    Args:
        sizes: sizes of the test sets that make up the images, at least 2 each, in their order.
        kept, answer: see `predict_together`.
    """
    kept = kept or KeptAnswers(None)

    def predict(states: list[State], where: np.ndarray, answer: Callable[[Tensor], Tensor], name: str) -> Any:
        networks = [replace(network, states=states)]
        return predict_together(networks, images, where, device, answer, kept.of(name))[0]

    both = predict([first, second], np.arange(sum(sizes)), entropy, "entropies")
    starts = np.cumsum([0, *sizes[:-1]])
    parts: list[np.ndarray] = []
    places: list[np.ndarray] = []
    for start, size in zip(starts, sizes, strict=True):
        part = slice(start, start + size)
        alphas = coefficients(both[0][part], both[1][part])
        for number, members in enumerate(np.array_split(np.argsort(alphas, kind="stable"), min(groups, size))):
            merged = interpolate(first, second, float(alphas[members].mean()))
            rows = start + np.sort(members)
            parts += predict([merged], rows, answer, f"{start} {number}")
            places.append(rows)
    return np.concatenate(parts)[np.argsort(np.concatenate(places))]
