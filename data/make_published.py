"""Write published/*.csv: scores that others published, each network with what it was pre-trained on.

    PYTHONPATH=workflow_scripts python data/make_published.py FOLDER

FOLDER holds timm's tables results-*.csv (as results-*.csv or timm_results-*.csv) and open_clip's openclip_results.csv;
data/published/README.md names the commits. What a network was pre-trained on is read off its name's tag by `TIMM` and
`OPEN_CLIP`; a tag that neither knows is refused. One row per network; columns are those of a table of published numbers
(model, id_percent, ood_percent, group) and pretrained_on, images, objective.
"""

import argparse
import re
from pathlib import Path

import pandas as pd

from pretraining_robustness.files import write_rows

LABELS, TEXT, MASKED, WEAK = "labels", "image-text pairs", "masked images", "hashtags"
IN1K, IN12K, IN21K = ("ImageNet-1k", 1_281_167), ("ImageNet-12k", 12_100_000), ("ImageNet-21k", 14_197_122)

# The first pattern that is in a timm tag names the data set that the network saw before ImageNet-1k, its number of
# images (None where its paper gives none), the objective there, and the series that it is shown in. Sizes: Russakovsky
# et al. 2015; Ridnik et al. 2021; timm's own description of in12k; Yalniz et al. 2019 (940 and 90 million); Singh et
# al. 2022 (3.6 billion); Goyal et al. 2021 (1 billion); Xie et al. 2020; Radford et al. 2021; Schuhmann et al. 2022;
# Zhai et al. 2023; Fang et al. 2023 (30 and 38 million).
TIMM = [
    (r"laion2b", "LAION-2B", 2_320_000_000, TEXT, "Image-text pairs"),
    (r"laiona", "LAION-Aesthetic", 900_000_000, TEXT, "Image-text pairs"),
    (r"openai", "OpenAI's pairs", 400_000_000, TEXT, "Image-text pairs"),
    (r"webli", "WebLI", 10_000_000_000, TEXT, "Image-text pairs"),
    (r"^clip_ft_in1k", "LAION-400M", 407_000_000, TEXT, "Image-text pairs"),  # EVA-CLIP's image tower
    (r"m30m", "Merged-30M", 30_000_000, MASKED, "Other"),
    (r"m38m", "Merged-38M", 38_000_000, MASKED, "Other"),
    (r"ns_jft", "JFT-300M", 300_000_000, "pseudo-labels", "JFT-300M or YFCC-100M"),
    (r"ssl_yfcc100m", "YFCC-100M", 90_000_000, "pseudo-labels", "JFT-300M or YFCC-100M"),
    (r"(swsl|wsl)_ig1b", "IG-1B", 940_000_000, WEAK, "Instagram"),
    (r"swag", "IG-3.6B", 3_600_000_000, WEAK, "Instagram"),
    (r"seer", "IG-1B, no labels", 1_000_000_000, "clusters", "Instagram"),
    (r"ssld", "ImageNet-1k and parts of ImageNet-21k", None, "distillation", "Other"),
    (r"mim_in22k|indomain_in22k|selfsl", *IN21K, MASKED, "ImageNet-21k or -12k"),
    (r"dist_in22k", *IN21K, "distillation", "ImageNet-21k or -12k"),
    (r"in12k", *IN12K, LABELS, "ImageNet-21k or -12k"),
    (r"in2[12]k", *IN21K, LABELS, "ImageNet-21k or -12k"),
    (r"(mae|fcmae)", *IN1K, MASKED, "ImageNet-1k"),
    (r"(dist|distilled|teacher|usi)_", *IN1K, "labels and distillation", "ImageNet-1k"),
    (r"in1k", *IN1K, LABELS, "ImageNet-1k"),
]
# open_clip's tags; pools of DataComp (Gadre et al. 2023) after filtering have no stated size here.
OPEN_CLIP = [
    (r"^openai$", "OpenAI's pairs", 400_000_000),
    (r"^(metaclip_400m)$", "MetaCLIP-400M", 400_000_000),
    (r"^metaclip_fullcc$", "MetaCLIP, all of CC", 2_500_000_000),
    (r"^laion400m", "LAION-400M", 407_000_000),
    (r"^laion2b", "LAION-2B", 2_320_000_000),
    (r"^(frozen_)?laion5b", "LAION-5B", 5_850_000_000),
    (r"^laion_aesthetic", "LAION-Aesthetic", 900_000_000),
    (r"^merged2b", "LAION-2B and COYO", 2_000_000_000),
    (r"^datacomp1b|^datacomp_xl|^datacomp_s34b", "DataComp-1B", 1_400_000_000),
    (r"^datacomp_l_", "DataComp, large", 140_000_000),
    (r"^datacomp_m_", "DataComp, medium", 14_000_000),
    (r"^datacomp_s_", "DataComp, small", 1_400_000),
    (r"^commonpool_l_s1b", "CommonPool, large, unfiltered", 1_280_000_000),
    (r"^commonpool_m_s128m", "CommonPool, medium, unfiltered", 128_000_000),
    (r"^commonpool_s_s13m", "CommonPool, small, unfiltered", 12_800_000),
    (r"^commonpool_(s|m|l|xl)_", "CommonPool, filtered", None),
    (r"^dfn5b$", "DFN-5B", 5_000_000_000),
    (r"^dfn2b$", "DFN-2B", 2_000_000_000),
    (r"^webli$", "WebLI", 10_000_000_000),
    (r"^yfcc15m$", "YFCC-15M", 15_000_000),
    (r"^cc12m$", "CC-12M", 12_000_000),
]
PASSED_OVER = r"^mscoco_finetuned|^v1$"  # fine-tuned on captions; text towers of many languages (NLLB)
CLIP = "CLIP, zero-shot"

