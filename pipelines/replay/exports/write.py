"""A run in the formats of other tools: JSON, CSV, OTLP, and a trace for Perfetto. Views of the one record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pipelines.records.results import Run
from pipelines.replay.exports.otlp import otlp_lines
from pipelines.replay.exports.trace import chrome_trace
from pipelines.replay.exports.turns_csv import turns_csv
from pipelines.settings.outputs import write_text

EXPORTS: Final = ("run.json", "turns.csv", "otlp.jsonl", "trace.json")
"""The files that are written."""


def write_exports(folder: Path, run: Run) -> list[Path]:
    """Writes the files into ``folder``, which is made where it is missing; older ones are replaced.

    ``run.json``    everything, to be read back by schema
    ``turns.csv``   one row a turn
    ``otlp.jsonl``  spans: a line is an OTLP ``ExportTraceServiceRequest`` in JSON
    ``trace.json``  for ui.perfetto.dev and chrome://tracing

    The same run makes the same bytes. Blocks, for seconds with a thousand turns: call it outside of the event loop.
    Raises ``OSError``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trace = json.dumps(chrome_trace(run), separators=(",", ":"), allow_nan=False)
    return [
        _written(folder / "run.json", run.model_dump_json(by_alias=True, indent=1) + "\n"),
        _written(folder / "turns.csv", turns_csv(run)),
        _written(folder / "otlp.jsonl", "".join(f"{line}\n" for line in otlp_lines(run))),
        _written(folder / "trace.json", trace + "\n"),
    ]


def _written(file: Path, text: str) -> Path:
    write_text(file, text)
    return file
