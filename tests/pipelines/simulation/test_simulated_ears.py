import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import noise_line, profile

from pipelines.records.results import Unit
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Talk
from pipelines.simulation.chance import Chance
from pipelines.simulation.ears import TwoPassRecognizer, windows, words_of
from pipelines.simulation.service_load import ServiceLoad
from pipelines.virtual_time import run
from sophia.recognition_wire import RecognizerSettings

ORDER = [("where", 0.2, 0.5), ("is", 0.5, 0.7), ("my", 0.7, 0.9), ("order", 0.9, 1.4)]
PAUSED = [("what", 0.1, 0.4), ("is", 0.4, 0.6), ("seventeen", 1.0, 1.5), ("times", 2.3, 2.7)]


def recognise(lines, told=None, *, finish=(), seconds=6.0, seed=0, **asked):
    """What a recogniser says, with when, to ``(at, line)`` pairs; it is asked for the final at the times ``finish``."""
    told, heard = told or profile(), []
    caller = Caller(Talk("talk", [line for _, line in lines]))

    async def main():
        loop = asyncio.get_running_loop()
        recognizer = TwoPassRecognizer(
            caller,
            words={id(line): words_of(line) for _, line in lines},
            profile=told,
            settings=RecognizerSettings(**asked),
            chance=Chance(seed, Unit(0, 0, 0), lambda: max(0, len(caller.said) - 1)),
            load=ServiceLoad(told.load),
        )

        async def read():
            async for transcript in recognizer.transcripts():
                heard.append((round(loop.time(), 6), transcript))

        reading = asyncio.create_task(read())
        for at, line in lines:
            caller.say(line, at)
        for at in finish:
            loop.call_at(at, recognizer.finish_utterance)
        async for frame in caller.frames():
            recognizer.push(frame)
            if frame.end >= seconds:
                break
        await recognizer.aclose()
        await reading
        assert recognizer.dropped == 0

    run(main())
    return heard


def told(heard):
    """Stable partials and finals: when, what, which."""
    kinds = [(at, t.text, "final" if t.final else "stable") for at, t in heard if t.final or t.stable]
    return [(pytest.approx(at, abs=1e-6), text, kind) for at, text, kind in kinds]


def test_two_passes_end_an_utterance():
    heard = recognise([(1.0, noise_line(ORDER))])
    text = "where is my order"
    assert told(heard) == [(1 + 1.4 + 0.24 + 0.06, text, "stable"), (1 + 1.4 + 0.5 + 0.07, text, "final")]
    final = heard[-1][1]
    assert [(word.text, round(word.start, 6), round(word.end, 6)) for word in final.words] == [
        (text, start + 1, end + 1) for text, start, end in ORDER
    ]
    assert final.audio_processed == pytest.approx(1 + 1.4 + 0.5)


def test_interims_grow_word_by_word_soon_after_each():
    interims = [(at, t.text) for at, t in recognise([(1.0, noise_line(ORDER))]) if not t.final and not t.stable]
    assert interims == [
        (1.55, "where"),
        (1.75, "where is"),
        (1.95, "where is my"),
        (2.45, "where is my order"),
    ]


def test_ears_that_find_out_the_language_tell_that_of_the_line():
    lines = [(1.0, replace(noise_line(ORDER), language="de-DE")), (4.0, noise_line(ORDER))]
    assert {t.language for _, t in recognise(lines, language="auto") if t.final} == {"de-DE", ""}
    assert {t.language for _, t in recognise(lines, language="fr-FR")} == {"fr-FR"}


def test_the_windows_are_the_configured_ones():
    heard = recognise([(1.0, noise_line(ORDER))], stop_history=800, stop_history_eou=400)
    assert [at for at, _, _ in told(heard)] == [2.4 + 0.4 + 0.06, 2.4 + 0.8 + 0.07]
    assert windows(RecognizerSettings(stop_history=-1, stop_history_eou=-1)) == (0.24, 0.5)
    assert windows(RecognizerSettings(stop_history=640, stop_history_eou=-1)) == (0.24, 0.64)


def test_a_pause_gives_half_a_sentence_and_the_text_goes_on():
    heard = recognise([(1.0, noise_line(PAUSED))])
    assert told(heard) == [
        (1 + 0.6 + 0.3, "what is", "stable"),
        (1 + 1.5 + 0.3, "what is seventeen", "stable"),
        (1 + 1.5 + 0.57, "what is seventeen", "final"),
        (1 + 2.7 + 0.3, "times", "stable"),
        (1 + 2.7 + 0.57, "times", "final"),
    ]


