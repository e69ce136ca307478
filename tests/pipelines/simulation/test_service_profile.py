import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import profile

from pipelines.scenarios.loading import load_scenario
from pipelines.settings.layers import SettingsError
from pipelines.simulation.profile import (
    Reply,
    ServiceProfile,
    factor,
    find_profile,
    load_profile,
    profiles_folder,
    to_yaml,
)
from pipelines.simulation.services import reply_to, tokens_of

PUBLISHED = {  # streams: ASR, LLM TTFT, LLM first sentence, TTS TTFB; means in seconds (see the profile's own comment)
    1: (0.040, 0.126, 0.138, 0.078),
    4: (0.046, 0.061, 0.181, 0.066),
    8: (0.052, 0.062, 0.136, 0.066),
    16: (0.057, 0.105, 0.208, 0.068),
    32: (0.061, 0.073, 0.294, 0.080),
    64: (0.067, 0.156, 0.386, 0.110),
}
DELAY = st.one_of(
    st.floats(0, 10),
    st.floats(0.001, 1).map(lambda p50: {"p50": p50, "p95": 1.5 * p50}),
    st.lists(st.floats(0, 2), min_size=1, max_size=5).map(lambda samples: {"samples": samples}),
)

WRITTEN = """\
asr:
  final: 0.07
  forced: 0.03
llm:
  first_token: 0.12
  token: 0.015
  replies: [Yes., No.]
tts:
  first_sound: 0.08
  speed: 8
load:
  by: requests
"""


def written(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def mistakes(path):
    with pytest.raises(SettingsError) as caught:
        load_profile(path)
    return caught.value.lines


@pytest.mark.parametrize("name", sorted(file.stem for file in profiles_folder().glob("*.yaml")))
def test_what_is_shipped_is_read_and_says_what_it_is(name):
    shipped = load_profile(name)
    assert shipped.name == name
    assert shipped.about
    assert find_profile(f"{name}.yaml") == find_profile(name)


@pytest.mark.parametrize("name", ["exact", "nvidia-4xh100"])
def test_the_shipped_minds_give_the_replies_that_the_bundled_lines_expect(name):
    llm = load_profile(name).llm
    asked = [line for talk in load_scenario("bundled").talks for line in talk.lines if line.expect]
    for number, line in enumerate(asked):
        reply = reply_to(line.transcript, llm, number).text
        assert re.search(line.expect, reply, re.IGNORECASE), (line.name, reply)


@pytest.mark.parametrize("streams", PUBLISHED)
def test_the_published_means_are_met(streams):
    shipped = load_profile("nvidia-4xh100")
    llm, load = shipped.llm, shipped.load

    def mean(delay, factors):
        shares = [(i + 0.5) / 2000 for i in range(2000)]
        return sum(map(delay.at, shares)) / len(shares) * factor(factors, streams)

    first = mean(llm.first_token, load.first_token)
    found = (
        mean(shipped.asr.stable, load.asr),
        first,
        first + 15 * mean(llm.token, load.token),
        mean(shipped.tts.first_sound, load.first_sound),
    )
    assert found == pytest.approx(PUBLISHED[streams], abs=0.001)


@settings(max_examples=25)
@given(st.tuples(DELAY, DELAY, DELAY), st.dictionaries(st.integers(1, 500), st.floats(0.1, 20), max_size=5), st.text())
def test_a_profile_is_read_back_as_it_was_written(tmp_path_factory, delays, factors, about):
    stable, first, sound = delays
    before = profile(
        asr={"stable": stable},
        llm={"first_token": first, "replies": ["One.", {"text": "Two: {}", "question": "^two\\b|#"}]},
        tts={"first_sound": sound},
        face={"first_frame": 0.05, "speed": {"p50": 2, "p95": 3}},
        load={"by": "streams", "first_token": factors},
        about="".join(filter(str.isprintable, about)),
    )
    path = tmp_path_factory.mktemp("profile") / "written.yaml"
    path.write_text(to_yaml(before), encoding="utf-8")
    assert load_profile(path) == before


def test_a_profile_without_a_name_is_called_by_its_file(tmp_path):
    text = to_yaml(profile()).replace("name: exact\n", "")
    assert load_profile(written(tmp_path, text)).name == "mine"


def test_a_profile_that_is_not_there():
    with pytest.raises(SettingsError, match=r"There is no service profile exakt; did you mean exact.yaml\?"):
        load_profile("exakt")
    with pytest.raises(SettingsError, match="There is no service profile no/such/file"):
        load_profile("no/such/file")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("first_token:", "first_tokken:", "5: llm.first_tokken is not a setting; did you mean llm.first_token?"),
        ("0.12", "quick", "5: llm.first_token does not fit: it must be a number, {p50: …, p95: …} or {samples: […]}."),
        ("0.12", "-0.1", "5: llm.first_token does not fit: it must not be below 0."),
        ("0.12", "{p50: 0.3, p95: 0.2}", "5: llm.first_token does not fit: p50 must be above 0 and not above p95."),
        ("0.12", "{p50: 0.1, p59: 0.2}", "did you mean llm.first_token.p95?"),
        ("0.03", "{p50: 0.1, p59: 0.2}", "did you mean asr.forced.p95?"),
        ("speed: 8", "speed: 0", "10: tts.speed = 0 does not fit: it must be above 0."),
        ("speed: 8", "word: 0", "mine.yaml:8: tts.speed is missing."),
        ("by: requests", "first_token: {0: 2}", "load.first_token"),
        ("by: requests", "first_token: {4: -2}", "load.first_token"),
        ("by: requests", "by: users", "12: load.by = 'users' must be one of requests, streams."),
        ("[Yes., No.]", "[]", "7: llm.replies = [] does not fit: at least one reply is needed."),
    ],
)
def test_each_mistake_is_told_in_one_line_that_says_where(tmp_path, old, new, told):
    path = written(tmp_path, WRITTEN.replace(old, new, 1))
    lines = mistakes(path)
    assert any(told in line for line in lines), lines
    assert all(line.startswith(f"{path}:") for line in lines), lines
    assert not any("\n" in line for line in lines)


