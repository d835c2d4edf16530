"""Predictions are those of plain torch, scores those of sklearn, and files that do not belong together are named."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics import f1_score

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate import predict as predicting
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.evaluate.predict import predict
from pretraining_robustness.evaluate.predictions import Checkpoint, read_predictions
from pretraining_robustness.evaluate.score import score
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.store.read import JpegPictures
from pretraining_robustness.tasks.test_sets import read_test_set
from pretraining_robustness.training import batches, inference

ARCHITECTURE = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {"epochs": 3, "batch_size": 32, "learning_rate": 0.01, "image_size": 16}
CLASSES = 6
TEST_SETS = [
    {"name": "id_test", "store": "cameras", "split": "id_test", "classes": None},
    {"name": "test", "store": "cameras", "split": "test", "classes": None},
]
INTERVALS = {"confidence": 0.9, "resamples": 200, "seed": 0}


def store(folder, count, splits, labels, **columns):
    folder.mkdir()
    random = np.random.default_rng(count)
    np.save(folder / "images.npy", random.integers(0, 256, (count, 16, 16, 3), np.uint8))
    table = {
        "row": np.arange(count),
        "image": [f"{n}.jpg" for n in range(count)],
        "class_id": [f"c{n}" for n in labels],
    }
    pd.DataFrame(table | {"y": labels, "split": splits} | columns).to_parquet(folder / "images.parquet", index=False)
    return folder / "images.npy", folder / "images.parquet"


@pytest.fixture
def series(tmp_path):
    """Two networks of three checkpoints with random weights, and a task of 6 classes of which test splits lack some."""
    random = np.random.default_rng(0)
    splits = random.permutation(["train"] * 100 + ["id_test"] * 250 + ["test"] * 300 + ["val"] * 50)
    labels = np.where(splits == "train", np.arange(700) % CLASSES, random.integers(0, 4, 700))
    files = store(tmp_path / "cameras", 700, splits, labels, camera=random.integers(0, 12, 700))
    paths = []
    for seed in (3, 4):
        for epoch in (1, 10, 2):  # as a sorted listing has them
            torch.manual_seed(100 * seed + epoch)
            paths.append(tmp_path / f"seed_{seed}_epoch_{epoch}")
            save_weights(paths[-1], build(ARCHITECTURE, CLASSES), {"epoch": epoch})
    return {
        "stores": {"cameras": files},
        "test_sets": TEST_SETS,
        "networks": [
            {"name": "resnet10", "seed": seed, "architecture": ARCHITECTURE, "recipe": RECIPE} for seed in (3, 4)
        ],
        "checkpoints": paths,
        "predictions": tmp_path / "predictions.parquet",
    }


def scored(series, tmp_path, **changes):
    options = {
        "predictions": series["predictions"],
        "tables": {name: table for name, (_, table) in series["stores"].items()},
        **{"task": "cameras", "method": "full", "distribution": "some", "scores": tmp_path / "scores.csv"},
        "left_out": tmp_path / "left_out.parquet",
        "test_sets": [{**one, "groups": "camera", "clusters": "camera"} for one in series["test_sets"]],
        "metrics": list(METRICS),
        **INTERVALS,
    }
    score(**(options | changes))
    return pd.read_csv(tmp_path / "scores.csv")


def expected_scores(images, rows, epoch, seed=3):
    pixels = torch.from_numpy(np.load(images)[rows]).permute(0, 3, 1, 2) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    torch.manual_seed(100 * seed + epoch)
    with torch.no_grad():
        return build(ARCHITECTURE, CLASSES).eval()((pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)).numpy()


def test_predictions_are_plain_torchs_and_scores_sklearns(series, tmp_path):
    predict(**series)
    found = pd.read_parquet(series["predictions"])
    columns = [Checkpoint("resnet10", seed, epoch).column() for seed in (3, 4) for epoch in (1, 2, 10)]
    assert list(found) == ["test_set", "row", *columns]
    assert found["test_set"].value_counts().to_dict() == {"test": 300, "id_test": 250}
    assert {str(found[column].dtype) for column in columns} == {"int16"}
    scores = scored(series, tmp_path)
    assert len(scores) == 6 * 2 * 3
    worst = scores["metric"] == "worst_group_accuracy"
    assert (scores.loc[~worst, "low"] <= scores.loc[~worst, "high"]).all()
    assert scores.loc[worst, ["low", "high"]].isna().all(axis=None)  # the groups are the clusters: they cannot vary
    left_out = pd.read_parquet(tmp_path / "left_out.parquet")
    assert left_out["metric"].value_counts().to_dict() == {"accuracy": 12, "macro_f1": 12}
    assert set(left_out["without"].map(len)) == {12}
    table = pd.read_parquet(series["stores"]["cameras"][1])
    for (seed, epoch, test_set), rows in scores.groupby(["seed", "epoch", "test_set"]):
        part = found[found["test_set"] == test_set]
        answer = expected_scores(series["stores"]["cameras"][0], part["row"], epoch, seed).argmax(1)
        predicted = part[f"resnet10/seed_{seed}/epoch_{epoch}"].to_numpy()
        assert np.mean(predicted == answer) > 0.995  # ties within rounding
        truth = table.loc[part["row"], "y"].to_numpy()
        f1 = f1_score(truth, predicted, average="macro", labels=np.unique(truth), zero_division=0)
        by_metric = rows.set_index("metric")["score"]
        assert by_metric["macro_f1"] == pytest.approx(f1, abs=1e-12)
        assert by_metric["accuracy"] == pytest.approx((truth == predicted).mean(), abs=1e-6)
        hits = pd.Series(truth == predicted).groupby(table.loc[part["row"], "camera"].to_numpy()).mean()
        assert by_metric["worst_group_accuracy"] == pytest.approx(hits.min(), abs=1e-6)


def test_confidence_and_margin_stand_beside_the_same_classes(series, tmp_path):
    predict(**series)
    classes = pd.read_parquet(series["predictions"])
    sets = [read_test_set({**one, "own": True}, series["stores"]["cameras"][1], {}) for one in TEST_SETS]
    with pytest.raises(InputError, match=r"predictions\.parquet: no confidence .*predictions\.kept"):
        read_predictions(series["predictions"], sets, "confidence")
    before = tmp_path / "before.parquet"
    predict(**(series | {"predictions": before, "kept": ["confidence", "margin"], "test_sets": TEST_SETS[1:]}))
    predict(**(series | {"before": before, "kept": ["confidence", "margin"]}))
    found = pd.read_parquet(series["predictions"])
    pd.testing.assert_frame_equal(found[list(classes)], classes)
    assert list(found)[len(classes.columns) :] == [
        f"{column}/{kept}" for kept in ("confidence", "margin") for column in list(classes)[2:]
    ]
    logits = np.sort(expected_scores(series["stores"]["cameras"][0], found["row"], 10, 4).astype(np.float64))
    probability = 1 / np.exp(logits - logits[:, -1:]).sum(1)
    column = "resnet10/seed_4/epoch_10"
    assert found[f"{column}/confidence"].dtype == np.float16
    np.testing.assert_allclose(found[f"{column}/confidence"], probability, rtol=1e-3)
    np.testing.assert_allclose(found[f"{column}/margin"], logits[:, -1] - logits[:, -2], rtol=2e-3, atol=1e-4)
    answers, surer = (read_predictions(series["predictions"], sets, kept) for kept in (None, "confidence"))
    assert list(answers) == list(surer)
    part = (found["test_set"] == "test").to_numpy()
    assert surer[Checkpoint("resnet10", 4, 10)]["test"].tolist() == found.loc[part, f"{column}/confidence"].tolist()


def test_scoring_needs_no_images_and_no_groups(series, tmp_path):
    predict(**series)
    series["stores"]["cameras"][0].unlink()
    plain = [{**one, "groups": None, "clusters": None} for one in TEST_SETS]
    scores = scored(series, tmp_path, test_sets=plain)
    assert set(scores["metric"]) == {"macro_f1", "accuracy"}
    assert ((scores["low"] <= scores["score"]) & (scores["score"] <= scores["high"])).mean() > 0.8


def test_values_that_are_no_group_do_not_count_as_the_worst(series, tmp_path):
    predict(**series)
    spec = {**TEST_SETS[1], "groups": "camera", "clusters": None}
    whole = scored(series, tmp_path, test_sets=[{**spec, "groups_left_out": []}])
    left_out = [{**spec, "groups_left_out": [str(camera) for camera in range(1, 12)]}]
    scores = scored(series, tmp_path, test_sets=left_out).set_index(["metric", "seed", "epoch"])["score"]
    found = pd.read_parquet(series["predictions"]).query("test_set == 'test'")
    table = pd.read_parquet(series["stores"]["cameras"][1]).loc[found["row"]]
    own = (found["resnet10/seed_3/epoch_1"].to_numpy() == table["y"])[table["camera"] == 0]
    assert scores["worst_group_accuracy", 3, 1] == pytest.approx(own.mean(), abs=1e-6)
    assert (
        whole.set_index(["metric", "seed", "epoch"])["score"]["worst_group_accuracy"]
        .le(scores["worst_group_accuracy"])
        .all()
    )


def test_streaming_changes_no_prediction(series, monkeypatch):
    predict(**series)
    resident = pd.read_parquet(series["predictions"])
    monkeypatch.setattr(batches, "RESIDENT_FRACTION", 0.0)
    predict(**series)
    pd.testing.assert_frame_equal(pd.read_parquet(series["predictions"]), resident)


@pytest.mark.parametrize("held", [1.0, 0.0])
def test_a_job_decodes_an_image_once_for_all_networks(series, tmp_path, monkeypatch, held):
    """Or once per group of networks whose checkpoints fit into memory; the bytes are those of jobs of one series."""
    images, table = series["stores"]["cameras"]
    files = []
    for pixels in np.load(images):
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "jpeg")
        files.append(np.frombuffer(encoded.getvalue(), np.uint8))
    lengths = [len(file) for file in files]
    places = {"offset": np.cumsum([0, *lengths[:-1]]), "length": lengths}
    np.save(images, np.concatenate(files))
    pd.read_parquet(table).assign(**places).to_parquet(table, index=False)
    series["stores"] = {"cameras": [str(images), str(table)]}
    merged = {"groups": 2, "networks": series["networks"][:1], "checkpoints": series["checkpoints"][:3]}
    alone = [series, series | merged]
    for number, one in enumerate(alone):
        predict(**(one | {"predictions": tmp_path / f"alone_{number}"}))
    decoded = []
    whole = JpegPictures.read_into
    monkeypatch.setattr(
        JpegPictures, "read_into", lambda self, rows, out: (decoded.extend(rows), whole(self, rows, out))[1]
    )
    monkeypatch.setattr(batches, "RESIDENT_FRACTION", 0.0)
    monkeypatch.setattr(predicting, "CHECKPOINTS_FRACTION", held)
    parts = [
        {
            "inputs": {"stores": one["stores"], "checkpoints": list(map(str, one["checkpoints"]))},
            "outputs": {"predictions": str(tmp_path / f"together_{number}")},
            "settings": {key: one[key] for key in ("test_sets", "networks", "groups") if key in one},
            "state": str(tmp_path / "unfinished"),
        }
        for number, one in enumerate(alone)
    ]
    predicting.predict_parts(parts, "code")
    passes = (1 if held else 3) + 2  # what is merged per image takes two of its own
    assert len(decoded) == passes * 550
    for number in (0, 1):
        assert (tmp_path / f"together_{number}").read_bytes() == (tmp_path / f"alone_{number}").read_bytes()


def test_a_batch_that_the_memory_does_not_hold_is_halved(series, monkeypatch):
    predict(**series)
    whole = pd.read_parquet(series["predictions"])
    functional_call, holds = inference.functional_call, 40

    def small_card(model, state, images):
        if len(images[0]) > holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return functional_call(model, state, images)

    monkeypatch.setattr(inference, "functional_call", small_card)
    predict(**series)
    pd.testing.assert_frame_equal(pd.read_parquet(series["predictions"]), whole)
    holds = 0
    with pytest.raises(InputError, match=r"6 checkpoints and one image .*resources\.evaluate"):
        predict(**series)


def test_what_was_predicted_before_fine_tuning_is_taken_from_there(series, tmp_path):
    """Of the test sets of a table made by another network at epoch 0; of others the network itself is asked."""
    one = series | {"networks": series["networks"][:1]}
    for name, seed in (("own", 5), ("other", 6)):
        torch.manual_seed(seed)
        save_weights(tmp_path / name, build(ARCHITECTURE, CLASSES), {"epoch": 0})
    predict(**(one | {"checkpoints": [tmp_path / "own", series["checkpoints"][0]]}))
    alone = pd.read_parquet(series["predictions"])
    before = tmp_path / "before.parquet"
    predict(**(one | {"checkpoints": [tmp_path / "other"], "test_sets": TEST_SETS[1:], "predictions": before}))
    predict(**(one | {"checkpoints": [tmp_path / "own", series["checkpoints"][0]], "before": before}))
    found, start = pd.read_parquet(series["predictions"]), "resnet10/seed_3/epoch_0"
    is_known = found["test_set"] == "test"
    assert found.loc[is_known, start].tolist() == pd.read_parquet(before)[start].tolist()
    assert found.loc[is_known, start].tolist() != alone.loc[is_known, start].tolist()
    pd.testing.assert_frame_equal(found.assign(**{start: alone[start]}), alone)
    assert found.loc[~is_known, start].tolist() == alone.loc[~is_known, start].tolist()


def test_scores_are_compared_in_float32_whatever_the_recipe(series):
    predict(**series)
    float32 = pd.read_parquet(series["predictions"])
    networks = [{**one, "recipe": RECIPE | {"precision": "bfloat16"}} for one in series["networks"]]
    predict(**(series | {"networks": networks}))
    pd.testing.assert_frame_equal(pd.read_parquet(series["predictions"]), float32)


def test_a_test_set_of_another_store_with_a_class_mask(series, tmp_path):
    """Its images are matched by class_id, and only the classes of the mask are answered."""
    other = store(tmp_path / "sketches", 60, ["all"] * 60, [3, 1] * 30)
    table = pd.read_parquet(other[1]).drop(columns=["y", "split"])
    table.to_parquet(other[1], index=False)
    mask = tmp_path / "mask.csv"
    mask.write_text("class_id\nc1\nc3\nc5\n")
    masked = {"name": "sketches", "store": "sketches", "split": "all", "classes": str(mask)}
    changed = series | {
        "stores": {**series["stores"], "sketches": other},
        "test_sets": [*TEST_SETS, masked],
    }
    predict(**changed)
    part = pd.read_parquet(series["predictions"]).query("test_set == 'sketches'")
    answer = expected_scores(other[0], part["row"], 2)[:, [1, 3, 5]].argmax(1)
    assert (part["resnet10/seed_3/epoch_2"] == np.array([1, 3, 5])[answer]).mean() > 0.98
    plain = [{**one, "groups": None, "clusters": None} for one in changed["test_sets"]]
    scores = scored(changed, tmp_path, test_sets=plain).query("test_set == 'sketches' and epoch == 2 and seed == 3")
    truth = np.array([3, 1] * 30)[part["row"]]
    hits = (part["resnet10/seed_3/epoch_2"] == truth).mean()
    assert scores.set_index("metric").at["accuracy", "score"] == pytest.approx(hits)

    for text, words in [
        ("class_id\nc1\nc3\nc77\n", r"class 'c77' is not among the network's 6 classes"),
        ("class_id\nc1\n", "leaves out its class 'c3'"),
        ("name\nc1\n", "no column class_id"),
    ]:
        mask.write_text(text)
        with pytest.raises(InputError, match=words):
            predict(**changed)
    table.assign(class_id="cat").to_parquet(other[1], index=False)
    with pytest.raises(InputError, match="the task has no class 'cat' of the test set sketches"):
        predict(**changed)


def test_a_broken_checkpoint_and_one_of_another_network_are_named(series):
    path = series["checkpoints"][1]
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    with pytest.raises(InputError, match="epoch_10: not a readable checkpoint"):
        predict(**series)
    save_weights(path, build(ARCHITECTURE, CLASSES + 1), {"epoch": 1})
    with pytest.raises(InputError, match="epoch_10: not a checkpoint of this architecture and task"):
        predict(**series)
    assert not series["predictions"].exists()


def test_a_split_without_images_and_predictions_of_other_images_are_named(series, tmp_path):
    lacking = [{**TEST_SETS[0], "split": "ood"}]
    with pytest.raises(InputError, match=r"no image has split 'ood'.*\(there are: id_test, test, train, val\)"):
        predict(**(series | {"test_sets": lacking}))
    predict(**series)
    table = pd.read_parquet(series["stores"]["cameras"][1])
    table.assign(image="other" + table["image"]).to_parquet(series["stores"]["cameras"][1], index=False)
    with pytest.raises(InputError, match=r"predictions of the test set id_test are of other images"):
        scored(series, tmp_path)
    with pytest.raises(InputError, match="no column 'place' for the test set id_test"):
        scored(series, tmp_path, test_sets=[{**TEST_SETS[0], "groups": "place", "clusters": None}])
