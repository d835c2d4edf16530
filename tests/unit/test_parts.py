"""A job of several parts that failed makes only what it had not finished, and leaves nothing behind."""

from dataclasses import asdict

import pytest

from pretraining_robustness.parts import Part, make_parts


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "images").write_text("images")
    return [
        asdict(
            Part(
                inputs={"images": str(tmp_path / "images"), "head": None},
                outputs={"weights": [f"{tmp_path}/{name}/1", f"{tmp_path}/{name}/2"]},
                settings={"name": name},
                state=f"{tmp_path}/{name}/unfinished",
            )
        )
        for name in "abc"
    ]


class Trainer:
    """Writes its outputs and notes what it was asked; fails at one part."""

    def __init__(self, fails_at=None):
        self.fails_at, self.made = fails_at, []

    def __call__(self, *, images, head, weights, name):
        self.made.append(name)
        if name == self.fails_at:
            raise ValueError(name)
        for path in weights:
            with open(path, "w", encoding="utf-8") as file:
                file.write(name + path[-1])


def interrupted(parts, tmp_path):
    with pytest.raises(ValueError, match="c"):
        make_parts(parts, Trainer(fails_at="c"), "code")
    for path in tmp_path.glob("?/?"):  # as Snakemake does with outputs of a failed job
        path.unlink()


def test_finished_parts_are_taken_over(parts, tmp_path):
    for name in "abc":
        (tmp_path / name).mkdir()
    interrupted(parts, tmp_path)
    again = Trainer()
    make_parts(parts, again, "code")
    assert again.made == ["c"]
    assert {path.read_text() for path in tmp_path.glob("?/?")} == {name + number for name in "abc" for number in "12"}
    assert not list(tmp_path.rglob("unfinished"))


@pytest.mark.parametrize("change", ["code", "setting", "input"])
def test_what_was_made_otherwise_is_made_anew(parts, tmp_path, change):
    for name in "abc":
        (tmp_path / name).mkdir()
    interrupted(parts, tmp_path)
    if change == "setting":
        parts[0]["outputs"] = {"weights": [*parts[0]["outputs"]["weights"], f"{tmp_path}/a/3"]}
    if change == "input":
        (tmp_path / "images").write_text("other images")
    again = Trainer()
    make_parts(parts, again, "other code" if change == "code" else "code")
    assert again.made == (["a", "c"] if change == "setting" else ["a", "b", "c"])
