"""How a rule's script runs: its log file, and one clear line when the user's input is at fault."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import NO_SPACE

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def run_rule(snakemake: Any, function: Callable[[], object]) -> None:
    """Call `function` with logging sent to the rule's log file.

    An `InputError` or a full disk ends the script with one line on the log and on standard error and exit status 1;
    any other exception leaves its traceback in both.
    """
    log = Path(str(snakemake.log[0]))
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=log, filemode="w", level=logging.INFO, format=LOG_FORMAT, force=True, encoding="utf-8")
    try:
        function()
    except InputError as error:
        _stop(str(error))
    except OSError as error:
        if error.errno not in NO_SPACE:
            logging.exception("The rule %s failed", snakemake.rule)
            raise
        _stop(f"{error.filename or log.parent}: the disk is full. Free some space and run the same command again.")
    except Exception:
        logging.exception("The rule %s failed", snakemake.rule)
        raise
    # All files are closed by now. Taking a process with torch apart costs a second, as long as a small training.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def state_folder(snakemake: Any) -> Path:
    """Where an interrupted job keeps what it has done: beside its outputs, undeclared, so that a failure spares it."""
    return Path(snakemake.output[0]).parent / "unfinished"


def _stop(line: str) -> None:
    logging.error(line)
    sys.exit(f"ERROR: {line}")
