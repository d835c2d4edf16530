"""WILDS data sets: small ones in the real layouts, opened by the wilds package and by our readers."""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import wilds
from PIL import Image
from wilds.common.metrics import all_metrics
from wilds.datasets.wilds_dataset import WILDSDataset

from miniature.formats.domainnet_archive import draw as draw_domainnet
from miniature.formats.iwildcam_archive import draw as draw_iwildcam
from pretraining_robustness.acquire.archives import unpack
from pretraining_robustness.acquire.wilds_datasets import WILDS, release_file, wilds_folder
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.readers import open_collection
from pretraining_robustness.store.readers.wilds import WildsImages
from pretraining_robustness.tasks.splits import read_split

SIDE = 32
PAIR = {"id_domain": "real", "ood_domain": "sketch"}
CHOICES: dict[str, dict[str, str]] = {name: PAIR if name == "domainnet" else {} for name in WILDS}


def write_image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_fmow(folder: Path) -> None:
    """Rows of every split, of none (training images of 2013 and later) and of the sequestered set."""
    rows = []
    for split, years in {"train": (2003, 2012, 2013), "val": (2002, 2013, 2015), "test": (2002, 2016, 2017)}.items():
        for year in (*years, *years):
            place = ("FRA", "KEN", "IND", "XYZ")[len(rows) % 4]  # XYZ: a code that the table of countries lacks
            category = ("zoo", "airport", "multi-unit_residential")[len(rows) % 3]
            rows.append(
                {"split": split, "category": category, "country_code": place, "timestamp": f"{year}-05-06T12:00:00Z"}
            )
        rows.append({"split": "seq", "category": "dam", "country_code": "FRA", "timestamp": "2010-01-01T00:00:00Z"})
    pd.DataFrame(rows).to_csv(folder / "rgb_metadata.csv", index=False)
    countries = "name,alpha-3,region\nFrance,FRA,Europe\nKenya,KEN,Africa\nIndia,IND,Asia\n"
    (folder / "country_code_mapping.csv").write_text(countries)
    for number in range(len(rows)):
        write_image(folder / "images" / f"rgb_img_{number}.png", number)


def write_camelyon17(folder: Path) -> None:
    """Five hospitals of two slides each; patients' numbers have leading zeros."""
    rows = []
    for centre in range(5):
        for slide in (2 * centre, 2 * centre + 1):
            for number in range(6):
                patient, node, x, y = f"{4 + 20 * centre:03}", slide % 2, 100 * number, 7
                split = int(number == 5)  # the package finds out of distribution what lies in hospitals 1 and 2
                tumour = (number + slide) % 2
                rows.append(
                    {"patient": patient, "node": node, "x_coord": x, "y_coord": y, "tumor": tumour, "slide": slide}
                    | {"center": centre, "split": split}
                )
                name = f"patient_{patient}_node_{node}"
                write_image(folder / "patches" / name / f"patch_{name}_x_{x}_y_{y}.png", len(rows))
    pd.DataFrame(rows).to_csv(folder / "metadata.csv")


