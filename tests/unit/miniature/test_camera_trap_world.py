"""The camera-trap world: the wilds package opens it, no split leaks, and it is hard in the intended way."""

import tarfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from miniature.camera_species import camera_species
from miniature.camera_trap_calendar import SPLIT_IMAGES, assign_splits, plan_visits
from miniature.camera_trap_world import Camera, Visit, draw_visit
from miniature.formats.iwildcam_archive import draw as draw_iwildcam
from miniature.imagenet_classes import all_classes
from pretraining_robustness.errors import InputError
from pretraining_robustness.study import params
from pretraining_robustness.study.study import Study

CLASSES, IMAGES, CAMERAS = 16, 6_091, 60
IN_DISTRIBUTION = ("train", "id_val", "id_test")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A folder that holds iwildcam_v2.0, unpacked."""
    folder = tmp_path_factory.mktemp("camera_trap_world")
    draw_iwildcam([folder / "archive.tar.gz"], CLASSES, IMAGES, CAMERAS, image_size=32, seed=0)
    with tarfile.open(folder / "archive.tar.gz") as tar:
        tar.extractall(folder / "iwildcam_v2.0", filter="data")
    return folder


@pytest.fixture(scope="module")
def metadata(root) -> pd.DataFrame:
    return pd.read_csv(root / "iwildcam_v2.0" / "metadata.csv", index_col=0)


def test_the_wilds_package_opens_it(root):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wilds = pytest.importorskip("wilds")
        dataset = wilds.get_dataset("iwildcam", root_dir=str(root), download=False)
    assert len(dataset) == IMAGES
    assert dataset.n_classes == CLASSES
    for split in SPLIT_IMAGES:
        subset = dataset.get_subset(split)
        picture, y, _ = subset[0]
        assert picture.size == (32, 32)
        assert 0 <= int(y) < CLASSES


@pytest.mark.parametrize("seed", range(5))
def test_the_splits_have_the_real_proportions(seed):
    sequences = assign_splits(plan_visits(CLASSES, IMAGES, CAMERAS, 32, seed), seed)
    images = Counter[str]()
    held: dict[str, set[int]] = {split: set() for split in SPLIT_IMAGES}
    for one in sequences:
        images[one.split] += one.visit.frames
        held[one.split].add(one.visit.species)
    assert images.total() == IMAGES
    for split, real in SPLIT_IMAGES.items():
        assert images[split] / IMAGES == pytest.approx(real / 203_029, abs=0.06)
    assert held["train"] == set(range(CLASSES))
    assert len(held["test"]) >= CLASSES - 1
    assert len(held["id_test"]) >= CLASSES - 2


@pytest.mark.parametrize("seed", range(5))
def test_the_splits_of_the_configured_world_are_large_enough_to_measure_on(seed, config):
    study = Study({**config, "world_seed": seed})
    world = params.world(study, "iwildcam")
    planned = plan_visits(*(world[key] for key in ("classes", "images", "cameras", "image_size", "seed")))
    images: dict[str, Counter[int]] = {split: Counter() for split in SPLIT_IMAGES}
    for one in assign_splits(planned, seed, world["splits"]):
        images[one.split][one.visit.species] += one.visit.frames
    assert images["id_test"].total() >= 1000
    assert images["test"].total() >= 2000
    for split, least in {"train": 10, "id_test": 10, "test": 5}.items():
        assert min(images[split][species] for species in range(world["classes"])) >= least


def test_splits_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"world\.splits"):
        draw_iwildcam([tmp_path / "archive"], 5, 300, 12, 32, 0, splits={"train": 1, "test": 1})


def test_no_image_burst_camera_or_day_leaks_between_splits(root, metadata):
    assert metadata["image_id"].is_unique
    folder = root / "iwildcam_v2.0" / "train"
    assert {path.name for path in folder.iterdir()} == set(metadata["filename"])
    assert len({(folder / name).read_bytes() for name in metadata["filename"]}) == IMAGES
    assert (metadata.groupby("seq_id")["split"].nunique() == 1).all()
    assert (metadata.groupby("sequence_remapped")["y"].nunique() == 1).all()
    cameras = {split: set(rows["location_remapped"]) for split, rows in metadata.groupby("split")}
    assert not cameras["test"] & cameras["val"]
    for split in IN_DISTRIBUTION:
        assert not cameras[split] & (cameras["test"] | cameras["val"])
        assert cameras[split] <= cameras["train"]
    inside = metadata[metadata["split"].isin(IN_DISTRIBUTION)]
    days = inside["datetime"].str.slice(0, 10)
    assert (inside.groupby(days)["split"].nunique() == 1).all()


def test_bursts_and_frequencies(metadata):
    lengths = metadata.groupby("seq_id").size()
    assert lengths.min() >= 1
    assert lengths.max() <= 10
    assert lengths.mean() > 1.5
    moments = pd.to_datetime(metadata["datetime"]).groupby(metadata["seq_id"])
    assert ((moments.max() - moments.min()).dt.total_seconds() == lengths - 1).all()
    share = metadata["y"].value_counts(normalize=True)
    assert share[0] > 0.2  # empty
    animals = share.drop(0).sort_values(ascending=False)
    assert animals.iloc[0] > 4 * animals.iloc[-1]
    # Species depend on the camera: half the animals before a camera would have to be exchanged for the average mixture.
    of_camera = pd.crosstab(metadata["location_remapped"], metadata["y"]).drop(columns=0)
    of_camera = of_camera.div(of_camera.sum(axis=1), axis=0)
    assert (of_camera - animals / animals.sum()).abs().sum(axis=1).mean() / 2 > 0.4


def test_frames_of_a_burst_are_alike_and_cameras_are_not():
    day, night = Visit(1, 1, 3, 12.0), Visit(2, 1, 3, 23.0)
    first, second, third = (frame.astype(float) for frame in draw_visit(Camera(0, 1, 64), day))
    elsewhere = draw_visit(Camera(0, 2, 64), day)[0].astype(float)
    assert not np.array_equal(first, second)
    assert abs(first - third).mean() < 0.5 * abs(first - elsewhere).mean()
    infrared = draw_visit(Camera(0, 1, 64), night)[0]
    assert np.ptp(infrared[:56], axis=2).max() == 0  # grey
    assert np.ptp(first[:56], axis=2).max() > 20


def test_no_species_is_a_class_of_the_object_world():
    names = {name.lower() for one in all_classes() for name in one.name.split(", ")}
    assert not names & {species.name for species in camera_species()}


def test_the_archive_depends_on_the_seed_alone(tmp_path):
    for name, seed, threads in (("one", 5, 1), ("two", 5, 2), ("other", 6, 1)):
        draw_iwildcam([tmp_path / name], 5, 300, 12, 32, seed, threads)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()


@pytest.mark.parametrize(
    ("classes", "images", "cameras", "words"), [(99, 2000, 20, "99 classes"), (9, 50, 20, "50 images")]
)
def test_a_world_that_cannot_be_is_refused(tmp_path, classes, images, cameras, words):
    with pytest.raises(InputError, match=words):
        draw_iwildcam([tmp_path / "archive"], classes, images, cameras, 32, 0)


def pixels_of(root: Path, rows: pd.DataFrame) -> np.ndarray:
    folder = root / "iwildcam_v2.0" / "train"
    return np.stack([np.asarray(Image.open(folder / name)) for name in rows["filename"]])


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, average="macro", labels=np.unique(truth)))


@pytest.mark.slow
def test_a_net_from_scratch_beats_logistic_regression_and_loses_out_of_distribution(root, metadata):
    import torch
    from sklearn.linear_model import LogisticRegression
    from torchvision.models import DenseNet

    splits = dict(iter(metadata.groupby("split")))
    pictures = {split: pixels_of(root, splits[split]) for split in ("train", "id_test", "test")}
    labels = {split: splits[split]["y"].to_numpy() for split in pictures}

    flat = {split: some.reshape(len(some), -1) / 255.0 - 0.45 for split, some in pictures.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 60 steps do not reach the optimum; further steps only over-fit
        regression = LogisticRegression(C=0.01, max_iter=60).fit(flat["train"], labels["train"])
    linear = {split: macro_f1(labels[split], regression.predict(flat[split])) for split in ("id_test", "test")}

    torch.manual_seed(0)
    tensors = {
        split: torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255 / 0.25 - 1.8 for split, some in pictures.items()
    }
    truth = torch.tensor(labels["train"])
    net = DenseNet(growth_rate=12, block_config=(3, 3, 3), num_init_features=24, num_classes=CLASSES)
    epochs, batch = 6, 64
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
    steps = epochs * (len(truth) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(truth))
        for i in range(len(truth) // batch):
            rows = order[i * batch : (i + 1) * batch]
            some = tensors["train"][rows]
            if torch.rand(()) < 0.5:
                some = some.flip(3)
            some = torch.roll(some, torch.randint(-3, 4, (2,)).tolist(), (2, 3))
            loss = torch.nn.functional.cross_entropy(net(some), truth[rows], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        scores = {
            split: macro_f1(labels[split], net(tensors[split]).argmax(1).numpy()) for split in ("id_test", "test")
        }
    assert 0.3 < scores["id_test"] < 0.85
    assert scores["id_test"] - scores["test"] > 0.05
    assert scores["id_test"] - linear["id_test"] > 0.1
    assert scores["test"] - linear["test"] > 0.08
