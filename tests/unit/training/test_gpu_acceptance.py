"""The checks of a graphics card, at tiny sizes on a processor: that they run and what they can tell without a card."""

import json
import os
import subprocess
import sys
from pathlib import Path

import gpu_acceptance
import pytest

EXACT = ("a missing card", "crop is exact", "fractals", "streamed", "resume", "evaluation")


@pytest.mark.slow
def test_every_check_runs_on_a_processor(tmp_path: Path) -> None:
    """Two calls, of which the first has time for the cheap ones only; in processes of their own, as a user's are.

    In one with other tests torch's compiler may find its settings gone (torch 2.15).
    """
    call = [sys.executable, gpu_acceptance.__file__, "--tiny", "--output", str(tmp_path), "--seconds"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([*call, "12"], env=environment, check=False)
    first = (tmp_path / "acceptance.jsonl").read_text()
    assert '"machine"' in first
    assert "ready batch" not in first
    subprocess.run([*call, "1e9"], env=environment, check=False)
    assert (tmp_path / "acceptance.jsonl").read_text().startswith(first)
    lines = [json.loads(line) for line in (tmp_path / "acceptance.jsonl").read_text().splitlines()]
    assert len(lines) == 17
    assert len({line["check"] for line in lines}) == len(lines)
    assert [line for line in lines if "error" in line] == []
    assert [line["check"] for line in lines if line["check"].startswith(EXACT) and not line["passes"]] == []


@pytest.mark.gpu
def test_a_card_computes_what_a_processor_does(tmp_path: Path) -> None:
    gpu_acceptance.main(["--seconds", "100", "--output", str(tmp_path)])
    lines = [json.loads(line) for line in (tmp_path / "acceptance.jsonl").read_text().splitlines()]
    assert [line["check"] for line in lines if line["check"].startswith(EXACT) and not line.get("passes")] == []
