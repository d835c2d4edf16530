"""One archive of a study: scores, predictions, manifests, figures, configuration, versions, with checksums.

PYTHONPATH=workflow_scripts python -m pretraining_robustness.report.bundle bundle.zip FOLDER        # unpack and check
"""

import hashlib
import json
import platform
import sys
import zipfile
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path

MANIFEST = "bundle.json"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same files give the same bytes, whenever they are packed


def write_bundle(
    files: Sequence[str | Path], results: str | Path, *, config: str, commit: str, archive: str | Path
) -> None:
    """Pack files of a results folder, by their places in it, with config.yaml, versions.txt and `MANIFEST`.

    Args:
        files: below the results folder.
        results: the folder.
        config: the study's configuration, recipes among it, as YAML.
        commit: of the code.
        archive: zip to write.
    """
    installed = sorted({f"{one.name}=={one.version}" for one in distributions()})
    texts = {"config.yaml": config, "versions.txt": "\n".join([f"python=={platform.python_version()}", *installed, ""])}
    checksums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted({Path(file) for file in files}):
            name, content = path.relative_to(results).as_posix(), path.read_bytes()
            checksums[name] = hashlib.sha256(content).hexdigest()
            _add(packed, name, content)
        for name, text in texts.items():
            _add(packed, name, text.encode())
        manifest = {"commit": commit, "sha256": dict(sorted(checksums.items()))}
        _add(packed, MANIFEST, json.dumps(manifest, indent=1).encode())


def unpack_bundle(archive: str | Path, folder: str | Path) -> None:
    """Unpack a bundle into a folder, whose scores.csv another study names under `studies`.

    Raises:
        InputError: it is none, lacks a file, or a file is not what was packed; nothing is unpacked then.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            checksums = json.loads(packed.read(MANIFEST))["sha256"]
            for name, expected in checksums.items():
                if hashlib.sha256(packed.read(name)).hexdigest() != expected:
                    raise InputError(f"{archive}: {name} is damaged; copy the archive again")
            packed.extractall(folder, members=[MANIFEST, *checksums])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{archive}: not a bundle ({error}); make it with snakemake bundle") from error


def _add(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    packed.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    try:
        unpack_bundle(sys.argv[1], sys.argv[2])
    except InputError as error:
        sys.exit(f"ERROR: {error}")
