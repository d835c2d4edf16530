"""FractalDB's search and renderer, against a plain rendition of the published algorithm and published numbers.

The reference below goes through the points one by one as hirokatsukataoka16/FractalDB-Pretrained-ResNet-PyTorch does
(commit 1b8fb9f): Python floats, a list of points, NumPy's global generator, `numpy.delete`, and Pillow's `paste`.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pretraining_robustness.errors import InputError
from pretraining_robustness.fractaldb import kernels, search
from pretraining_robustness.fractaldb.framing import Frame, pixels
from pretraining_robustness.fractaldb.rendering import WEIGHTS, path_draws, render_supports
from pretraining_robustness.fractaldb.search import search_fractals, search_systems
from pretraining_robustness.fractaldb.systems import read_systems, write_systems

# The first rows of the published 00001.csv and 00007.csv, and the last row of 00999.csv.
PUBLISHED = {
    1: [-0.1668389423696419183, -0.6072550667959302206, 0.01728251339013286980, 0.2048852284657074474,
        0.2111859836446616789, 0.5155499518698667405, 0.02522042471796301019],
    7: [-0.3119217710680695088, 0.06199500998538565177, 0.6476301075708530419, 0.2390433350959277892,
        -0.1829296627871184189, 0.5877010252871914808, 0.08957197693496130042],
}  # fmt: skip

# A system whose paths grow without bound under some weights (four maps, the last of which turns and stretches).
WILD = np.array([
    [0.9, -0.6, 0.7, 0.95, 0.3, -0.4, 0.4],
    [-0.2, 0.5, 0.4, 0.3, -0.8, 0.1, 0.1],
    [0.6, 0.1, -0.3, 0.8, 0.2, 0.9, 0.2],
    [0.8, -0.7, 0.7, 0.85, -0.5, 0.6, 0.3],
])  # fmt: skip


# ------------------------------------------------------------------------------------------------------- the reference


def reference_path(system: Any, points: int, draws: Any) -> tuple[list[float], list[float]]:
    """The points of one path; `draws` as the published code draws them before it starts."""
    thresholds, total = [], 0.0
    for *_, probability in system:
        total += probability
        thresholds.append(total)
    x = y = 0.0
    xs, ys = [x], [y]
    for step in range(points - 1):
        for (a, b, c, d, e, f, _), threshold in zip(system, thresholds, strict=True):
            if draws[step] <= threshold:
                x, y = x * a + y * b + e, x * c + y * d + f
                break
        xs.append(x)
        ys.append(y)
    return xs, ys


def reference_pixels(x: Any, y: Any, size: int, padding: int) -> tuple[np.ndarray, np.ndarray]:
    xs, ys = np.array(x), np.array(y)
    with np.errstate(all="ignore"):
        for which in (0, 1):
            values = (xs, ys)[which]
            if np.any(np.isnan(values)):
                found = np.where(np.isnan(values))[0]
                doomed = np.append(np.arange(found[0] - 100, found[0]), found)
                xs, ys = np.delete(xs, doomed), np.delete(ys, doomed)
        results = []
        for values in (xs, ys):
            if np.min(values) < 0.0:
                values = values - np.min(values)
            results.append(np.uint16(values / (np.max(values) - np.min(values)) * float(size - 2 * padding) + padding))
    return results[0], results[1]


def reference_picture(system: Any, points: int, size: int, padding: int, mask: Any) -> np.ndarray:
    """One grey picture before its flips; `mask()` gives the number whose 9 bits are the patch of the next point."""
    np.random.seed(100)
    draws = np.random.random(points)
    columns, rows = reference_pixels(*reference_path(system, points, draws), size, padding)
    patches = [
        Image.fromarray(np.array([int(bit) for bit in f"{number:09b}"], np.uint8).reshape(3, 3) * 127)
        for number in range(512)
    ]
    image = Image.new("L", (size, size))
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        image.paste(patches[mask()], (column + 1, row + 1))
    return np.asarray(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM))


def reference_search(categories: int, points: int, size: int, padding: int, rate: float) -> tuple[list[Any], int]:
    state = np.random.get_state()
    np.random.seed(1)
    found: list[Any] = []
    tried = 0
    while len(found) < categories:
        tried += 1
        system = []
        for _ in range(np.random.randint(2, 8)):
            a, b, c, d, e, f = np.random.uniform(-1.0, 1.0, 6)
            system.append([a, b, c, d, e, f, abs(a * d - b * c)])
        total = 0.0
        for row in system:
            total += row[6]
        for row in system:
            row[6] /= total
        columns, rows = reference_pixels(*reference_path(system, points, np.random.random(points)), size, padding)
        canvas = np.zeros((size, size))
        canvas[rows, columns] = 127
        if np.count_nonzero(canvas) / float(size * size) >= rate:
            found.append(system)
    np.random.set_state(state)
    return found, tried


def unpacked(packed: np.ndarray, size: int) -> np.ndarray:
    return np.unpackbits(packed, axis=-1)[..., : size * size].reshape(*packed.shape[:-1], size, size)


# ----------------------------------------------------------------------------------------------------------- rendering


def test_the_weights_are_the_published_ones() -> None:
    """weights_0.4.csv: 25 rows, of which the third scales nothing."""
    lines = [",".join(f"{factor:g}" for factor in row) for row in WEIGHTS]
    assert lines[:6] == [
        "0.2,1,1,1,1,1",
        "0.6,1,1,1,1,1",
        "1,1,1,1,1,1",
        "1.4,1,1,1,1,1",
        "1.8,1,1,1,1,1",
        "1,0.2,1,1,1,1",
    ]
    assert (lines[-1], len(set(lines))) == ("1,1,1,1,1,1.8", 25)


@pytest.fixture(scope="module")
def found() -> search.Search:
    return search_systems(20)


@pytest.mark.parametrize(
    ("number", "points", "size", "padding"), [(0, 3000, 40, 6), (7, 2000, 21, 2), (None, 4000, 33, 1)]
)
def test_supports_are_those_of_the_published_renderer(
    found: search.Search, number: int | None, points: int, size: int, padding: int
) -> None:
    """With every bit of every patch lit, the published pictures are the supports, pixel by pixel."""
    system = WILD if number is None else found.systems[number]
    ours = unpacked(render_supports(system, path_draws(points), Frame(size, padding)), size)
    diverging = 0
    for weight, support in zip(WEIGHTS, ours, strict=True):
        weighted = [[*(row[:6] * weight).tolist(), float(row[6])] for row in system]
        theirs = reference_picture(weighted, points, size, padding, lambda: 511)
        np.testing.assert_array_equal(support, theirs > 0)
        diverging += not np.isfinite(reference_path(weighted, points, path_draws(points))[0][-1])
    assert (diverging > 0) == (number is None)
    assert diverging < 25


def test_published_pictures_light_half_of_the_support(found: search.Search) -> None:
    """With random patches they light no pixel outside the support, and 256 of 511 inside."""
    draw = random.Random(7)
    picture = reference_picture(found.systems[0], 4000, 60, 6, lambda: draw.randrange(1, 512))
    support = unpacked(render_supports(found.systems[0], path_draws(4000), Frame(60, 6))[2], 60)
    assert not picture[support == 0].any()
    assert set(np.unique(picture)) == {0, 127}
    share = (picture[support == 1] > 0).mean()
    assert abs(share - 256 / 511) < 4 * 0.5 / np.sqrt(support.sum())


@pytest.mark.parametrize("nan_x", [None, 150, 199])
@pytest.mark.parametrize("nan_y", [None, 149, 150, 151, 199])
@pytest.mark.parametrize("infinite", [None, 20, 120])
def test_paths_that_diverge_are_cut_as_published(nan_x: int | None, nan_y: int | None, infinite: int | None) -> None:
    random_path = np.random.default_rng(5).normal(size=(2, 200)).cumsum(axis=1)
    random_path[:, 0] = 0
    for values, first in zip(random_path, (nan_x, nan_y), strict=True):
        if infinite is not None:
            values[infinite:] = np.inf
        if first is not None:
            values[first:] = np.nan
    for ours, theirs in zip(pixels(*random_path, Frame(50, 3)), reference_pixels(*random_path, 50, 3), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_draw_beyond_the_last_probability_stays_in_place() -> None:
    """Rounding can leave the sum of the probabilities below 1; the published loop then finds no map."""
    system = WILD.copy()
    system[:, :6] *= 0.6
    system[-1, 6] = 0.1
    points, frame = 2000, Frame(40, 6)
    theirs = reference_picture(system.tolist(), points, 40, 6, lambda: 511)
    np.testing.assert_array_equal(unpacked(render_supports(system, path_draws(points), frame), 40)[2], theirs > 0)


@pytest.mark.parametrize(
    ("size", "padding", "key"), [(7, 1, "size"), (5000, 6, "size"), (40, 0, "padding"), (40, 20, "padding")]
)
def test_frames_without_a_place_for_points_are_refused(size: int, padding: int, key: str) -> None:
    with pytest.raises(InputError, match=f"^{key} .* of a fractal"):
        Frame(size, padding)


# -------------------------------------------------------------------------------------------------------------- search


def test_the_search_finds_what_the_published_search_finds() -> None:
    """Small points and pictures, so that the reference is fast: same systems, same number of candidates."""
    expected, tried = reference_search(4, 1500, 48, 3, 0.2)
    ours = search_systems(4, 1, 1500, 48, 3, 0.2)
    assert ours.candidates == tried
    assert [system.tolist() for system in ours.systems] == expected


def test_the_first_categories_are_the_published_ones(found: search.Search) -> None:
    """Numbers of data/csv_rate0.2_category1000, and candidates as benchmarks/results/fractaldb.csv has them."""
    for number, row in PUBLISHED.items():
        np.testing.assert_allclose(found.systems[number][0], row, rtol=0, atol=1e-14)
    assert [len(found.systems[number]) for number in PUBLISHED] == [3, 4]
    assert (found.candidates, found.not_finite) == (653, 40)


def test_threads_find_the_same() -> None:
    one, three = (search_systems(5, 3, 2000, 48, 3, 0.2, threads) for threads in (1, 3))
    assert (one.candidates, one.not_finite) == (three.candidates, three.not_finite)
    assert [system.tolist() for system in one.systems] == [system.tolist() for system in three.systems]


def test_tables_keep_every_bit(tmp_path: Path) -> None:
    search_fractals(3, 1, 1500, 48, 3, 0.2, tmp_path / "systems.csv", tmp_path / "search.csv")
    found = search_systems(3, 1, 1500, 48, 3, 0.2)
    for ours, again in zip(found.systems, read_systems(tmp_path / "systems.csv"), strict=True):
        assert ours.tolist() == again.tolist()
    row = pd.read_csv(tmp_path / "search.csv").to_dict("records")
    assert row == [{"candidates": found.candidates, "accepted": 3, "not_finite": found.not_finite}]
    table = pd.read_csv(tmp_path / "systems.csv", dtype=str)
    assert list(table) == ["class_id", "map", "a", "b", "c", "d", "e", "f", "probability"]
    assert list(table["class_id"].unique()) == ["00000", "00001", "00002"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categories": 0}, "search: categories 0"),
        ({"points": 1}, "points 1 2 or more"),
        ({"filling_rate": 0.0}, "search: filling_rate 0.0 must lie between 0 and 1"),
        ({"filling_rate": 0.9, "points": 500}, "must lie between 0 and 0.488, what 500 points can fill of 32 x 32"),
        ({"filling_rate": 0.9}, r"only 0 of \d+ candidates reach filling_rate 0.9; lower it"),
        ({"padding": 16}, "padding 16 of a fractal"),
    ],
)
def test_searches_without_hope_are_refused(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_CANDIDATES_A_CATEGORY", 50)
    defaults: dict[str, Any] = {"categories": 1, "points": 1024, "size": 32, "padding": 3}
    with pytest.raises(InputError, match=message):
        search_systems(**defaults | options)


def edited(lines: list[str], number: int, *fields: str) -> list[str]:
    """Return the lines with the last fields of one of them replaced."""
    kept = lines[number].split(",")[: -len(fields)]
    return [*lines[:number], ",".join([*kept, *fields]), *lines[number + 1 :]]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (None, "there is no such file"),
        (lambda lines: ["<html>", "1", ""], "has no column class_id"),
        (lambda lines: [""], "not a table of systems"),
        (lambda lines: [*lines[:1], ""], "has no system"),
        (lambda lines: edited(lines, 6, *["abc"] * 5), "column c holds something that is not a finite number"),
        (lambda lines: edited(lines, 6, *[""] * 5), "column c holds something that is not a finite number"),
        (lambda lines: [*lines[:6], *lines[7:]], "class 00001 is missing, out of order or lacks a map"),
        (lambda lines: [lines[0], *lines[5:], *lines[1:5]], "class 00000 is missing, out of order"),
        (lambda lines: edited(lines, 6, "0.5"), "the probabilities of class 00001 do not add up to 1"),
        (lambda lines: ["\udc93NUMPY\udcff\0"], "not a table of systems"),
    ],
)
def test_a_damaged_table_of_systems_is_one_clear_line(
    tmp_path: Path, damage: Callable[[list[str]], list[str]] | None, message: str
) -> None:
    path = tmp_path / "systems.csv"
    write_systems(path, [WILD, WILD])
    lines = path.read_text().splitlines()
    path.unlink()
    if damage:
        path.write_text("\n".join(damage(lines)), errors="surrogateescape")
    with pytest.raises(InputError) as error:
        read_systems(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "search_fractals" in str(error.value)


# ------------------------------------------------------------------------------------------------------------ compiling


def test_without_a_place_for_compiled_code_it_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a read-only installation whose user has no home."""
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    selected = kernels.compiled(kernels.select.py_func)(np.array([0.25, 1.0]), np.array([0.1, 0.25, 0.3, 1.5]))
    assert selected.tolist() == [0, 0, 1, 2]
