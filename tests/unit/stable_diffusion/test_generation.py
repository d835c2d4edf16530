"""Generation with a real (tiny, untrained) Stable Diffusion pipeline: same bytes however the work is cut."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.recognise import recognise_generated
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.stable_diffusion import generate, train_diffusion
from pretraining_robustness.stable_diffusion.captions import caption_tokens, captions_of, make_tokenizer
from pretraining_robustness.stable_diffusion.gather import gather_generated
from pretraining_robustness.stable_diffusion.generate import generate_images
from pretraining_robustness.stable_diffusion.image_plan import plan_prompts
from pretraining_robustness.stable_diffusion.pipeline import load_pipeline
from pretraining_robustness.stable_diffusion.prompts import class_names
from pretraining_robustness.stable_diffusion.sampling import PromptEmbeddings, Sampler, resized
from pretraining_robustness.stable_diffusion.settings import SCHEDULERS, Settings
from pretraining_robustness.stable_diffusion.shards import shard_range
from pretraining_robustness.stable_diffusion.small_networks import PrincipalCode
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.state import TrainingState

CPU = torch.device("cpu")
WNIDS = ["n01440764", "n02099601", "n03642806"]
SMALL = {"image_size": 16, "size": 16, "scheduler": "ddim", "steps": 2, "guidance": 3.0, "batch_size": 4}
MODEL = {
    "autoencoder_channels": [8, 8],
    "autoencoder_steps": 2,
    "autoencoder_batch_size": 4,
    "unet_channels": [8, 16],
    "text_width": 16,
    "steps": 2,
    "batch_size": 4,
    "caption_length": 12,
}


def make_store(folder: Path, images: int = 24) -> dict[str, Path]:
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    np.save(folder / "images.npy", generator.integers(0, 256, (images, 16, 16, 3), np.uint8))
    class_ids = [WNIDS[number % 3] for number in range(images)]
    pd.DataFrame({"row": range(images), "class_id": class_ids}).to_parquet(folder / "images.parquet")
    rows = "".join(f"{wnid},x,{images // 3}\n" for wnid in WNIDS)
    (folder / "classes.csv").write_text("class_id,name,images\n" + rows)
    return {"images": folder / "images.npy", "table": folder / "images.parquet", "classes": folder / "classes.csv"}


def train(store: dict[str, Path], out: Path, **changes: object) -> Path:
    train_diffusion.train_diffusion(
        **store, pipeline=out / "model", metrics=out / "metrics.csv", model=MODEL | changes, state=out / "s", code="c"
    )
    return out / "model"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_store(tmp_path_factory.mktemp("real") / "store")


@pytest.fixture(scope="module")
def model(store: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a pipeline that two large steps have trained: they make its last layer, which begins at 0, matter."""
    return train(store, tmp_path_factory.mktemp("model"), learning_rate=0.5)


