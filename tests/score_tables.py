"""Score tables that tests make up: paired scores, and the same in the long form that evaluation writes."""

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.scores import CHECKPOINT, PAIRED_COLUMNS, SCORES, write_scores

PAIR = {"id": "id_test", "ood": "test"}
PAIRS = dict.fromkeys(("iwildcam", "real_sketch", "pacs", "camera", "sketch"), PAIR)
ROW = ["task", "distribution", "architecture", "seed", "epoch"]
ROW += ["id_macro_f1", "ood_macro_f1", "id_accuracy", "ood_accuracy"]


def paired(rows):
    """Return paired scores (`PAIRED_COLUMNS`) of fully fine-tuned networks from rows, or a frame, of `ROW`."""
    frame = pd.DataFrame(rows, columns=ROW)
    scores = {name: frame.get(name, np.nan) for name in SCORES}
    return frame.assign(series=frame["distribution"], method="full", **scores)[PAIRED_COLUMNS]


def write_score_table(frame, path):
    """Write paired scores as a score table."""
    rows = []
    for row in frame.to_dict("records"):
        for name in SCORES:
            role, _, metric = name.partition("_")
            if not np.isnan(row[name]):
                key = {column: row[column] for column in CHECKPOINT}
                rows.append({**key, "test_set": PAIR[role], "metric": metric, "score": row[name], "images": 100})
    write_scores(path, rows)


def read_paired(path):
    """Return the paired scores of a score table that `write_score_table` wrote."""
    from pretraining_robustness.evaluate.scores import paired_scores, read_scores

    scores = read_scores(path)
    return paired_scores(scores, dict.fromkeys(scores["task"].unique(), PAIR))


def evaluated(folder, *, images, table, checkpoints, architecture, recipe):
    """Predict and score a network's checkpoints on the splits of `PAIR`; return the paired scores."""
    from pretraining_robustness.evaluate.metrics import METRICS
    from pretraining_robustness.evaluate.predict import predict
    from pretraining_robustness.evaluate.score import score

    test_sets = [{"name": split, "store": "task", "split": split, "classes": None} for split in PAIR.values()]
    predictions, scores = folder / "predictions.parquet", folder / "scores.csv"
    network = {"name": "network", "seed": 0, "architecture": architecture, "recipe": recipe}
    predict(
        stores={"task": (images, table)},
        test_sets=test_sets,
        networks=[network],
        checkpoints=checkpoints,
        predictions=predictions,
    )
    whose = {"task": "task", "method": "full", "distribution": "some"}
    options = {"confidence": 0.95, "resamples": 10, "seed": 0}
    files = {
        "predictions": predictions,
        "tables": {"task": table},
        "scores": scores,
        "left_out": folder / "left_out.parquet",
    }
    score(test_sets=test_sets, metrics=list(METRICS), **files, **whose, **options)
    return read_paired(scores)