def test_a_question_that_is_no_expression(tmp_path):
    (line,) = mistakes(written(tmp_path, WRITTEN.replace("[Yes., No.]", "[{text: Yes., question: (}]")))
    assert "llm.replies" in line
    assert "no regular expression" in line


@settings(max_examples=40)
@given(st.dictionaries(st.integers(1, 100), st.floats(0.1, 10), min_size=1), st.integers(1, 120), st.integers(1, 120))
def test_more_load_never_makes_it_faster_if_the_factors_do_not_fall(factors, one, other):
    rising = dict(zip(sorted(factors), sorted(factors.values()), strict=True))
    few, many = sorted((one, other))
    assert factor(rising, few) <= factor(rising, many) + 1e-12
    assert min(rising.values()) <= factor(rising, few) <= max(rising.values())


def test_factors_are_met_and_interpolated():
    factors = {1: 1.0, 4: 2.5, 8: 3.0}
    assert [factor(factors, n) for n in (1, 2, 4, 6, 8, 100)] == [1.0, 1.5, 2.5, 2.75, 3.0, 3.0]
    assert factor({}, 7) == 1.0


def test_replies_fit_the_question_or_take_turns():
    llm = profile(
        llm={
            "replies": [{"text": "Ten.", "question": r"\btime\b"}, "First.", {"text": "Two.", "question": "2"}, "Last."]
        }
    ).llm
    assert reply_to("What TIME is it", llm, 3).text == "Ten."
    assert reply_to("seventeen times two", llm, 0).text == "First."
    assert [reply_to("hm", llm, line).text for line in range(4)] == ["First.", "Last.", "First.", "Last."]


@settings(max_examples=40)
@given(st.text(min_size=1).filter(str.strip), st.none() | st.floats(1, 20), st.none() | st.integers(1, 50))
def test_tokens_are_the_text(text, letters, number):
    reply = Reply(text=text, tokens=number)
    tokens = tokens_of(reply, letters)
    assert all(tokens)
    assert "".join(tokens) == text.rstrip()
    if number:
        assert len(tokens) == min(number, len(text.rstrip()))
    elif letters is None:
        assert len(tokens) == len(text.split())


def test_only_known_keys():
    with pytest.raises(ValueError, match="extra"):
        ServiceProfile.model_validate({**profile().model_dump(), "ears": {}})
