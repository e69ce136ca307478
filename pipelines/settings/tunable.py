"""What can be tuned, and within which bounds: the one place that says so.

Only settings whose good and bad sides both show in what is measured can be tuned. Measured are latency, false cut-offs,
wasted speculation and missed turns. Shortening ``turns.barge_in_pause``, for example, would look like a pure gain:
false interruptions are not measured. So such settings are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from pipelines.settings.layers import SettingsError, did_you_mean
from pipelines.settings.model import Settings, reference

Value = float | int | bool
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting that can be tuned, from ``low`` to ``high`` in ``step``; without a step it is switched on and off.

    ``below`` is a setting that it has to stay under, as the settings' own model demands. One that has to be ``wanted``
    is tuned where it is named, or is not 0: it needs something that others can do without.
    """

    key: str
    why: str
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    below: str | None = None
    wanted: bool = False


SOUND: Final = "turns.sound_veto"
"""Needs the turn model on audio, and 0.1 s of a core for each end of a voice that was not judged before."""

PARAMETERS: Final = (
    Parameter("turns.pause_complete", "each whole sentence waits for it", 0.1, 1.2, 0.02),
    Parameter("turns.pause_open", "words that give no hint wait for it", 0.2, 1.4, 0.05),
    Parameter("turns.pause_unfinished", "half sentences and fillers wait for it", 0.4, 2.4, 0.1),
    Parameter("turns.pause_learned_max", "patience with a hesitant user, paid by his other turns", 0.2, 2.0, 0.1),
    Parameter(SOUND, "what sounds as if more came waits longer, also where it is over", 0, 0.9, 0.1, wanted=True),
    Parameter("turns.speculate", "hides the mind and the voice behind the pause, for work that may be wasted"),
    Parameter("turns.max_speculations", "each further guess is likelier to be wasted", 1, 6, 1),
    Parameter("turns.settle", "asked sooner, the recogniser decides sooner, perhaps on half a word", 0.1, 1.0, 0.05),
    Parameter("turns.final_timeout", "the last word may still change the text", 0.1, 1.5, 0.1),
    Parameter(
        "asr.stop_history_eou",
        "a sooner stable partial speculates sooner, and more often in a pause that is none",
        160,
        400,
        80,
        below="asr.stop_history",
    ),
    Parameter("microphone.vad.onset", "higher: noise is no voice, but neither is a soft voice", 0.4, 0.8, 0.05),
    Parameter(
        "microphone.vad.offset",
        "higher: the end is found sooner, also in soft endings",
        0.1,
        0.5,
        0.05,
        below="microphone.vad.onset",
    ),
    Parameter("microphone.vad.offset_windows", "windows of 32 ms before a voice counts as stopped", 1, 8, 1),
)
"""Every setting that can be tuned. Bounds are those within which a person would still set it by hand."""


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a parameter may take, ascending; ``current``, what the configuration says, is one of them."""

    key: str
    current: Value
    values: tuple[Value, ...]
    why: str


def ranges(settings: Settings, only: Sequence[str] = ()) -> tuple[Range, ...]:
    """The values to try around ``settings``: for all parameters but those that nobody wants, or those in ``only``.

    A grid is laid through the current value, and reaches to it if it lies outside the bounds. Every combination of
    values is accepted by the settings' own models. Raises :class:`SettingsError`, one line for each name that cannot
    be tuned, and if nothing is left to tune.
    """
    found = {parameter.key: _range(parameter, settings) for parameter in _chosen(settings, only)}
    for parameter in PARAMETERS:
        if parameter.key in found and parameter.below:
            _keep_apart(found, parameter.key, parameter.below, value_at(settings, parameter.below))
    tunable = tuple(one for one in found.values() if len(one.values) > 1)
    if not tunable:
        told = ", ".join(found)
        raise SettingsError([f"There is nothing to tune: {told} can take no other value in this configuration."])
    return tunable


def objection(key: str, value: Value) -> str:
    """Why ``key`` may not be set to ``value`` by a program; empty if it may. The model's own rules come on top."""
    parameter = next((one for one in PARAMETERS if one.key == key), None)
    if parameter is None:
        return f"{key} is none of the settings that a program may change"
    if parameter.wanted:
        return f"{key} needs a model that may not be there"
    if not parameter.step:
        return "" if isinstance(value, bool) else f"{key} is true or false, not {value}"
    if isinstance(value, bool):
        return f"{key} is a number, not {value}"
    if not parameter.low <= value <= parameter.high:
        return f"{key} {value:g} lies outside {parameter.low:g} … {parameter.high:g}"
    return ""


