"""Answers a question with Polars: on the processor, or on a GPU through RAPIDS cuDF (cudf-polars, extra ``rapids``).

cudf-polars wants a Polars of before 1.45. It does not fall back by itself where there is no GPU, and does so without a
word where it does not know a plan. So a child process looks for the GPU first, and a plan that it cannot run as a whole
raises. In either case the processor answers, and a line says why.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pipelines.insights.errors import EngineError
from pipelines.insights.tables import SCHEMAS, Insights, asked

if TYPE_CHECKING:
    import polars as pl

LOOK_SECONDS: Final = 60.0
"""How long the look for a GPU may take; a first import of cuDF from a slow disk takes many."""

_LOOK: Final = """\
import cudf_polars
from cuda.bindings import runtime
error, count = runtime.cudaGetDeviceCount()
print("there" if error == 0 and count else f"CUDA finds no GPU ({error.name})")
"""


def answer(
    sql: str, tables: Insights, tell: Callable[[str], None], *, gpu: bool = False
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns and rows of ``sql``. ``tell`` is told in a line why not the GPU answers, where it was asked to."""
    try:
        frame = plan(sql, tables)
    except ModuleNotFoundError as missing:
        raise EngineError(
            f"{missing.name} is not installed: .venv/bin/python -m pip install -e '.[rapids]'"
        ) from missing
    found = _on_gpu_or_why(frame) if gpu else ""
    if isinstance(found, str):
        if found:
            tell(f"polars-gpu: the processor answers, for {found}.")
        found = frame.collect(engine="streaming")
    return found.columns, found.rows()


def plan(sql: str, tables: Insights) -> pl.LazyFrame:
    """The question as Polars' plan, nothing of which has run."""
    import polars as pl  # noqa: PLC0415 - the extra

    with pl.SQLContext({name: _scan(name, tables) for name in asked(sql)}, eager=False) as context:
        return context.execute(sql)


def refused(frame: pl.LazyFrame) -> list[str]:
    """What of a plan a GPU would not run, asked without one; empty if it would run all. Needs cudf-polars.

    Raises ``ModuleNotFoundError`` without it. This is an inner door of the pinned version; a test keeps it.
    """
    import polars as pl  # noqa: PLC0415 - the extra
    from cudf_polars.dsl.translate import Translator  # noqa: PLC0415 - the extra

    translator = Translator(frame._ldf.visit(), pl.GPUEngine(executor="in-memory"))
    translator.translate_ir()
    return [f"{type(error).__name__}: {error}" for error in translator.errors]


@cache
def no_gpu() -> str:
    """Why no GPU can be asked; empty if one can. A child process looks: what crashes there costs nothing here."""
    try:
        found = subprocess.run(
            [sys.executable, "-c", _LOOK], capture_output=True, text=True, timeout=LOOK_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the look for a GPU did not end within {LOOK_SECONDS:.0f} s"
    if found.returncode == 0:
        said = found.stdout.strip().rpartition("\n")[2]
        return "" if said == "there" else said
    last = found.stderr.strip().rpartition("\n")[2] or f"exit code {found.returncode}"
    if last.startswith("ModuleNotFoundError"):
        name = last.rpartition(" ")[2].strip("'")
        return f"{name} is not installed (.venv/bin/python -m pip install -e '.[rapids]')"
    return f"the look for a GPU failed ({last})"


def _on_gpu_or_why(frame: pl.LazyFrame) -> pl.DataFrame | str:
    import polars as pl  # noqa: PLC0415 - the extra

    if why := no_gpu():
        return why
    try:
        return frame.collect(engine=pl.GPUEngine(raise_on_fail=True))
    except (pl.exceptions.PolarsError, RuntimeError, ImportError, MemoryError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        return f"the GPU does not run this ({first})"


def _scan(name: str, tables: Insights) -> pl.LazyFrame:
    import polars as pl  # noqa: PLC0415 - the extra

    schema = pl.Schema(pl.DataFrame(SCHEMAS[name].empty_table()).schema)
    files = tables.files(name)
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        files, schema=schema, hive_partitioning=False, missing_columns="insert", extra_columns="ignore"
    )
