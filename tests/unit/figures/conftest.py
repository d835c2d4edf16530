"""What the tests of several figures check: that every text stands on the page and meets no other."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from pretraining_robustness.figures.draw import draw_figure

ENDINGS = {"pdf": "pdf", "png": "png", "table": "csv", "caption": "txt"}
Boxes = list[tuple[str, Bbox]]


def visible_texts(page: Figure) -> Boxes:
    """Every visible text of a figure with its box in pixels, slightly shrunk."""
    FigureCanvasAgg(page).draw()
    texts = [text for text in page.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent().padded(-1)) for text in texts]


@pytest.fixture(scope="session")
def all_texts() -> Callable[[Figure], Boxes]:
    return visible_texts


@pytest.fixture(scope="session")
def texts_apart() -> Callable[..., Boxes]:
    """Asserts that no text, and nothing else in a box, meets another or leaves the page; returns the boxes."""

    def check(page: Figure, others: Sequence[tuple[str, Bbox]] = ()) -> Boxes:
        boxes = [*visible_texts(page), *others]
        for text, box in boxes:
            assert min(box.x0, box.y0) >= 0, text
            assert box.x1 <= page.bbox.width, text
            assert box.y1 <= page.bbox.height, text
        for (one, first), (other, second) in itertools.combinations(boxes, 2):
            assert not first.overlaps(second), f"{one!r} meets {other!r}"
        return boxes

    return check


@pytest.fixture(scope="session")
def write_figure() -> Callable[..., list[Path]]:
    """Draws a figure from its files into a folder; returns its PDF, PNG, table and caption."""

    def draw(folder: Path, files: object, figure: dict[str, object]) -> list[Path]:
        paths = {key: folder / f"{figure['name']}.{end}" for key, end in ENDINGS.items()}
        draw_figure(files, figure, **paths)
        return list(paths.values())

    return draw
