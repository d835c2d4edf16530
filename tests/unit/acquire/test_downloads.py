"""Downloads against a server on this machine that cuts, lies and refuses; nothing else is asked for anything."""

import errno
import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pretraining_robustness.acquire import downloads
from pretraining_robustness.acquire.acquire import acquire
from pretraining_robustness.acquire.downloads import download
from pretraining_robustness.errors import InputError

DATA = bytes(range(256)) * 12_000  # 3 MB
MD5 = hashlib.md5(DATA).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves DATA at every path but /nowhere and /other, with the faults that a test sets."""

    ranges = True  # whether parts are served
    cut_after: int | None = None  # bytes of a body after which the connection is cut
    failures = 0  # how many requests from now on are answered 503
    wrong_range = False  # whether the next part served is another one than asked for

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    def address(self, name: str = "file.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if self.path == "/nowhere":
            self.send_error(404)
            return
        if self.server.failures:
            self.server.failures -= 1
            self.send_error(503)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if asked and start >= len(DATA):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(DATA)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.server.wrong_range and start:
            self.server.wrong_range = False
            start -= 1
        body = (bytes(len(DATA)) if self.path == "/other" else DATA)[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        self.end_headers()
        self.wfile.write(body[: self.server.cut_after])
        if self.server.cut_after is not None and self.server.cut_after < len(body):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 1 << 16)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_whole_download_gets_its_name(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "new_folder" / "file.bin"
    download(server.address(), target, md5=MD5, sha256=SHA256, size=len(DATA))
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_a_download_cut_again_and_again_continues_each_time(server: Server, tmp_path: Path) -> None:
    server.cut_after = 700_000
    download(server.address(), tmp_path / "file.bin", sha256=SHA256, attempts=2, wait=0)
    assert (tmp_path / "file.bin").read_bytes() == DATA
    starts = [int(asked.removeprefix("bytes=")[:-1]) for asked in server.asked if asked]
    assert len(starts) >= 4  # more cuts than attempts: progress renews the patience
    assert starts == sorted(set(starts))


def test_a_part_of_an_earlier_job_is_continued(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(DATA[:1_234_567])
    download(server.address(), tmp_path / "file.bin", md5=MD5)
    assert server.asked == ["bytes=1234567-"]
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_a_part_that_is_already_whole_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(DATA)
    download(server.address(), tmp_path / "file.bin", md5=MD5)
    assert (tmp_path / "file.bin").read_bytes() == DATA


@pytest.mark.parametrize(
    ("part", "fault"),
    [(DATA + b"x", {}), (b"y" * 2_000_000, {"ranges": False}), (DATA[:1000], {"wrong_range": True})],
    ids=["longer than the file", "a server without parts", "a server that sends another part"],
)
def test_a_part_that_cannot_be_continued_is_started_again(
    server: Server, tmp_path: Path, part: bytes, fault: dict[str, bool]
) -> None:
    vars(server).update(fault)
    (tmp_path / "file.bin.part").write_bytes(part)
    download(server.address(), tmp_path / "file.bin", md5=MD5, wait=0)
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.failures = 3
    download(server.address(), tmp_path / "file.bin", md5=MD5, attempts=4, wait=0)
    assert len(server.asked) == 4


def test_patience_ends_and_the_part_is_kept(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(DATA[:5000])
    server.failures = 100
    with pytest.raises(InputError, match=r"cut off 3 times.*503.*5,000 bytes are kept"):
        download(server.address(), tmp_path / "file.bin", md5=MD5, attempts=3, wait=0)
    assert (tmp_path / "file.bin.part").read_bytes() == DATA[:5000]
    server.failures = 0
    download(server.address(), tmp_path / "file.bin", md5=MD5)


@pytest.mark.parametrize(("algorithm", "found"), [("md5", MD5), ("sha256", SHA256)])
def test_a_wrong_checksum_names_both_and_removes_the_part(
    server: Server, tmp_path: Path, algorithm: str, found: str
) -> None:
    expected = "0" * len(found)
    with pytest.raises(InputError) as error:
        download(server.address(), tmp_path / "file.bin", **{algorithm: expected})
    for word in (str(tmp_path / "file.bin"), expected, found):
        assert word in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_another_size_is_refused_before_anything_is_fetched(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"offers 3,072,000 bytes where 99 were expected"):
        download(server.address(), tmp_path / "file.bin", size=99)
    assert not list(tmp_path.iterdir())


def test_an_address_that_does_not_exist_is_not_tried_again(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/nowhere: the server answers 404"):
        download(server.address("nowhere"), tmp_path / "file.bin")
    assert len(server.asked) == 1


def test_no_server_at_all(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(InputError, match="cut off 2 times in a row"):
        download(f"http://127.0.0.1:{port}/file.bin", tmp_path / "file.bin", attempts=2, wait=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match=rf"file\.bin\.part: the disk is full \({os.strerror(errno.ENOSPC)}\)"):
        download(server.address(), tmp_path / "file.bin", md5=MD5)
    assert not (tmp_path / "file.bin").exists()


def test_a_file_larger_than_the_disk_is_not_begun(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr("pretraining_robustness.files.shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match=r"0\.00 GB are needed|are needed and the disk has 0\.00 GB free"):
        download(server.address(), tmp_path / "file.bin", md5=MD5)
    assert not list(tmp_path.iterdir())


HOME = "https://example.org/downloads"


def test_all_missing_files_are_named_in_one_message(tmp_path: Path) -> None:
    place = tmp_path / "manual"
    files = {"train.tar": {"md5": "1" * 32}, "devkit.tar.gz": {"md5": "2" * 32}}
    with pytest.raises(InputError) as error:
        acquire(files, [tmp_path / "train.tar", tmp_path / "devkit.tar.gz"], place, HOME)
    for word in ("train.tar", "1" * 32, "devkit.tar.gz", "2" * 32, HOME, str(place)):
        assert str(error.value).count(word) == 1
    assert "\n" not in str(error.value)


def test_a_file_that_the_user_put_there_is_checked_and_linked(tmp_path: Path) -> None:
    place = tmp_path / "manual"
    place.mkdir()
    (place / "train.tar").write_bytes(DATA)
    target = tmp_path / "resources" / "train.tar"
    acquire({"train.tar": {"md5": MD5, "sha256": SHA256, "bytes": len(DATA)}}, [target], place, HOME)
    acquire({"train.tar": {"md5": MD5}}, [target], place, HOME)  # a second time changes nothing
    assert target.read_bytes() == DATA
    assert target.samefile(place / "train.tar")


def test_a_link_is_symbolic_where_hard_ones_do_not_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr("pretraining_robustness.acquire.acquire.os.link", refuse)
    place = tmp_path / "manual"
    place.mkdir()
    (place / "train.tar").write_bytes(DATA)
    acquire({"train.tar": {"md5": MD5}}, [tmp_path / "train.tar"], place, HOME)
    assert (tmp_path / "train.tar").is_symlink()
    assert (tmp_path / "train.tar").read_bytes() == DATA
    monkeypatch.setattr(Path, "symlink_to", refuse)
    (tmp_path / "train.tar").unlink()
    with pytest.raises(InputError, match=r"neither hard nor symbolic links .*; move .*manual/train\.tar"):
        acquire({"train.tar": {"md5": MD5}}, [tmp_path / "train.tar"], place, HOME)


@pytest.mark.parametrize(
    ("keys", "found"), [({"md5": MD5}, hashlib.md5(DATA[:-1]).hexdigest()), ({"bytes": 3072000}, "3,071,999 bytes")]
)
def test_a_user_s_file_that_is_another_is_named_and_left_alone(
    tmp_path: Path, keys: dict[str, object], found: str
) -> None:
    (tmp_path / "train.tar").write_bytes(DATA[:-1])
    with pytest.raises(InputError) as error:
        acquire({"train.tar": keys}, [tmp_path / "out" / "train.tar"], tmp_path, HOME)
    for word in (str(tmp_path / "train.tar"), keys.get("md5", "3,072,000"), found):
        assert str(word) in str(error.value)
    assert (tmp_path / "train.tar").exists()
    assert not (tmp_path / "out" / "train.tar").exists()


def test_a_user_s_file_spares_the_download(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(DATA)
    files = {name: {"url": server.address(name), "sha256": SHA256} for name in ("a.bin", "b.bin")}
    acquire(files, [tmp_path / "out" / "a.bin", tmp_path / "out" / "b.bin"], tmp_path, HOME)
    assert len(server.asked) == 1
    assert (tmp_path / "out" / "b.bin").read_bytes() == DATA


def test_a_download_that_fails_says_how_to_do_without(server: Server, tmp_path: Path) -> None:
    files = {"a.bin": {"url": server.address("nowhere"), "sha256": SHA256}}
    with pytest.raises(InputError) as error:
        acquire(files, [tmp_path / "a.bin"], tmp_path / "manual", HOME)
    for word in ("404", SHA256, HOME, str(tmp_path / "manual")):
        assert word in str(error.value)


def test_mirrors_are_tried_in_order_and_the_checksum_decides(server: Server, tmp_path: Path) -> None:
    addresses = list(map(server.address, ("nowhere", "other", "a.bin", "unasked")))
    acquire({"a.bin": {"url": addresses, "sha256": SHA256}}, [tmp_path / "a.bin"], tmp_path / "manual", HOME)
    assert (tmp_path / "a.bin").read_bytes() == DATA
    assert server.asked == [None] * 3
    with pytest.raises(InputError) as error:
        acquire({"b.bin": {"url": addresses[:2], "sha256": SHA256}}, [tmp_path / "b.bin"], tmp_path / "manual", HOME)
    for word in ("nowhere", "404", "other", SHA256, HOME):
        assert word in str(error.value)


def test_files_that_are_not_the_data_set_s_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the files of this data set are a\.bin, but the config names b\.bin"):
        acquire({"b.bin": {"md5": MD5}}, [tmp_path / "a.bin"], tmp_path, HOME)