@pytest.fixture(scope="module")
def plan(store: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    plan_prompts(
        classes=store["classes"], prompts=folder / "prompts.csv", table=folder / "plan.parquet", images=18, seed=0
    )
    return folder / "plan.parquet"


def run(plan: Path, model: Path, out: Path, shards: int = 1, shard: int = 0, **changes: object) -> Path:
    generate_images(
        plan=plan, model=model, images=out / f"shard_{shard}.npy", table=out / f"shard_{shard}.parquet",
        metrics=out / f"metrics_{shard}.csv", settings=SMALL | changes, shards=shards, shard=shard,
        state=out / f"unfinished_{shard}", code="c",
    )  # fmt: skip
    return out / f"shard_{shard}.npy"


def gather(plan: Path, source: Path, out: Path, shards: int) -> dict[str, Path]:
    names = {
        "images": "images.npy",
        "table": "images.parquet",
        "classes": "classes.csv",
        "undecodable": "undecodable.csv",
    }
    paths = {key: out / name for key, name in names.items()}
    gather_generated(
        shard_images=[source / f"shard_{one}.npy" for one in range(shards)],
        shard_tables=[source / f"shard_{one}.parquet" for one in range(shards)],
        prompts=plan.with_name("prompts.csv"),
        **paths,
    )
    return paths


@pytest.fixture(scope="module")
def whole(plan: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the store of all images, generated as one shard."""
    folder = tmp_path_factory.mktemp("whole")
    run(plan, model, folder)
    return gather(plan, folder, folder / "store", 1)


def test_three_shards_make_the_same_store_as_one(
    plan: Path, model: Path, whole: dict[str, Path], tmp_path: Path
) -> None:
    for shard in range(3):
        run(plan, model, tmp_path, 3, shard)
    parts = gather(plan, tmp_path, tmp_path / "store", 3)
    for name, path in parts.items():
        if name == "table":  # the same rows; Parquet keeps one group of rows a shard
            pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(whole[name]))
        else:
            assert path.read_bytes() == whole[name].read_bytes()


def test_the_gathered_store_opens_and_counts_its_classes(whole: dict[str, Path]) -> None:
    opened = Store.open(whole["images"], whole["table"])
    table = pd.read_parquet(whole["table"])
    assert (len(opened), opened.size, opened.encoding) == (18, 16, "uint8")
    assert list(table["row"]) == list(range(18))
    classes = pd.read_csv(whole["classes"])
    assert dict(zip(classes["class_id"], classes["images"], strict=True)) == dict(table["class_id"].value_counts())
    assert list(classes["name"]) == ["tench", "Golden Retriever", "laptop computer"]
    pictures = opened.read(np.arange(18))
    assert pictures.std() > 5
    assert len(np.unique(pictures.reshape(18, -1), axis=0)) == 18
    assert whole["undecodable"].read_text() == "image,reason\n"


@pytest.mark.parametrize("done", [3, 4, 17])
def test_work_goes_on_after_any_image(
    done: int, plan: Path, model: Path, whole: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that ends after `done` images, as a kill while it is written leaves it, also within a batch."""
    keep = generate.shutil.rmtree
    monkeypatch.setattr(generate.shutil, "rmtree", lambda path, **options: None)
    run(plan, model, tmp_path)
    monkeypatch.setattr(generate.shutil, "rmtree", keep)
    for path in (tmp_path / "shard_0.npy", tmp_path / "shard_0.parquet", tmp_path / "metrics_0.csv"):
        path.unlink()
    journal = tmp_path / "unfinished_0" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[: 1 + done]) + lines[-1][:10])
    run(plan, model, tmp_path)
    assert (tmp_path / "shard_0.npy").read_bytes() == whole["images"].read_bytes()
    with open(tmp_path / "metrics_0.csv", newline="") as file:
        metrics = next(csv.DictReader(file))
    assert (metrics["images"], metrics["resumed"]) == ("18", str(done))
    assert not (tmp_path / "unfinished_0").exists()


def test_work_with_other_settings_is_not_continued(plan: Path, model: Path, tmp_path: Path) -> None:
    rows = generate.read_part(plan, 1, 0, 4)
    requests = {
        generate._request(rows, model, Settings.read(SMALL | changes), code)
        for changes, code in [({}, "c"), ({"steps": 3}, "c"), ({"guidance": 2.0}, "c"), ({}, "d")]
    }
    assert len(requests) == 4


@pytest.fixture(scope="module")
def sampler(model: Path) -> Callable[..., Sampler]:
    """Return what makes a sampler; the pipeline is loaded anew because its text encoder is given up."""

    def make(prompts: list[str], **changes: object) -> Sampler:
        settings = Settings.read(SMALL | changes)
        pipeline = load_pipeline(model, settings, CPU)
        return Sampler(pipeline, PromptEmbeddings(pipeline, prompts, CPU), settings, CPU)

    return make


def test_an_image_does_not_depend_on_those_beside_it(sampler: Callable[..., Sampler], plan: Path) -> None:
    rows = pd.read_parquet(plan).head(4)
    prompts, seeds = list(rows["prompt"]), list(rows["seed"])
    together = sampler(prompts).generate(prompts, seeds)
    one = sampler(prompts, batch_size=1)
    alone = np.concatenate([one.generate([text], [seed]) for text, seed in zip(prompts, seeds, strict=True)])
    assert np.abs(together.astype(int) - alone).max() <= 1
    backwards = sampler(prompts).generate(prompts[::-1], seeds[::-1])[::-1]
    assert np.abs(together.astype(int) - backwards).max() <= 1
    # And it does depend on its own prompt and seed.
    assert np.abs(together.astype(int) - sampler(prompts).generate(prompts, seeds[1:] + seeds[:1])).max() > 20