def apply(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """``settings`` with ``values`` by dotted key; raises pydantic's ``ValidationError`` if a model refuses them."""
    return _changed(settings, {tuple(key.split(".")): value for key, value in values.items()})


def value_at(settings: Settings, key: str) -> Any:
    """What ``settings`` say about a dotted key."""
    found: Any = settings
    for part in key.split("."):
        found = getattr(found, part)
    return found


def _chosen(settings: Settings, only: Sequence[str]) -> Iterable[Parameter]:
    known = {parameter.key: parameter for parameter in PARAMETERS}
    wrong = [_unknown(name, known) for name in only if name not in known]
    if wrong:
        raise SettingsError(wrong)
    if only:
        return [known[key] for key in known if key in only]
    return [one for one in PARAMETERS if not one.wanted or value_at(settings, one.key)]


def _unknown(name: str, known: Iterable[str]) -> str:
    if name in {key for key, *_ in reference()}:
        return f"{name} is a setting, but none that can be tuned: what it costs is not measured here (see --list)."
    last = {key.rpartition(".")[2]: key for key in known}
    short = did_you_mean(name.rpartition(".")[2], last)
    guess = did_you_mean(name, known) or (last[short] if short else None)
    return f"{name} cannot be tuned{f'; did you mean {guess}?' if guess else '.'} --list shows what can."


def _range(parameter: Parameter, settings: Settings) -> Range:
    current = value_at(settings, parameter.key)
    if not parameter.step:
        values: tuple[Value, ...] = (False, True)
    elif current < 0:
        values = (current,)  # -1 leaves the choice to Riva's model, and how that chose is not known
    else:
        below = math.ceil((parameter.low - current) / parameter.step - 1e-9)
        above = math.floor((parameter.high - current) / parameter.step + 1e-9)
        steps = range(min(below, 0), max(above, 0) + 1)
        values = tuple(_rounded(current + n * parameter.step) if n else current for n in steps)
    return Range(parameter.key, current, values, parameter.why)


def _rounded(value: float) -> float:
    """Without what floating-point sums leave behind; whole numbers stay whole."""
    return value if isinstance(value, int) else round(value, 6)


def _keep_apart(found: dict[str, Range], key: str, above: str, limit: float) -> None:
    """Takes out values of ``key`` that are not below each value of ``above``, and the other way round."""
    one, other = found[key], found.get(above)
    if limit < 0:
        return  # left to Riva's model: nothing to compare with
    if other is not None:
        kept = tuple(value for value in other.values if value > one.current or value == other.current)
        found[above] = replace(other, values=kept)
        limit = min(kept)
    found[key] = replace(one, values=tuple(value for value in one.values if value < limit or value == one.current))


def _changed(model: M, changes: Mapping[tuple[str, ...], Value]) -> M:
    direct = {key[0]: value for key, value in changes.items() if len(key) == 1}
    groups = dict.fromkeys(key[0] for key in changes if len(key) > 1)
    nested = {
        group: _changed(getattr(model, group), {key[1:]: value for key, value in changes.items() if key[0] == group})
        for group in groups
    }
    copied = model.model_copy(update=nested)
    return type(model).model_validate({**dict(copied), **direct}) if direct else copied
