"""A checked repository as lines for people and as plain data."""

from __future__ import annotations

import dataclasses

from nova.repository.check import Checked, Report
from nova.repository.findings import Level

SIGNS = {Level.ERROR: "✗", Level.WARNING: "!", Level.NOTE: "–"}


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
