"""A model fetched from a Hugging Face Hub of this machine, of which every answer is the real client's to read."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants

from pretraining_robustness.acquire.diffusion_model import acquire_diffusion_model
from pretraining_robustness.errors import InputError

REVISION = "0123456789abcdef" * 2 + "01234567"
WANTED = {
    "model_index.json": b"{}",
    "unet/config.json": b'{"a": 1}',
    "unet/diffusion_pytorch_model.safetensors": bytes(range(256)) * 40,
    "tokenizer/merges.txt": b"a b",
}
OTHERS = {
    "unet/diffusion_pytorch_model.fp16.safetensors": b"half",
    "unet/diffusion_pytorch_model.bin": b"pickle",
    "safety_checker/model.safetensors": b"black",
    "v1-5-pruned.safetensors": b"all in one",
}


class Hub(ThreadingHTTPServer):
    """Serves one model at one revision."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = WANTED | OTHERS
        self.fetched: list[str] = []
        self.refused = ""  # the file that is not given


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        files, home = self.server.files, f"/owner/model/resolve/{REVISION}/"
        if self.path.startswith(f"/api/models/owner/model/tree/{REVISION}"):
            tree = [{"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in files.items()]
            self.send(json.dumps(tree).encode(), "tree", with_body)
        elif self.path.startswith(home) and self.path.removeprefix(home) not in ("", self.server.refused):
            name = self.path.removeprefix(home)
            if with_body:
                self.server.fetched.append(name)
            self.send(files[name], hashlib.sha1(files[name]).hexdigest(), with_body)
        else:
            self.send_error(404)

    def send(self, body: bytes, etag: str, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hub = Hub()
    home = f"http://127.0.0.1:{hub.server_address[1]}"
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, home)
    monkeypatch.setattr(constants, "ENDPOINT", home)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hub
    hub.shutdown()
    thread.join()
    hub.server_close()


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_interrupted_download_goes_on_and_ends_with_what_a_pipeline_loads(hub: Hub, tmp_path: Path) -> None:
    model, state = tmp_path / "model", tmp_path / "model.part"
    hub.refused = "unet/diffusion_pytorch_model.safetensors"
    with pytest.raises(InputError, match=r"owner/model at 0123.*could not be fetched"):
        acquire_diffusion_model("owner/model", REVISION, model, state)
    assert not model.exists()
    before = set(hub.fetched)
    assert before == WANTED.keys() - {hub.refused}
    hub.fetched, hub.refused = [], ""
    acquire_diffusion_model("owner/model", REVISION, model, state)
    assert set(hub.fetched) == WANTED.keys() - before
    assert files_of(model) == WANTED | {"REVISION": f"owner/model {REVISION}\n".encode()}
    assert not state.exists()


def test_a_revision_that_the_hub_does_not_have_or_no_pipeline_is_one_line(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        acquire_diffusion_model("owner/model", "f" * 40, tmp_path / "model", tmp_path / "model.part")
    assert "could not be fetched" in str(error.value)
    assert "without revision" in str(error.value)
    hub.files = {name: data for name, data in hub.files.items() if name != "model_index.json"}
    with pytest.raises(InputError, match=r"no model_index\.json"):
        acquire_diffusion_model("owner/model", REVISION, tmp_path / "model", tmp_path / "model.part")
