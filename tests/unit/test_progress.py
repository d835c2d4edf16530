"""What a long loop says of its progress."""

import pytest

from pretraining_robustness import progress
from pretraining_robustness.progress import Progress


def test_rate_and_rest_count_from_where_this_job_began(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    caplog.set_level("INFO")
    images, download = Progress("images", 12_000, done=2_000), Progress("GB", None)
    now += progress.EVERY_SECONDS
    assert not images.due()
    now += progress.EVERY_SECONDS
    assert images.due()
    images.report(5_000, "loss 0.1")
    download.report(0.6)
    assert not images.due()
    assert caplog.messages == [
        "5,000 of 12,000 images, 50 images/s, 2 min left: loss 0.1",
        "0.60 of ? GB, 0.01 GB/s",
    ]
