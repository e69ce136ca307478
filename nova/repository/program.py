"""Look after a Triton model repository.

python -m nova.models check                                    the models of this project
python -m nova.models check /models --json report.json         another repository
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nova.repository.check import Checked, Report, check
from nova.repository.findings import Level
from nova.repository.modelconfig import ConfigError

OURS = Path(__file__).parents[1] / "models"

SIGNS = {Level.ERROR: "✗", Level.WARNING: "!", Level.NOTE: "–"}

EXIT_CODES = """\
exit codes: 0 sound; 1 errors (with --strict: or warnings); 2 the command line, or no such folder
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m nova.models",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", required=True)
    c = commands.add_parser("check", help="whether a repository would load and answer, told without a server")
    c.add_argument("path", nargs="?", type=Path, default=OURS, help="the repository (default: nova/models)")
    c.add_argument("--strict", action="store_true", help="warnings count as errors")
    c.add_argument("--json", type=Path, metavar="FILE", help="write what was found")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    args = arguments().parse_args(argv)
    try:
        report = check(args.path)
        if args.json:
            args.json.write_text(json.dumps(as_dict(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"{args.json} cannot be written: {problem.strerror or problem}", file=sys.stderr)
        return 2
    print(shown(report))
    bad = report.count(Level.ERROR) + (report.count(Level.WARNING) if args.strict else 0)
    return int(bad > 0)


def shown(report: Report) -> str:
    """The report as lines for people."""
    lines = []
    for model in report.models:
        errors = [finding for finding in model.findings if finding.level is Level.ERROR]
        lines.append(f"{'✗' if errors else '✓'} {model.name:<16}{_about(model)}")
        lines += [f"    {SIGNS[f.level]} {f.where}: {f.text}" for f in model.findings]
    lines += [f"{SIGNS[f.level]} {f.where}: {f.text}" for f in report.findings]
    counts = [f"{report.count(level)} {level}{'' if report.count(level) == 1 else 's'}" for level in Level]
    lines.append(f"{len(report.models)} models: {', '.join(counts)}")
    return "\n".join(lines)


def as_dict(report: Report) -> dict[str, object]:
    """The report as plain data."""
    return dataclasses.asdict(report)


def _about(model: Checked) -> str:
    if not model.backend:
        return "unreadable"
    served = f"{', '.join(map(str, model.served)) or 'none'}"
    versions = f"version {served}" + (f" of {len(model.versions)}" if len(model.versions) > len(model.served) else "")
    talk = f"{model.adapter} tensors, {'streams' if model.streams else 'whole answers'}" if model.adapter else "no mind"
    return f"{model.backend}, {versions}, {talk}"
