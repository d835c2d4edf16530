"""The seeds on which every draw hangs keep their values."""

from pretraining_robustness.seeds import derived_seed, hashed_rank, hashed_seed, hashed_uniform, named_generator


def test_a_seed_never_changes_its_value():
    """A change of any of these changes every result of a study."""
    assert derived_seed(3, "step", 7) == 1737721428962757896
    assert hashed_seed(3, "n01440764", "order", 2) == 7047200079069618993
    assert hashed_rank(3, "images", "n01440764") == 5921129440358538213
    assert hashed_uniform("a world|dog|hue") == 0.41350919621328874
    assert named_generator(3, "scratch").integers(0, 2**32, 2).tolist() == [458965932, 2617443602]
