"""Who passes which camera when, and which cameras and days belong to which split."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from miniature.camera_species import camera_species
from miniature.camera_trap_world import Camera, Visit
from pretraining_robustness.errors import InputError

# Images of iWildCam-WILDS v2.0's splits (card of the data set; Koh et al. 2021, appendix E.1).
SPLIT_IMAGES = {"train": 129_809, "val": 14_961, "test": 42_791, "id_val": 7_314, "id_test": 8_154}
# Share of the cameras that are out of distribution (WILDS's create_split.py for iWildCam: 10 % and 15 % of the
# locations).
_CAMERAS = {"val": 0.10, "test": 0.15}
# Draws of days and cameras, the best of which is taken: sizes close to the wanted proportions, and if possible so many
# images of every class in every split that its F1 is no matter of one image.
_DRAWS = 1000
_ENOUGH = 10

# Our choices: share of empty images, exponent of the long tail of species, evenness of the species before one camera,
# days a camera stands.
_EMPTY_SHARE = 0.3
_TAIL = 0.65
_CONCENTRATION = 6.0
_CALENDAR_DAYS = 120
_FIRST_DAY = datetime(2013, 1, 1)


@dataclass(frozen=True)
class Sequence:
    """A visit with its camera, moment and split."""

    camera: int
    visit: Visit
    start: datetime
    split: str = ""

    @property
    def day(self) -> int:
        """Days since the first day of the calendar."""
        return (self.start - _FIRST_DAY).days


def _share_out(weights: np.ndarray, total: int, least: int) -> np.ndarray:
    counts = np.full(len(weights), least)
    exact = weights / weights.sum() * (total - counts.sum())
    counts = counts + np.floor(exact).astype(int)
    short = total - int(counts.sum())
    counts[np.argsort(np.floor(exact) - exact, kind="stable")[:short]] += 1
    return counts


def plan_visits(classes: int, images: int, cameras: int, image_size: int, seed: int) -> list[Sequence]:
    """Return the visits to all cameras, without splits; their frames sum to `images`.

    Class 0 is empty. Frequencies of species fall as a power law and vary from camera to camera (Dirichlet). A visit is
    a burst of 1 to 10 frames. Cameras differ in activity (log-normal) and stand for some weeks.
    """
    if not 2 <= classes <= len(camera_species()) + 1:
        raise InputError(
            f"iwildcam: {classes} classes asked of the miniature: give 2 to {len(camera_species()) + 1}, with `empty`"
        )
    if cameras < 12 or images < 20 * cameras:
        raise InputError(
            f"iwildcam: {images} images from {cameras} cameras; give at least 12 cameras and 20 images each"
        )
    rng = np.random.default_rng([seed, 0])
    tail = np.arange(1, classes) ** -_TAIL
    tail = tail / tail.sum()
    per_camera = _share_out(rng.lognormal(0, 0.7, cameras), images, least=12)
    sequences: list[Sequence] = []
    for number in range(cameras):
        camera = Camera(seed, number, image_size)
        own = rng.dirichlet(tail * _CONCENTRATION + 1e-3)
        empty = float(rng.beta(3 * _EMPTY_SHARE, 3 * (1 - _EMPTY_SHARE)))
        first_day = int(rng.integers(0, _CALENDAR_DAYS - 50))
        days = int(rng.integers(25, 51))
        left = int(per_camera[number])
        while left > 0:
            species = 0 if rng.random() < empty else 1 + int(rng.choice(classes - 1, p=own))
            frames = min(left, int(min(10, 1 + rng.geometric(0.45) * (1 if species == 0 else 1.3))))
            night = 0.3 if species == 0 else camera_species()[species - 1].night
            if rng.random() < min(0.98, night * camera.night_share):
                hour = float((18.8 + rng.uniform(0, 11.4)) % 24)
            else:
                hour = float(rng.uniform(6.2, 18.8))
            start = _FIRST_DAY + timedelta(days=first_day + int(rng.integers(0, days)), seconds=int(hour * 3600))
            sequences.append(Sequence(number, Visit(len(sequences), species, frames, hour), start))
            left -= frames
    return sorted(sequences, key=lambda sequence: (sequence.camera, sequence.start, sequence.visit.number))


def assign_splits(
    sequences: list[Sequence], seed: int, proportions: Mapping[str, float] = SPLIT_IMAGES
) -> list[Sequence]:
    """Return the sequences with their splits, whose images are as `proportions` to each other.

    As in WILDS: whole cameras go to val and test (out of distribution), whole days of the other cameras to id_val and
    id_test, the rest is train. A larger test split has more cameras, in proportion. Of many random draws the one is
    taken whose classes lack fewest images of `_ENOUGH` in a split and that is closest to the proportions; classes of
    train count most.
    """
    if set(proportions) != set(SPLIT_IMAGES) or min(proportions.values()) <= 0:
        raise InputError(f"iwildcam: world.splits gives a number above 0 to each of {', '.join(SPLIT_IMAGES)}, only")
    rng = np.random.default_rng([seed, 1])
    frames = np.array([sequence.visit.frames for sequence in sequences])
    labels = np.array([sequence.visit.species for sequence in sequences])
    camera = np.array([sequence.camera for sequence in sequences])
    day = np.array([sequence.day for sequence in sequences])
    classes, cameras = int(labels.max()) + 1, int(camera.max()) + 1
    days = np.unique(day)
    share, real = ({name: count / sum(of.values()) for name, count in of.items()} for of in (proportions, SPLIT_IMAGES))
    want = {name: part * frames.sum() for name, part in share.items()}
    n_val, n_test = (max(1, round(part * share[name] / real[name] * cameras)) for name, part in _CAMERAS.items())

    best: tuple[float, np.ndarray] | None = None
    for _ in range(_DRAWS):
        order = rng.permutation(cameras)
        split = np.full(len(sequences), "train", dtype=object)
        split[np.isin(camera, order[:n_val])] = "val"
        split[np.isin(camera, order[n_val : n_val + n_test])] = "test"
        inside = split == "train"
        day_order = rng.permutation(days)
        per_day = np.bincount(day[inside], frames[inside], minlength=int(days.max()) + 1)[day_order]
        ends = np.searchsorted(np.cumsum(per_day), [want["id_val"], want["id_val"] + want["id_test"]], side="left") + 1
        split[inside & np.isin(day, day_order[: ends[0]])] = "id_val"
        split[inside & np.isin(day, day_order[ends[0] : ends[1]])] = "id_test"
        cost = 0.0
        for name, weight in (("train", 100.0), ("id_test", 10.0), ("test", 10.0), ("val", 0.5), ("id_val", 0.5)):
            here = split == name
            held = np.bincount(labels[here], frames[here], minlength=classes)
            cost += weight * np.maximum(0, _ENOUGH - held).sum() / _ENOUGH
            cost += 10 * abs(frames[here].sum() - want[name]) / want[name]
        # As in WILDS, days are only worth testing on where the camera is also trained on.
        trained = np.unique(camera[split == "train"])
        cost += 100.0 * np.sum(~np.isin(np.unique(camera[np.isin(split, ["id_val", "id_test"])]), trained))
        if best is None or cost < best[0]:
            best = cost, split
    assert best is not None
    return [Sequence(s.camera, s.visit, s.start, str(name)) for s, name in zip(sequences, best[1], strict=True)]
