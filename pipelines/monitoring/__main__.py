"""Writes what is generated under ``docker/``, and checks the dashboards' queries against a running Prometheus.

python -m pipelines.monitoring write [--check]
python -m pipelines.monitoring ask [http://127.0.0.1:9090] [--empty]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.command.run import run
from pipelines.monitoring import queries, slo
from pipelines.terminal.text import clean

DOCKER = Path(__file__).parents[2] / "docker"


def generated() -> dict[Path, str]:
    """Every generated file, relative to ``docker/``, and what has to be in it."""
    from pipelines.monitoring.dashboards import BOARDS  # noqa: PLC0415 - asking needs no SDK

    files = {Path("grafana/dashboards") / name: render() for name, render in BOARDS.items()}
    return {Path("prometheus/rules/voice_loop_slo.yml"): slo.render(), **files}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 is good, 1 what was found is not, 2 nothing could be found out."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.monitoring", description="Dashboards and rules as code.")
    does = parser.add_subparsers(dest="what", required=True)
    writing = does.add_parser("write", help="write the dashboards and the rules of the objectives under docker/")
    writing.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    asking = does.add_parser("ask", help="ask Prometheus every query of the dashboards")
    asking.add_argument("url", nargs="?", default="http://127.0.0.1:9090", help="where it is (default: %(default)s)")
    asking.add_argument("--empty", action="store_true", help="also exit with 1 if a query returns nothing")
    args = parser.parse_args(arguments)
    return _write(args.check) if args.what == "write" else _ask(args.url, strict=args.empty)


def _write(check: bool) -> int:
    try:
        files = generated()
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed: pip install -e '.[dev]'", file=sys.stderr)
        return 2
    old = [path for path, text in files.items() if not _holds(DOCKER / path, text)]
    for path in old:
        if not check:
            (DOCKER / path).parent.mkdir(parents=True, exist_ok=True)
            (DOCKER / path).write_text(files[path], encoding="utf-8")
        print(f"docker/{path} {'is out of date' if check else 'written'}")
    return 1 if check and old else 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _ask(url: str, strict: bool) -> int:
    boards = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))
    if not boards:
        print("there are no dashboards: python -m pipelines.monitoring write", file=sys.stderr)
        return 2
    bad = 0
    for board in boards:
        try:
            answers = queries.ask(url, board.read_text(encoding="utf-8"))
        except queries.PrometheusAbsent as error:
            print(error, file=sys.stderr)
            return 2
        count = {found: sum(answer.found == found for answer in answers) for found in ("data", "empty", "error")}
        print(f"{board.stem}: {count['data']} with data, {count['empty']} empty, {count['error']} wrong")
        for answer in answers:
            if answer.found != "data":
                told = clean(answer.why) or answer.query.expr
                print(f"  {answer.found:5}  {answer.query.panel} ({answer.query.ref})  {told}")
        bad += count["error"] + (count["empty"] if strict else 0)
    return 1 if bad else 0


if __name__ == "__main__":
    run(main)
