"""What can be tuned stays within what the settings allow, whatever the configuration says."""

from __future__ import annotations

from itertools import product

import pytest
from annotated_types import Ge, Gt, Le, Lt
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.settings.errors import field_at
from pipelines.settings.model import Settings, SettingsError, load_settings
from pipelines.settings.tunable import PARAMETERS, SOUND, Parameter, apply, ranges, value_at


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.key)
def test_bounds_lie_within_those_of_the_settings_and_hold_the_default(parameter: Parameter) -> None:
    _, info = field_at(Settings, tuple(parameter.key.split(".")))
    assert info is not None
    assert parameter.why
    default = value_at(Settings(), parameter.key)
    if not parameter.step:
        assert isinstance(default, bool)
        return
    assert parameter.low <= default <= parameter.high
    assert isinstance(default, int) <= float(parameter.step).is_integer()
    for bound in info.metadata:
        assert not isinstance(bound, Ge) or parameter.low >= bound.ge
        assert not isinstance(bound, Gt) or parameter.low > bound.gt
        assert not isinstance(bound, Le) or parameter.high <= bound.le
        assert not isinstance(bound, Lt) or parameter.high < bound.lt


@settings(max_examples=40)
@given(
    st.fixed_dictionaries(
        {
            "turns.pause_complete": st.floats(0.1, 2),
            "turns.max_speculations": st.integers(1, 20),
            "asr.stop_history": st.integers(-1, 1200),
            "asr.stop_history_eou": st.integers(-1, 1100),
            "microphone.vad.onset": st.floats(0.01, 0.99),
            "microphone.vad.offset": st.floats(0.01, 0.99),
        }
    )
)
def test_every_combination_of_extremes_is_accepted_whatever_the_configuration(values: dict[str, float]) -> None:
    try:
        configured = apply(Settings(), values)
    except ValidationError:
        return  # no such configuration can be loaded
    found = ranges(configured)
    for one in found:
        assert one.current == value_at(configured, one.key)
        assert one.current in one.values
        assert list(one.values) == sorted(set(one.values))
    ends = {one.key: {one.values[0], one.values[-1]} for one in found}
    joint = ("microphone.vad.onset", "microphone.vad.offset")  # where one setting bounds another
    for extremes in product(*(ends[key] for key in joint if key in ends)):
        for end in (min, max):
            apply(configured, {key: end(both) for key, both in ends.items()} | dict(zip(joint, extremes, strict=False)))


def test_the_grid_goes_through_the_current_value_and_reaches_out_to_it() -> None:
    by_key = {one.key: one for one in ranges(load_settings(None, {"turns.pause_open": "1.93"}, {}))}
    assert by_key["turns.pause_open"].values[-1] == 1.93
    assert by_key["turns.pause_open"].values[0] == pytest.approx(0.23)
    assert by_key["turns.speculate"].values == (False, True)
    assert by_key["asr.stop_history_eou"].values == (160, 240, 320, 400)
    assert all(isinstance(value, int) for value in by_key["asr.stop_history_eou"].values)


def test_applying_changes_only_what_is_named_and_is_checked() -> None:
    before = load_settings("lab.yaml", environment={})
    after = apply(before, {"turns.pause_open": 0.4, "microphone.vad.offset_windows": 4})
    assert (after.turns.pause_open, after.microphone.vad.offset_windows) == (0.4, 4)
    assert after.asr == before.asr
    assert apply(after, {"turns.pause_open": 0.55, "microphone.vad.offset_windows": 2}) == before
    with pytest.raises(ValidationError, match="pause_open"):
        apply(before, {"turns.pause_open": 99})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("turns.pause_opne", "did you mean turns.pause_open?"),
        ("pause_complete", "did you mean turns.pause_complete?"),
        ("turns.barge_in_pause", "is a setting, but none that can be tuned"),
        ("zzz", "zzz cannot be tuned. --list shows what can."),
    ],
)
def test_what_cannot_be_tuned_is_told_with_what_was_meant(name: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ranges(Settings(), ["turns.pause_open", name, "yyy"])
    assert len(caught.value.lines) == 2
    assert expected in caught.value.lines[0]


def test_only_what_is_named_is_tuned_and_something_must_be_left() -> None:
    assert [one.key for one in ranges(Settings(), ["microphone.vad.onset", "turns.settle"])] == [
        "turns.settle",
        "microphone.vad.onset",
    ]
    models_own = load_settings(None, {"asr.stop_history_eou": "-1"}, {})
    assert "asr.stop_history_eou" not in {one.key for one in ranges(models_own)}
    with pytest.raises(SettingsError, match="nothing to tune"):
        ranges(models_own, ["asr.stop_history_eou"])


def test_what_has_to_be_wanted_is_tuned_where_it_is_named_or_on() -> None:
    assert SOUND not in {one.key for one in ranges(Settings())}
    (named,) = ranges(Settings(), [SOUND])
    assert named.values == pytest.approx((0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9))
    assert SOUND in {one.key for one in ranges(apply(Settings(), {SOUND: 0.3}))}