def test_being_asked_closes_the_utterance_at_once_and_only_once():
    heard = recognise([(1.0, noise_line(PAUSED))], finish=(2.7, 2.71, 5.5))
    assert told(heard)[1:] == [
        (2.7 + 0.03, "what is seventeen", "final"),  # its stable partial, due at 2.8, is not told any more
        (3.7 + 0.3, "times", "stable"),
        (3.7 + 0.57, "times", "final"),
    ]


def test_a_word_that_is_being_said_belongs_to_what_follows():
    heard = recognise([(1.0, noise_line(ORDER))], finish=(2.0,))
    assert [text for _, text, kind in told(heard) if kind == "final"] == ["where is my", "order"]


def test_a_slow_interim_never_comes_after_what_makes_it_superfluous():
    slow = profile(asr={"interim": 0.9})
    heard = recognise([(1.0, noise_line(ORDER))], slow)
    assert [(t.text, t.final or t.stable) for _, t in heard] == [
        ("where", False),
        ("where is", False),
        ("where is my order", True),
        ("where is my order", True),
    ]


def test_noise_is_not_told_of():
    assert recognise([(1.0, noise_line([]))]) == []


def test_a_service_without_a_first_pass_gives_finals_only():
    assert [kind for _, _, kind in told(recognise([(1.0, noise_line(ORDER))], profile(asr={"stable": None})))] == [
        "final"
    ]


def test_of_two_who_talk_at_once_the_words_come_by_time():
    other = noise_line([("close", 0.1, 0.6), ("it", 0.6, 1.0)])
    heard = recognise([(1.0, noise_line(ORDER)), (1.5, other)])
    assert told(heard)[-1] == (1.5 + 1.0 + 0.57, "where is my close order it", "final")


def test_an_early_recogniser_is_not_earlier_than_its_sound():
    early = profile(asr={"stable": -0.03, "final": -1.0})
    (stable, final) = told(recognise([(1.001, noise_line(ORDER))], early))
    assert stable[0] == 2.66  # 2.401 + 0.24 - 0.03 would be before the frame that tells of the silence
    assert final[0] == 2.92


def test_the_network_and_the_load_come_on_top():
    slow = profile(network=0.02, load={"asr": {1: 3}})
    assert told(recognise([(1.0, noise_line(ORDER))], slow))[0][0] == 2.4 + 0.24 + 3 * 0.06 + 2 * 0.02


def test_words_are_misheard_as_often_as_told():
    words = [(f"w{i}", 0.1 * i, 0.1 * i + 0.1) for i in range(300)]
    hasty = profile(asr={"word_error_rate": 0.2})
    text = recognise([(0.5, noise_line(words))], hasty, seconds=32)[-1][1].text.split()
    wrong = 1 - len({*text}) / 300
    assert 0.1 < wrong < 0.3
    assert len(text) < 300  # some are lost, some taken for others
    assert len(text) > len({*text})


@settings(max_examples=40)
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.6, 0.9]), min_size=1, max_size=8),
    finish=st.lists(st.floats(0.5, 6), max_size=3),
    spread=st.floats(1.0, 4.0),
    seed=st.integers(0, 1000),
)
def test_every_word_is_final_exactly_once_and_nothing_is_told_too_early(gaps, finish, spread, seed):
    words, at = [], 0.1
    for number, gap in enumerate(gaps):
        words.append((f"w{number}", round(at, 3), round(at + 0.3, 3)))
        at += 0.3 + gap
    delay = {"p50": 0.05, "p95": 0.05 * spread}
    likely = profile(asr={"interim": delay, "stable": delay, "final": delay, "forced": delay})
    heard = recognise([(0.5, noise_line(words))], likely, finish=finish, seconds=0.5 + at + 2.5, seed=seed)
    finals = [t for _, t in heard if t.final]
    assert " ".join(t.text for t in finals).split() == [word[0] for word in words]
    assert all(one <= other for (one, _), (other, _) in pairwise(heard))
    open_since = 0
    for when, transcript in heard:
        said = transcript.text.split()
        assert said == [f"w{open_since + i}" for i in range(len(said))]  # always a piece of the open utterance
        last = words[open_since + len(said) - 1]
        assert when >= 0.5 + last[2]
        if transcript.stable:
            assert when >= 0.5 + last[2] + 0.24
        if transcript.final:
            open_since += len(said)
