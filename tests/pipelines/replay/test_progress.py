"""How a replay is shown while it goes: lines where there is no terminal, a bar where there is one, nothing obeyed."""

import io

from rich.console import Console

from pipelines.records.results import Turn, Unit
from pipelines.replay.progress import ShownProgress


def turn(**changes):
    facts = {
        "talk": "t", "line": 0, "name": "a", "round": 0, "session": 0, "at": 0.0, "seconds": 1.0, "voiced": None,
        "outcome": "answered", "voice_to_voice": 0.5,
    }  # fmt: skip
    return Turn(**{**facts, **changes})


def shown(*turns, terminal=False):
    out = io.StringIO()
    with ShownProgress(Console(file=out, force_terminal=terminal, width=100)) as progress:
        progress.begin(len(turns))
        for one in turns:
            progress.turn(one)
        progress.unit(Unit(0, 0, 0), list(turns))
        progress.note("the voice [red]hesitates[/red]\x1b]0;owned\x07")
    return out.getvalue(), progress


def test_without_a_terminal_each_talk_is_a_line():
    told, progress = shown(turn(), turn(line=1, voice_to_voice=0.7))
    assert "2/2  round 1 t: p50 600 ms" in told
    assert len(progress.turns) == 2


def test_what_went_wrong_is_told_with_its_reason():
    told, _ = shown(turn(outcome="missed", voice_to_voice=None, reason="the mind is down"))
    assert "1 missed" in told
    assert "a: missed, the mind is down" in told


def test_markup_and_control_characters_are_text():
    told, _ = shown(turn())
    assert "the voice [red]hesitates[/red]" in told
    assert "\x1b" not in told
    assert "\x07" not in told


def test_on_a_terminal_there_is_a_bar_and_no_line_for_a_talk():
    told, _ = shown(turn(), terminal=True)
    assert "Replaying" in told
    assert "round 1 t" not in told