def test_it_draws_what_the_pipeline_draws_when_called_as_usual(
    sampler: Callable[..., Sampler], model: Path, plan: Path
) -> None:
    """Against diffusers' own call with a prompt: the text encoder inside, one picture at a time."""
    rows = pd.read_parquet(plan).head(3)
    ours = sampler(list(rows["prompt"])).generate(list(rows["prompt"]), list(rows["seed"]))
    pipeline = load_pipeline(model, Settings.read(SMALL), CPU)
    for row, picture in zip(rows.itertuples(), ours, strict=True):
        generator = torch.Generator("cpu").manual_seed(row.seed)
        theirs = pipeline(
            row.prompt, num_inference_steps=2, guidance_scale=3.0, generator=generator, height=16, width=16,
            output_type="np",
        ).images[0]  # fmt: skip
        assert np.abs(picture.astype(int) - np.round(theirs * 255)).max() <= 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_draws(scheduler: str, sampler: Callable[..., Sampler]) -> None:
    pictures = sampler(["a"], scheduler=scheduler, steps=4, guided_part=0.5).generate(["a", "a"], [1, 1])
    assert pictures.shape == (2, 16, 16, 3)
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("part", ["vae.decoder.conv_out", "unet.conv_out"])
def test_a_network_that_gives_no_numbers_is_named_and_draws_no_black_or_white_pictures(
    part: str, value: float, sampler: Callable[..., Sampler]
) -> None:
    broken = sampler(["a cat"])
    with torch.no_grad():
        broken.pipeline.components[part.partition(".")[0]].get_submodule(part.partition(".")[2]).bias.fill_(value)
    with pytest.raises(InputError, match=r"gives NaN or infinity for the prompt 'a cat' .* 'precision: float32', or"):
        broken.generate(["a cat"], [1])


def test_guidance_can_end_early(sampler: Callable[..., Sampler], monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    half = sampler(["a"], steps=4, guided_part=0.5, batch_size=2)
    forward = half.pipeline.unet.forward
    monkeypatch.setattr(
        half.pipeline.unet, "forward", lambda x, *a, **k: (sizes.append(len(x)), forward(x, *a, **k))[1]
    )
    guided = half.generate(["a"], [1])
    assert sizes == [4, 4, 2, 2]
    assert np.abs(guided.astype(int) - sampler(["a"], steps=4, batch_size=2).generate(["a"], [1])).max() > 0


def test_a_batch_that_the_memory_does_not_hold_is_halved(
    plan: Path, model: Path, whole: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    sizes: list[int] = []
    original = Sampler._run

    holds = 2

    def fault(self: Sampler, embeddings: torch.Tensor, seeds: list[int]) -> torch.Tensor:
        sizes.append(len(seeds))
        if len(seeds) > holds:
            raise torch.cuda.OutOfMemoryError("injected")
        return original(self, embeddings, seeds)

    monkeypatch.setattr(Sampler, "_run", fault)
    with caplog.at_level("WARNING"):
        run(plan, model, tmp_path)
    assert sizes == [4, *[2] * 9]  # it is tried once, then remembered
    assert "going on with 2 images at once" in caplog.text
    difference = np.load(tmp_path / "shard_0.npy").astype(int) - np.load(whole["images"])
    assert np.abs(difference).max() <= 1
    with open(tmp_path / "metrics_0.csv", newline="") as file:
        assert next(csv.DictReader(file))["batch_size"] == "2"
    holds = 0
    with pytest.raises(InputError, match="does not hold a single picture"):
        run(plan, model, tmp_path / "none")


def test_jpeg_shards_make_a_store_of_files(plan: Path, model: Path, whole: dict[str, Path], tmp_path: Path) -> None:
    for shard in range(2):
        run(plan, model, tmp_path, 2, shard, encoding="jpeg")
    paths = gather(plan, tmp_path, tmp_path / "store", 2)
    opened = Store.open(paths["images"], paths["table"])
    assert opened.encoding == "jpeg"
    pictures = opened.read(np.arange(18)).astype(int)
    plain = Store.open(whole["images"]).read(np.arange(18))
    # Noise of 16 pixels is hard on JPEG; it must still be nearer to its own picture than to any other.
    distances = np.abs(pictures[:, None] - plain[None].astype(int)).mean(axis=(2, 3, 4))
    assert list(distances.argmin(axis=1)) == list(range(18))


def test_pictures_are_resized_as_the_store_does_it() -> None:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (2, 32, 32, 3), np.uint8)
    expected = np.asarray(Image.fromarray(pictures[1]).resize((8, 8), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resized(pictures, 8)[1], expected)


@pytest.mark.parametrize(("images", "batch_size", "shards"), [(18, 4, 3), (18, 4, 5), (100, 1, 7), (5, 8, 1)])
def test_shards_are_contiguous_and_begin_with_a_batch(images: int, batch_size: int, shards: int) -> None:
    ranges = [shard_range(images, shards, shard, batch_size) for shard in range(shards)]
    assert [number for one in ranges for number in one] == list(range(images))
    assert all(one.start % batch_size == 0 and len(one) for one in ranges)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((18, 3, 3, 4), "numbered from 0 to 2"), ((18, 6, 0, 4), "ask for fewer shards")],
)
def test_impossible_shards_are_named(arguments: tuple[int, ...], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        shard_range(*arguments)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scheduler": "eular"}, "scheduler 'eular' is unknown; did you mean euler?"),
        ({"precision": "float16"}, "precision 'float16' is unknown"),
        ({"image_size": 20}, "image_size 20 must be a multiple of 8"),
        ({"steps": 0}, "steps 0 must be at least 1"),
        ({"guided_part": 0.0}, "guided_part"),
        ({"guidence": 3}, "'guidence' is not one of its settings; did you mean 'guidance'?"),
    ],
)
def test_unusable_settings_are_named(changes: dict, expected: str) -> None:
    with pytest.raises(InputError) as error:
        Settings.read(SMALL | changes)
    assert expected in str(error.value)


