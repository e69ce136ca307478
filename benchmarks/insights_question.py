"""Asks one question of :mod:`benchmarks.insights` in a process of its own, and prints a hash of what was found."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Final

from pipelines.insights.engines import run
from pipelines.insights.queries import histogram, percentiles, stored
from pipelines.insights.tables import Insights

QUESTIONS: Final = {"raw": histogram(("hour",)), "stored": stored(("hour",))}


def main() -> None:
    engine, folder, which = sys.argv[1:]
    rows = run(QUESTIONS[which], Insights(Path(folder)), engine)
    found = percentiles(rows)
    text = rows.text() + repr(sorted((key, one.n, one.values) for key, one in found.items()))
    print(json.dumps({"bins": len(rows), "sha256": hashlib.sha256(text.encode()).hexdigest()}))


if __name__ == "__main__":
    main()