def write_rxrx1(folder: Path) -> None:
    """Four experiments with cells of two types, three siRNAs in each, two sites a well."""
    rows = []
    experiments = {"HEPG2-01": "train", "U2OS-01": "train", "HEPG2-08": "val", "U2OS-04": "test"}
    for experiment, part in experiments.items():
        for sirna, well in enumerate(("B02", "B03", "C04")):
            for site in (1, 2):
                rows.append(
                    {"site_id": f"{experiment}_1_{well}_{site}", "cell_type": experiment[:-3], "dataset": part}
                    | {"experiment": experiment, "plate": 1, "well": well, "site": site}
                    | {"well_type": "treatment", "sirna": f"s{sirna}", "sirna_id": sirna}
                )
                write_image(folder / "images" / experiment / "Plate1" / f"{well}_s{site}.png", len(rows))
    pd.DataFrame(rows).to_csv(folder / "metadata.csv", index=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all data sets, unpacked."""
    root = tmp_path_factory.mktemp("wilds")
    for name, write in {"fmow": write_fmow, "camelyon17": write_camelyon17, "rxrx1": write_rxrx1}.items():
        (root / wilds_folder(name)).mkdir()
        (root / wilds_folder(name) / release_file(name)).touch()
        write(root / wilds_folder(name))
    draw_iwildcam([root / "iwildcam.tar.gz"], 6, 600, 16, SIDE, seed=0)
    draw_domainnet([root / "domainnet.tar.gz"], 3, 201, SIDE, seed=0, domains=[*PAIR.values(), "clipart"])
    for name in ("iwildcam", "domainnet"):
        unpack(root / f"{name}.tar.gz", root / wilds_folder(name), expected=[release_file(name)])
    return root


def the_package_s(root: Path, name: str) -> WILDSDataset:
    """Open a data set as anyone does, but for RxRx1: wilds 2.0.0 writes to columns, which pandas 3 forbids."""
    choice = {"source_domain": "real", "target_domain": "sketch"} if name == "domainnet" else {}
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        if name == "rxrx1":
            patch.setattr(pd.Series, "values", property(lambda series: np.array(series.array)))
        return wilds.get_dataset(name, root_dir=str(root), download=False, **choice)


@pytest.fixture(scope="module", params=list(WILDS))
def opened(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A data set as the package has it, our reader of it, and the store."""
    name, store = request.param, tmp_path_factory.mktemp("store")
    reader = WildsImages(root / wilds_folder(name) / release_file(name), name, **CHOICES[name])
    build_store(
        reader,
        format="wilds",
        images=store / "images.npy",
        table=store / "images.parquet",
        classes=store / "classes.csv",
        undecodable=store / "undecodable.csv",
        duplicates=store / "duplicates.csv",
        summary=store / "summary.json",
        state=store / "state",
        size=SIDE,
        fit="stretch",
    )
    return SimpleNamespace(name=name, theirs=the_package_s(root, name), reader=reader, store=store)


def meanings(dataset: WILDSDataset, field: str, numbers: torch.Tensor) -> list[Any]:
    values = numbers[:, dataset.metadata_fields.index(field)].tolist()
    known = (dataset.metadata_map or {}).get(field)
    return values if known is None else [known[value] for value in values]


def test_every_split_has_the_package_s_images_labels_and_groups(opened: SimpleNamespace) -> None:
    stored = np.load(opened.store / "images.npy")
    table = pd.read_parquet(opened.store / "images.parquet")
    assert set(table["split"]) == set(opened.theirs.split_dict)
    assert len(table) == sum(len(opened.theirs.get_subset(split)) for split in opened.theirs.split_dict)
    for split in opened.theirs.split_dict:
        subset = opened.theirs.get_subset(split)
        rows, labels = read_split(opened.store / "images.parquet", split)
        assert labels.tolist() == subset.y_array.tolist()
        for number, row in enumerate(rows):
            np.testing.assert_array_equal(stored[row], np.asarray(subset[number][0].convert("RGB")))
        for field in opened.theirs.metadata_fields:
            if field not in ("y", "from_source_domain"):
                assert table[field][rows].tolist() == meanings(opened.theirs, field, subset.metadata_array)


def test_labels_have_names(opened: SimpleNamespace) -> None:
    classes = pd.read_csv(opened.store / "classes.csv", dtype={"class_id": str})
    assert classes["class_id"].tolist() == [str(label) for label in range(opened.theirs.n_classes)]
    names = {
        "iwildcam": {0: "empty"},
        "fmow": {0: "airport", 1: "airport hangar", 30: "multi-unit residential", 61: "zoo"},
        "camelyon17": {0: "normal", 1: "tumour"},
        "rxrx1": {0: 0, 1: 1, 2: 2},
        "domainnet": {0: "aircraft carrier", 2: "alarm clock", 344: "zigzag"},
    }
    assert names[opened.name].items() <= classes["name"].to_dict().items()


@pytest.fixture
def torch_scatter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for torch_scatter, which the package needs for the accuracies of groups and does not install."""

    def scatter(src: torch.Tensor, index: torch.Tensor, dim_size: int, reduce: str) -> torch.Tensor:
        return torch.zeros(dim_size).scatter_reduce(0, index, src, reduce, include_self=False)

    monkeypatch.setitem(sys.modules, "torch_scatter", SimpleNamespace(scatter=scatter))


@pytest.mark.usefixtures("torch_scatter")
def test_the_table_says_what_the_package_s_eval_computes(opened: SimpleNamespace) -> None:
    table = pd.read_parquet(opened.store / "images.parquet")
    generator, compared = torch.Generator().manual_seed(0), 0
    for split in opened.theirs.split_dict:
        subset, groups = opened.theirs.get_subset(split), table[table["split"] == split]
        truth = subset.y_array
        right = torch.rand(len(truth), generator=generator) < 0.6
        predicted = torch.where(right, truth, truth.roll(1))
        expected, _ = opened.theirs.eval(predicted, truth, subset.metadata_array)
        for metric in WILDS[opened.name].metrics:
            computed = getattr(all_metrics, metric.name)(**metric.arguments).compute(predicted, truth)
            assert computed.items() <= expected.items()
        worst = {key: value for key, value in expected.items() if key.startswith(("acc_worst", "acc_wg"))}
        assert len(worst) == len(WILDS[opened.name].worst_of)
        for field, not_counted in WILDS[opened.name].worst_of.items():
            correct = pd.Series((predicted == truth).float().numpy(), index=groups.index)
            accuracies = correct.groupby(groups[field]).mean().drop(list(not_counted), errors="ignore")
            key = f"acc_worst_{field}" if f"acc_worst_{field}" in worst else "acc_wg"
            assert accuracies.min() == pytest.approx(worst[key])
            compared += 1
    assert compared == len(opened.theirs.split_dict) * len(WILDS[opened.name].worst_of)


def test_the_table_holds_the_package_s_versions_addresses_and_splits(opened: SimpleNamespace) -> None:
    known = WILDS[opened.name]
    assert known.version == opened.theirs.latest_version
    assert known.url == opened.theirs.versions_dict[known.version]["download_url"]
    assert set(known.splits) == set(opened.theirs.split_dict)
    if known.domains:
        assert list(known.domains) == list(opened.theirs.metadata_map["domain"])


def images_of(collection: Any) -> Iterator[dict[str, Any]]:
    for image in collection.images():
        yield {"image": image.image, "data": image.data, **image.attributes}


def test_our_reader_of_iwildcam_equals_the_package(root: Path) -> None:
    ours = pd.DataFrame(images_of(open_collection("iwildcam", root / wilds_folder("iwildcam"))))
    theirs = pd.DataFrame(images_of(WildsImages(root, "iwildcam")))
    for part in ("year", "month", "day", "hour", "minute", "second"):
        ours[part] = getattr(pd.to_datetime(ours["datetime"]).dt, part)
    assert len(ours) == 600
    pd.testing.assert_frame_equal(ours[theirs.columns], theirs, check_dtype=False)
    names = open_collection("iwildcam", root / wilds_folder("iwildcam")).classes()
    pd.testing.assert_frame_equal(names, WildsImages(root, "iwildcam").classes())


def test_our_reader_of_domainnet_equals_the_package(root: Path) -> None:
    ours = pd.DataFrame(images_of(open_collection("domainnet", root / wilds_folder("domainnet"))))
    theirs = pd.DataFrame(images_of(WildsImages(root, "domainnet", **PAIR)))
    splits = {
        ("real", "train"): "train",
        ("real", "test"): "id_test",
        ("sketch", "train"): "val",
        ("sketch", "test"): "test",
    }
    pair = pd.concat([ours[ours["domain"] == domain] for domain in PAIR.values()], ignore_index=True)
    pair["split"] = [splits[key] for key in zip(pair["domain"], pair["split"], strict=True)]
    assert 0 < len(pair) < len(ours)
    pd.testing.assert_frame_equal(pair[theirs.columns], theirs)


@pytest.fixture
def camelyon17(tmp_path: Path) -> Path:
    """A folder of its own, to be spoiled."""
    folder = tmp_path / "camelyon17_v1.0"
    folder.mkdir()
    (folder / "RELEASE_v1.0.txt").touch()
    write_camelyon17(folder)
    return folder


def test_another_version_is_named(camelyon17: Path) -> None:
    camelyon17.rename(camelyon17.with_name("camelyon17_v0.9"))
    with pytest.raises(
        InputError, match=r"camelyon17_v1\.0/RELEASE_v1\.0\.txt: .*\(there is camelyon17_v0\.9, another ver"
    ):
        WildsImages(camelyon17.parent, "camelyon17")
    with pytest.raises(
        InputError, match=r"nothing of it is there\): give the folder that holds camelyon17_v1\.0, unpacked"
    ):
        WildsImages(camelyon17.with_name("camelyon17_v0.9"), "camelyon17")


def test_a_missing_image_is_named(camelyon17: Path) -> None:
    reader = WildsImages(camelyon17.parent, "camelyon17")
    assert [image.image for image in reader.images(58)] == [image.image for image in reader.images()][58:]
    victim = next(camelyon17.rglob("*.png"))
    victim.unlink()
    for read in (reader.fingerprint, lambda: list(reader.images())):
        with pytest.raises(InputError, match=rf"{victim.name}: no such file.*unpack camelyon17_v1\.0 again"):
            read()


def test_a_folder_that_the_package_cannot_open_is_named(camelyon17: Path) -> None:
    (camelyon17 / "metadata.csv").write_text(",patient,node\n0,004,1\n")
    with pytest.raises(
        InputError, match=r"camelyon17_v1\.0: the wilds package cannot open it \(KeyError: .*unpack it again"
    ):
        WildsImages(camelyon17.parent, "camelyon17")


def test_a_changed_folder_is_noticed(camelyon17: Path) -> None:
    before = WildsImages(camelyon17.parent, "camelyon17").fingerprint()
    write_image(next(camelyon17.rglob("*.png")), 99)
    (camelyon17 / "metadata.csv").touch()
    after = WildsImages(camelyon17.parent, "camelyon17").fingerprint()
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2