SHIFTS = {  # table: timm's file of it, of the same classes of ImageNet's validation images, and open_clip's column
    "imagenet_v2": ("imagenetv2-matched-frequency", "imagenet", "ImageNet v2"),
    "imagenet_sketch": ("sketch", "imagenet", "ImageNet Sketch"),
    "imagenet_r": ("imagenet-r", "imagenet-r-clean", None),
    "imagenet_a": ("imagenet-a", "imagenet-a-clean", None),
}


def write_published(folder: Path, to: Path) -> None:
    """Write the tables described above from the downloaded ones."""
    clip = _clip(folder / "openclip_results.csv")
    for table, (shifted, base, column) in SHIFTS.items():
        parts = [_timm(folder, base, shifted)]
        if column is not None:
            parts.append(_rows(clip, "ImageNet 1k", column).assign(group=CLIP))
        _write(to / f"{table}.csv", pd.concat(parts))
    series = clip["pretrained_on"].str.replace(r"^CommonPool.*|^DataComp.*", "DataComp's pools", regex=True)
    series = series.where(~series.str.match("LAION"), "LAION")
    series = series.where(series.isin(["DataComp's pools", "LAION", "OpenAI's pairs"]), "Other pairs")
    _write(to / "iwildcam.csv", _rows(clip.assign(group=series), "ImageNet 1k", "iWildCam"))


def _write(path: Path, table: pd.DataFrame) -> None:
    table = table.sort_values(["group", "model"]).astype({"images": "Int64"})
    write_rows(path, table.to_dict("records"))


def _timm(folder: Path, base: str, shifted: str) -> pd.DataFrame:
    """Return timm's networks with both scores; of one that was tested at several sizes, the best on ImageNet."""
    key = ["model", "img_size"]
    scores = _timm_table(folder, base).merge(_timm_table(folder, shifted), on=key, suffixes=("_id", "_ood"))
    scores = scores.sort_values(["top1_id", "img_size"], ascending=False).drop_duplicates("model", ignore_index=True)
    facts = [_first(TIMM, name.partition(".")[2], name) for name in scores["model"]]
    told = pd.DataFrame(facts, columns=["pretrained_on", "images", "objective", "group"])
    return pd.concat([scores, told], axis=1).rename(columns={"top1_id": "id_percent", "top1_ood": "ood_percent"})[
        COLUMNS
    ]


def _timm_table(folder: Path, name: str) -> pd.DataFrame:
    (path,) = folder.glob(f"*results-{name}.csv")
    return pd.read_csv(path)[["model", "img_size", "top1"]]


def _clip(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    table = table[~table["pretrained"].str.contains(PASSED_OVER)].reset_index(drop=True)
    facts = [_first(OPEN_CLIP, tag, name) for tag, name in zip(table["pretrained"], table["name"], strict=True)]
    told = pd.DataFrame(facts, columns=["pretrained_on", "images"])
    return pd.concat([table, told], axis=1).assign(model=table["name"] + "." + table["pretrained"], objective=TEXT)


def _rows(clip: pd.DataFrame, base: str, shifted: str) -> pd.DataFrame:
    percent = {"id_percent": (100 * clip[base]).round(3), "ood_percent": (100 * clip[shifted]).round(3)}
    return clip.assign(**percent, group=clip.get("group", ""))[COLUMNS]


def _first(patterns: list[tuple], tag: str, model: str) -> tuple:
    for pattern, *told in patterns:
        if re.search(pattern, tag):
            return tuple(told)
    raise SystemExit(f"{model}: no pattern knows its tag {tag!r}; add it to {Path(__file__).name}")


COLUMNS = ["model", "id_percent", "ood_percent", "group", "pretrained_on", "images", "objective"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write tables of published scores.")
    parser.add_argument("folder", type=Path, help="holds timm's and open_clip's tables")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent / "published", help="where to write")
    arguments = parser.parse_args()
    write_published(arguments.folder, arguments.to)
