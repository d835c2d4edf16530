"""Images that are stored as the files that they are: what a network sees is what timm's own transform makes of them."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from pretraining_robustness.errors import InputError
from pretraining_robustness.pretrain.published_files import published
from pretraining_robustness.store.build import StoreSpec, build_store
from pretraining_robustness.store.read import Store
from pretraining_robustness.store.readers.imagenet_variant import ImageNetVariant
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import frame_of
from pretraining_robustness.training.recipes import read_recipe

# Sizes as ImageNet's and its variants' are: upright, wide, as the network's input, smaller, odd.
SIZES = ((500, 375), (333, 500), (224, 224), (180, 241), (640, 225))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The array and the table of a store of files, and the files: JPEG in colour and grey, PNG."""
    folder = tmp_path_factory.mktemp("files")
    random = np.random.default_rng(0)
    paths = []
    for number, (width, height) in enumerate(SIZES):
        coarse = Image.fromarray(random.integers(0, 256, (height // 8, width // 8, 3), np.uint8))
        picture = coarse.resize((width, height), Image.Resampling.BICUBIC).convert("L" if number == 1 else "RGB")
        paths.append(folder / "raw" / "n00000001" / f"{number}.{'png' if number == 2 else 'jpg'}")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        picture.save(paths[-1])
    variant = ImageNetVariant([folder / "raw"], {"n00000001": "some"}, "{class}/{image}", len(SIZES), 1)
    names = ("images", "table", "classes", "undecodable", "duplicates", "summary", "state")
    files = {name: folder / f"store.{name}" for name in names}
    build_store(variant, "imagenet_variant", **files, encoding="files")
    return files["images"], files["table"], paths


@pytest.mark.parametrize(
    "model",  # of ImageNet-RIB: resized to 248 or 224, bicubic; to 256, bilinear, mean 0 and standard deviation 1
    [
        "vit_base_patch16_224.augreg_in1k",
        "vit_base_patch16_224_miil.in21k_ft_in1k",
        "vit_base_patch16_clip_224.openai_ft_in1k",
        "vit_base_patch16_clip_224.laion2b_ft_in1k",
        "convnext_tiny.in12k_ft_in1k",  # resized to 235, an odd number of pixels more than what is cut out
    ],
)
def test_a_network_of_timm_is_given_what_timms_own_transform_gives(stored, model):
    """Equal bytes before normalisation, which is float32 arithmetic in another order."""
    images, table, paths = stored
    known = published({"builder": "timm", "arguments": {"model": model}}, "default").own_input
    recipe = read_recipe({"epochs": 1, "batch_size": 1, "learning_rate": 0.1, "image_size": 32, **known})
    store = Store.open(images, table, frame=frame_of(recipe))
    pixels = torch.from_numpy(store.read(np.arange(len(paths))))
    ours = Preparation(recipe, torch.device("cpu")).for_evaluation(pixels)
    data = timm.data.resolve_data_config({}, pretrained_cfg=timm.get_pretrained_cfg(model).to_dict())
    theirs = torch.stack(
        [timm.data.create_transform(**data, is_training=False)(Image.open(path).convert("RGB")) for path in paths]
    )
    mean, std = (torch.tensor(data[key]).view(3, 1, 1) for key in ("mean", "std"))
    assert torch.equal(*(((one * std + mean) * 255).round() for one in (ours, theirs)))
    assert torch.allclose(ours, theirs, atol=2e-6)


def test_files_are_not_for_images_that_are_stretched():
    with pytest.raises(InputError, match="'files' of a store is for images whose middle is cut out"):
        StoreSpec(fit="stretch", encoding="files")
