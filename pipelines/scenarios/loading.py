"""Loads what is replayed: bundled talks, a folder of WAV files, one WAV file, a recording, or a script.

``docs/scenarios.md`` tells what may be written in each. Everything is input from outside, and sizes are bounded. What
cannot be used ends in one line that names the file, the line and what to change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipelines.home import expanded
from pipelines.scenarios.manifest import NAMES as MANIFESTS
from pipelines.scenarios.manifest import read_manifest
from pipelines.scenarios.recorded import is_recording, load_recording
from pipelines.scenarios.rendering import Renderer
from pipelines.scenarios.scenario import Scenario, ScenarioError
from pipelines.scenarios.script import read_script
from pipelines.scenarios.spec import LineSpec, Talk, TalkSpec, Unreadable, printable
from pipelines.settings.layers import did_you_mean
from pipelines.takes.tool_results import FILE as TOOLS
from pipelines.takes.tool_results import ToolResult, read_results

BUNDLED: Final = Path(__file__).parents[1] / "soundbites" / "talks"
"""The scripts that come with the project. Their sounds were made by its own engines and lie beside them."""

_TOLD = 8  # mistakes of one source; the rest is counted
_MOST_FILES = 1000


def load_scenario(source: str | Path, *, language: str = "en-US") -> Scenario:
    """What ``source`` names, ready to be played.

    ``source`` is ``"bundled"`` or one of its talks (``"bundled/pauses"``), a folder of WAV files with or without a
    manifest, one WAV file, a folder that ``--record`` made, or a script (``*.yaml``). ``language`` is what the loop
    listens for; a line in another one is played all the same, and noted. What was overlooked is in
    ``Scenario.notes``. Reads files and may speak, so it blocks; may be called from a running event loop. Raises
    :class:`ScenarioError`.
    """
    try:
        if isinstance(source, str) and (source == "bundled" or source.startswith("bundled/")):
            return _bundled(source, language)
        return _load(expanded(source), language)
    except Unreadable as error:
        told = list(error.lines[:_TOLD])
        if (more := len(error.lines) - _TOLD) > 0:
            told.append(f"and {more} more")
        raise ScenarioError(printable("; ".join(told))) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte in it
        why = error.strerror if isinstance(error, OSError) else None
        raise ScenarioError(
            printable(f"{source} cannot be read: {why or error}; check the path and its rights")
        ) from None


def bundled_talks() -> list[str]:
    """Names of what comes with the project, each loadable as ``bundled/NAME``."""
    return sorted(path.stem for path in BUNDLED.glob("*.yaml"))


def _bundled(source: str, language: str) -> Scenario:
    names = bundled_talks()
    if source != "bundled":
        name = source.partition("/")[2]
        if name not in names:
            guess = did_you_mean(name, names)
            raise Unreadable(
                [
                    f"there is no {source}; "
                    + (f"did you mean bundled/{guess}?" if guess else f"there are {', '.join(names)}")
                ]
            )
        names = [name]
    talks = [talk for name in names for talk in read_script(BUNDLED / f"{name}.yaml")]
    return Renderer(BUNDLED, language).scenario(source, talks)


def _load(path: Path, language: str) -> Scenario:
    if not path.exists():
        near = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
        guess = did_you_mean(path.name, near)
        raise Unreadable(
            [
                f"{path} is not there; "
                + (
                    f"did you mean {path.parent / guess}?"
                    if guess
                    else "name a folder, a WAV file, a script (*.yaml) or bundled"
                )
            ]
        )
    if path.is_dir():
        return _folder(path, language)
    if path.name in MANIFESTS:
        return _with_manifest(path, language)
    if path.suffix.lower() == ".wav":
        talk = Talk(TalkSpec(name=_name(path.stem), lines=(LineSpec(wav=Path(path.name)),)), [str(path.parent)])
        return Renderer(path.parent, language).scenario(path.stem, [talk])
    if path.suffix.lower() in (".yaml", ".yml"):
        return Renderer(path.parent, language).scenario(path.stem, read_script(path))
    raise Unreadable([f"{path} is neither a folder, a WAV file nor a script (*.yaml); name one of these"])


def _folder(path: Path, language: str) -> Scenario:
    if is_recording(path):
        return load_recording(path, _title(path))
    manifests = [path / name for name in MANIFESTS if (path / name).is_file()]
    if len(manifests) > 1:
        raise Unreadable([f"{path} holds {manifests[0].name} and {manifests[1].name}; keep one"])
    if manifests:
        return _with_manifest(manifests[0], language)
    wavs = _wavs(path)
    if not wavs:
        scripts = sorted(str(script) for script in path.glob("*.y*ml"))
        hint = f"name one of its scripts: {', '.join(scripts[:5])}" if scripts else "put WAV files into it"
        raise Unreadable([f"{path} holds no WAV file; {hint}"])
    if len(wavs) > _MOST_FILES:
        raise Unreadable([f"{path} holds {len(wavs)} WAV files, more than {_MOST_FILES}; name a smaller folder"])
    spec = TalkSpec(name=_name(_title(path)), lines=tuple(LineSpec(wav=Path(wav.name)) for wav in wavs))
    return Renderer(path, language).scenario(_title(path), [Talk(spec, [str(path)] * len(wavs))])


def _with_manifest(manifest: Path, language: str) -> Scenario:
    folder = manifest.parent
    talks = read_manifest(manifest)
    lines = [line for talk in talks for line in talk.spec.lines]
    named = {folder / line.wav for line in lines if line.wav} | {
        folder / line.noise.source for line in lines if line.noise
    }
    stage = Renderer(folder, language)
    if left := [wav.name for wav in _wavs(folder) if wav not in named]:
        few = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        stage.notes.append(f"not in {manifest.name} and not played: {few}")
    scenario = stage.scenario(_title(folder), talks)
    results = [_results(folder, talk) for talk in talks]
    return replace(
        scenario,
        talks=[replace(made, tools=said) for made, said in zip(scenario.talks, results, strict=True)],
    )


def _results(folder: Path, talk: Talk) -> tuple[ToolResult, ...] | None:
    """What tools said in the talk, if it was cut out of a recording."""
    places = {(folder / line.wav).parent for line in talk.spec.lines if line.wav}
    found = [place / TOOLS for place in sorted(places) if (place / TOOLS).is_file()]
    try:
        return tuple(result for file in found for result in read_results(file)) if found else None
    except ValueError as error:
        raise Unreadable([f"{error}; write it anew with pipelines.insights mine"]) from None


def _wavs(folder: Path) -> Sequence[Path]:
    """The WAV files of a folder; ``2.wav`` comes before ``10.wav``. Hidden ones, which some systems leave, do not."""
    found = (path for path in folder.iterdir() if path.suffix.lower() == ".wav" and not path.name.startswith("."))
    return sorted(found, key=lambda path: [(int(p), "") if p[0] in "0123456789" else (0, p) for p in _parts(path.name)])


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"([0-9]+)", name.lower()) if part]


def _title(folder: Path) -> str:
    return folder.absolute().name or "soundbites"


def _name(text: str) -> str:
    return printable(text)[:80] or "talk"
