"""Progress of a long loop: one log line every 30 s, with the rate and the minutes left."""

import logging
import time

logger = logging.getLogger(__name__)

EVERY_SECONDS = 30


class Progress:
    """Logs the progress of a loop.

    Args:
        unit: what the loop counts, as a plural ("images").
        total: how many there are; None if unknown.
        done: how many an earlier job has done already.
    """

    def __init__(self, unit: str, total: float | None, done: float = 0) -> None:
        self.unit = unit
        self.total = total
        self._already = done
        self._started = self._reported = time.monotonic()

    def due(self) -> bool:
        """Return whether the next report is due."""
        return time.monotonic() - self._reported > EVERY_SECONDS

    def report(self, done: float, details: str = "") -> None:
        """Log how many are done, the rate, and the time left."""
        self._reported = time.monotonic()
        rate = (done - self._already) / max(self._reported - self._started, 1e-9)
        line = f"{_number(done)} of {'?' if self.total is None else _number(self.total)} {self.unit}"
        line += f", {rate:,.{0 if rate >= 10 else 2}f} {self.unit}/s"
        if self.total is not None and rate > 0:
            line += f", {(self.total - done) / rate / 60:,.0f} min left"
        logger.info("%s", f"{line}: {details}" if details else line)


def _number(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.2f}"