def test_a_missing_folder_of_a_model_is_one_line(tmp_path: Path) -> None:
    settings = Settings.read(SMALL)
    with pytest.raises(InputError, match="does not exist"):
        load_pipeline(tmp_path / "nothing", settings, CPU)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no model_index"):
        load_pipeline(tmp_path / "empty", settings, CPU)
    (tmp_path / "empty" / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    with pytest.raises(InputError, match="not a complete diffusion model"):
        load_pipeline(tmp_path / "empty", settings, CPU)


def test_training_is_a_function_of_its_seed(store: dict[str, Path], model: Path, tmp_path: Path) -> None:
    again = train(store, tmp_path / "again", learning_rate=0.5)
    other = train(store, tmp_path / "other", learning_rate=0.5, seed=1)
    files = sorted(path.relative_to(model) for path in model.rglob("*") if path.is_file())
    assert Path("model_index.json") in files
    assert [path for path in files if (again / path).read_bytes() != (model / path).read_bytes()] == []
    weights = Path("unet/diffusion_pytorch_model.safetensors")
    assert (other / weights).read_bytes() != (model / weights).read_bytes()


@pytest.mark.parametrize("saves", [1, 2, 3])
def test_a_training_that_is_interrupted_ends_with_the_same_weights(
    saves: int, store: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after its first, second and third state: in the autoencoder, between the stages, in the second."""
    monkeypatch.setattr(train_diffusion, "STEPS_PER_RECORD", 1)
    expected = train(store, tmp_path / "undisturbed")
    save, count = train_diffusion.TrainingState.save, 0

    def interrupted(self: TrainingState, values: dict) -> None:
        nonlocal count
        save(self, values)
        count += 1
        if count == saves:
            raise KeyboardInterrupt

    monkeypatch.setattr(train_diffusion.TrainingState, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(store, tmp_path / "resumed")
    assert not (tmp_path / "resumed" / "model").exists()
    again = train(store, tmp_path / "resumed")
    assert count == 4  # two steps of each stage, none done twice
    for path in expected.rglob("*.safetensors"):
        assert path.read_bytes() == (again / path.relative_to(expected)).read_bytes(), path
    assert not (tmp_path / "resumed" / "s").exists()


def test_the_principal_code_is_that_of_scikit_learn() -> None:
    x = torch.randn(20, 3, 8, 8, generator=torch.Generator().manual_seed(0)).cumsum(dim=2).cumsum(dim=3)
    code = PrincipalCode.fit(x, side=4, components=3).of(x)
    assert code.shape == (20, 3, 2, 2)
    values = x.reshape(20, 3, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(80, 48).double()
    expected = PCA(3, whiten=True).fit_transform(values.numpy())
    ours = code.permute(0, 2, 3, 1).reshape(80, 3).flip(1).numpy()  # the largest component comes last
    same = np.abs(np.corrcoef(ours.T, expected.T)[:3, 3:])
    np.testing.assert_allclose(same, np.eye(3), atol=1e-3)
    np.testing.assert_allclose(ours.std(axis=0), 1, atol=1e-3)


def test_every_word_of_the_captions_is_one_token() -> None:
    captions = captions_of(list(class_names()))  # of all 1000 classes
    tokenizer = make_tokenizer(captions, 40)
    assert tokenizer.tokenize("A photo of the  Golden Retriever.") == [
        word + "</w>" for word in ("a", "photo", "of", "the", "golden", "retriever", ".")
    ]
    for some in captions:
        text = some[3]
        words = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text.lower())
        assert len(tokenizer.tokenize(text)) == len(words), text
    tokens = caption_tokens(captions[:2], tokenizer)
    assert tokens.shape == (3, 80, 40)
    assert tokens.max() == len(tokenizer) - 1 == tokenizer.eos_token_id
    assert (tokens[..., 0] == tokenizer.bos_token_id).all()
    assert (tokens[2, :, 1:] == tokenizer.eos_token_id).all()
    assert tokenizer.decode(tokenizer("zygote").input_ids, skip_special_tokens=True) == "zygote"


def recognise(store: dict[str, Path], out: Path, favourite: int, labels: str) -> tuple[dict, list[dict]]:
    """Return both tables for a network that sees the class with the label `favourite` everywhere."""
    spec = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
    network = build(spec, 3)
    torch.nn.init.zeros_(network.fc.weight)
    network.fc.bias.data = torch.eye(3)[favourite]
    save_weights(out / "weights", network, {})
    (out / "labels.csv").write_text("label,class_id,class_name\n" + labels)
    recipe = {"steps": 1, "batch_size": 4, "learning_rate": 0.1, "image_size": 16, "augmentation": {"crop": "shift"}}
    recognise_generated(
        images=store["images"], table=store["table"], weights=out / "weights", classes=out / "labels.csv",
        recognition=out / "r.csv", per_class=out / "p.csv", architecture=spec, recipe=recipe,
    )  # fmt: skip
    with open(out / "r.csv", newline="") as one, open(out / "p.csv", newline="") as other:
        return next(csv.DictReader(one)), list(csv.DictReader(other))


def test_a_network_that_sees_one_class_everywhere_is_at_chance(whole: dict[str, Path], tmp_path: Path) -> None:
    labels = "".join(f"{label},{wnid},x\n" for label, wnid in enumerate(reversed(WNIDS)))
    line, rows = recognise(whole, tmp_path, 2, labels)
    assert (line["images"], line["classes"], line["top5"]) == ("18", "3", "1.0")
    assert float(line["top1"]) == pytest.approx(1 / 3)
    assert float(line["times_chance"]) == pytest.approx(1)
    assert [(row["class_id"], float(row["top1"])) for row in rows] == [(w, float(w == WNIDS[0])) for w in WNIDS[::-1]]


def test_recognition_goes_on_in_batches_that_a_small_card_holds(
    whole: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = "".join(f"{label},{wnid},x\n" for label, wnid in enumerate(WNIDS))
    expected = recognise(whole, tmp_path, 1, labels)
    framed, holds = Preparation.for_evaluation, 5

    def small_card(self: Preparation, images: torch.Tensor) -> torch.Tensor:
        if len(images) > holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return framed(self, images)

    monkeypatch.setattr(Preparation, "for_evaluation", small_card)
    assert recognise(whole, tmp_path, 1, labels) == expected
    holds = 0
    with pytest.raises(InputError, match="one image of 16 pixels"):
        recognise(whole, tmp_path, 1, labels)


def test_superclasses_cannot_be_recognised(whole: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not single classes"):
        recognise(whole, tmp_path, 0, "".join(f"0,{wnid},x\n" for wnid in WNIDS))
