"""Unpacking: what is hostile, cut or too large never leaves anything under the final name."""

import gzip
import io
import os
import resource
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pretraining_robustness.acquire.archives import stream_members, unpack
from pretraining_robustness.errors import InputError

FILES = {"metadata.csv": b"a,b\n1,2\n", "train/1.jpg": b"\xff\xd8" + os.urandom(20_000), "train/2.jpg": b""}


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, len(data)
    tar.addfile(member, io.BytesIO(data))


def archive_of(path: Path, files: dict[str, bytes], before: str = "") -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        if before:
            add(tar, before, kind=tarfile.DIRTYPE)
        for name, data in files.items():
            add(tar, f"{before}{name}", data)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
@pytest.mark.parametrize("before", ["", "./", "iwildcam_v2.0/"])
def test_unpacks_with_or_without_a_folder_around(tmp_path: Path, name: str, before: str) -> None:
    target = tmp_path / "deep" / "target"
    unpack(archive_of(tmp_path / name, FILES, before), target, expected=["metadata.csv", "train"])
    assert contents(target) == FILES
    assert [path.name for path in target.parent.iterdir()] == ["target"]


def test_replaces_what_an_earlier_job_left(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "train").mkdir(parents=True)
    (target / "train" / "old.jpg").write_bytes(b"old")
    (tmp_path / ".target.unpacking").mkdir()
    (tmp_path / ".target.unpacking" / "half.jpg").write_bytes(b"half")
    unpack(archive_of(tmp_path / "a.tar", FILES), target)
    assert contents(target) == FILES


HOSTILE: dict[str, Callable[[tarfile.TarFile], None]] = {
    "absolute": lambda tar: add(tar, "/nowhere/escaped.txt", b"x"),
    "parent": lambda tar: add(tar, "../escaped.txt", b"x"),
    "inner parent": lambda tar: add(tar, "train/../../escaped.txt", b"x"),
    "symbolic link": lambda tar: add(tar, "train/out", kind=tarfile.SYMTYPE, link="../.."),
    "hard link": lambda tar: add(tar, "train/out", kind=tarfile.LNKTYPE, link="/etc/hostname"),
    "device": lambda tar: add(tar, "train/null", kind=tarfile.CHRTYPE),
    "pipe": lambda tar: add(tar, "train/pipe", kind=tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_refuses_what_leaves_the_target(tmp_path: Path, attack: str) -> None:
    folder = tmp_path / "place" / "here"
    folder.mkdir(parents=True)
    path = folder / "hostile.tar"
    with tarfile.open(path, "w") as tar:
        add(tar, "metadata.csv", b"x")
        HOSTILE[attack](tar)
    with pytest.raises(
        InputError, match=r"hostile\.tar: member .* (outside|link or a device).*do not use this archive"
    ):
        unpack(path, folder / "target")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [
        "place/here/hostile.tar"
    ]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_truncated_archive_is_named_wherever_it_is_cut(tmp_path: Path, name: str) -> None:
    whole = archive_of(tmp_path / name, FILES).read_bytes()
    # tar pads its end with some kilobytes of zeros, which nobody misses as long as one block is left
    length = len(whole) if name.endswith("gz") else len(whole.rstrip(b"\0")) // 512 * 512
    for cut in sorted({0, 1, 300, 512, 600, 1024, 1536, 2048, 5000, length - 9, length - 1}):
        (tmp_path / name).write_bytes(whole[:cut])
        with pytest.raises(InputError, match=rf"{name}: the archive"):
            unpack(tmp_path / name, tmp_path / "target", expected=["metadata.csv", "train"])
        assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_damaged_byte_is_found_by_gzip_s_checksum(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(archive_of(tmp_path / "a.tar", FILES).read_bytes(), compresslevel=0))
    data[5000] ^= 1
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.tar\.gz: the archive is truncated or damaged"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_missing_archive_and_a_wrong_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.tar: no such file"):
        unpack(tmp_path / "none.tar", tmp_path / "target")
    with pytest.raises(InputError, match=r"a\.tar: the archive lacks categories\.csv, pictures"):
        unpack(archive_of(tmp_path / "a.tar", FILES), tmp_path / "target", expected=["categories.csv", "pictures"])
    (tmp_path / "page.tar.gz").write_text("<html>Please log in</html>")
    with pytest.raises(InputError, match=r"page\.tar\.gz: the archive is truncated or damaged"):
        unpack(tmp_path / "page.tar.gz", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_members_are_streamed_in_order_and_only_once(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.tar.gz", FILES, "top/")
    found = {name: file.read() for name, size, file in stream_members(path) if file is not None}
    assert found == {f"top/{name}": data for name, data in FILES.items()}


def test_a_disk_that_fills_up_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    archive_of(tmp_path / "a.tar", {"metadata.csv": b"x", "large.bin": bytes(3_000_000)})
    script = "import sys; from pretraining_robustness.acquire.archives import unpack; unpack(*sys.argv[1:])"
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a.tar", tmp_path / "target"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        # the system then fails the write, as it does on a full disk
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
        capture_output=True,
        text=True,
    )
    assert "target: the disk is full" in run.stderr.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]
