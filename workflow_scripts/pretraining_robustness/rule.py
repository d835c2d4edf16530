"""How a rule's script runs: its log file, and one clear line when the user's input or disk is at fault."""

import csv
import errno
import fcntl
import io
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import NO_SPACE
from pretraining_robustness.sharing import RULES, share_of

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
# EROFS: a file system that is, or was made by its own faults, read-only.
REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# By how much the clocks of machines that share a disk may differ.
CLOCKS_DIFFER_SECONDS = 60


def run_rule(snakemake: Any, function: Callable[[], object]) -> None:
    """Call `function` with logging sent to the rule's log file.

    An `InputError`, a disk that is full or refuses, an input from the future, a second job of the same state and a GPU
    that is too small end the script with one line on the log and on standard error and exit status 1; any other
    exception leaves its traceback in both.
    """
    log = Path(str(snakemake.log[0]))
    logging.raiseExceptions = False  # a log on a full disk loses lines; standard error has the last one
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(
            filename=log, filemode="w", level=logging.INFO, format=LOG_FORMAT, force=True, encoding="utf-8"
        )
        _refuse_future(snakemake.input, log)
        parts = snakemake.params.get("parts")
        with _alone(parts[-1]["state"] if parts else snakemake.params.get("state")):
            _make_or_take(snakemake, function)
        _date_after(snakemake.input, snakemake.output)
    except InputError as error:
        _stop(str(error))
    except OSError as error:
        place = error.filename or log.parent
        if error.errno in NO_SPACE:
            _stop(f"{place}: the disk is full. Free some space and run the same command again.")
        if error.errno in REFUSED:
            _stop(f"{place}: {error.strerror}. Make it yours to read and write, and run the same command again.")
        logging.exception("The rule %s failed", snakemake.rule)
        raise
    except Exception as error:
        _refuse_damaged(snakemake.input)
        _refuse_small_card(error)
        logging.exception("The rule %s failed", snakemake.rule)
        raise
    # All files are closed by now. Taking a process with torch apart costs a second, as long as a small training.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def _make_or_take(snakemake: Any, function: Callable[[], object]) -> None:
    """Call `function`, or link what another study has made of the same by a rule whose jobs studies share."""
    share = share_of(snakemake) if snakemake.rule in RULES else None
    if share is None:
        function()
        return
    told = [snakemake.rule, dict(snakemake.params.items()), dict(snakemake.wildcards.items())]
    digest = share.digest(told, snakemake.input)
    if not share.take(digest, snakemake.output):
        function()
        share.give(digest, snakemake.output)


@contextmanager
def _alone(state: str | None) -> Iterator[None]:
    """Hold the lock of a job's state, a file in that folder: a scheduler may start a job of a lost node again.

    A job of several parts holds that of the last, which is there until the end.

    The kernel drops the lock when the process ends, however it ends. On file systems that cannot lock nothing is held.

    Raises:
        InputError: if another job holds it; says which.
    """
    if state is None:
        yield
        return
    lock = Path(state, "lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "a+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"{state}: {file.read().decode() or 'another job'} holds this output; wait for it or stop it, and run "
                "the same command again"
            ) from None
        except OSError as error:
            logging.warning("%s: %s: no other job is kept from working on the same", lock, error.strerror)
        try:
            with suppress(OSError):  # on a full disk the holder is not named
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            yield
        finally:
            with suppress(OSError):  # gone with the state, or beside what is kept of it
                lock.unlink()
                lock.parent.rmdir()


def _refuse_future(paths: Any, log: Path) -> None:
    """Raise InputError for a file whose time lies ahead: Snakemake would delete what is made of it, as outdated.

    Now is what this machine says or the disk, which has just dated `log`: a file server has a clock of its own.
    """
    now = max(time.time(), log.stat().st_mtime)
    for path in map(Path, paths):
        if path.is_file() and path.stat().st_mtime > now + CLOCKS_DIFFER_SECONDS:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
            raise InputError(
                f"{path}: has a modification time in the future ({when}): check the clock, and if "
                f"the file is as it should be, run `touch {path}` and the same command again"
            )


def _refuse_damaged(paths: Any) -> None:
    """Stop if a table among the inputs cannot be read: libraries do not say which one it is."""
    for path in map(Path, paths):
        readable = READABLE.get(path.suffix)
        if readable is not None and path.is_file() and not readable(path):
            _stop(f"{path}: is damaged; delete it and run the same command again, which makes it anew.")


def _is_csv(path: Path) -> bool:
    """Whether a CSV file has rows of one width, of more than one column as all tables of the pipeline have."""
    data = path.read_bytes()
    try:
        rows = [row for row in csv.reader(io.StringIO(data.decode(), newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error):
        return False
    return b"\0" not in data and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1


def _is_parquet(path: Path) -> bool:
    from pyarrow import ArrowException, parquet

    try:
        for _ in parquet.ParquetFile(path).iter_batches():
            pass
    except (ArrowException, OSError):
        return False
    return True


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


READABLE: dict[str, Callable[[Path], bool]] = {".csv": _is_csv, ".parquet": _is_parquet, ".json": _is_json}


def _refuse_small_card(error: Exception) -> None:
    """Stop if a GPU's memory is used up, by what no batch size changes: networks that are loaded."""
    torch = sys.modules.get("torch")  # which most rules do without
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        _stop(f"{str(error).partition('. ')[0]}: the rule needs a card with more memory; or none, with gpu: 0.")


def _date_after(inputs: Any, outputs: Any) -> None:
    """Date outputs that seem older than an input like it, where the clock has been set back or clocks differ."""
    newest = max((path.stat().st_mtime_ns for path in map(Path, inputs) if path.is_file()), default=0)
    for path in map(Path, outputs):
        if path.is_file() and not path.is_symlink() and path.stat().st_mtime_ns < newest:
            os.utime(path, ns=(newest, newest))


def _stop(line: str) -> None:
    logging.error(line)
    sys.exit(f"ERROR: {line}")
