"""Hard cases are found where something went wrong, nowhere else, and come back as soundbites that replay plays."""

import csv
import json
import stat
from dataclasses import replace

import numpy as np
import pytest
from planted_talks import plant

from pipelines.insights.ingest import ingest
from pipelines.insights.mining.clusters import clusters
from pipelines.insights.mining.kinds import KINDS, Turn, hard_cases
from pipelines.insights.mining.mine import HALVES, MOST_OF_A_CONVERSATION, half_of, mine, slow_stages
from pipelines.insights.mining.takes import Left, find, read
from pipelines.insights.sources import found
from pipelines.insights.tables import Insights
from pipelines.scenarios.loading import load_scenario

SLOW = {"llm": 1.0}
CONVERSATIONS = 10


@pytest.fixture(scope="module")
def talks(tmp_path_factory):
    """Ten conversations with each kind of trouble, in another order each."""
    root, kinds = tmp_path_factory.mktemp("takes"), list(KINDS)
    return root, [plant(root / f"talk{n}", n, kinds[n % 8 :] + kinds[: n % 8]) for n in range(CONVERSATIONS)]


def judged(planted):
    """By the second at which a turn's voice set in: what makes it a hard case."""
    told = read(planted.folder, Left())
    why = {hard.turn: set(hard.why) for hard in hard_cases(told.turns, SLOW)}
    starts = {turn.marks["voice_start"] - planted.began: why.get(turn.number, set()) for turn in told.turns
              if "voice_start" in turn.marks}  # fmt: skip
    return lambda at: next((kinds for start, kinds in starts.items() if abs(start - at) < 0.1), set())


def test_what_was_planted_is_found_and_nothing_else(talks):
    found, missed, calm, alarms = dict.fromkeys(KINDS, 0), [], 0, []
    for planted in talks[1]:
        kinds_at = judged(planted)
        for at, kind in planted.troubles.items():
            found[kind] += kind in kinds_at(at)
            missed += [(planted.folder.name, at, kind)] if kind not in kinds_at(at) else []
        calm += len(planted.calm)
        alarms += [(planted.folder.name, at, kinds_at(at)) for at in planted.calm if kinds_at(at)]
    assert {kind: n / CONVERSATIONS for kind, n in found.items()} == dict.fromkeys(KINDS, 1.0), missed
    assert calm == 9 * CONVERSATIONS
    assert not alarms


def test_each_case_is_a_folder_that_replay_plays(talks, tmp_path):
    root, _ = talks
    mined = mine(Insights(tmp_path / "tables"), find(root), tmp_path / "hard")
    assert mined.takes == CONVERSATIONS
    assert {case.half for case in mined.kept} == set(HALVES)
    for case in mined.kept:
        scenario = load_scenario(tmp_path / "hard" / case.half / case.name)
        (talk,) = scenario.talks
        assert any(line.name == f"{case.name}/turn_{case.turn:02}" for line in talk.lines)
        assert all(np.any(line.pcm) for line in talk.lines)
        assert not scenario.notes
    for half in HALVES:
        whole = load_scenario(tmp_path / "hard" / half)
        assert {talk.name for talk in whole.talks} == {case.name for case in mined.kept if case.half == half}
    assert not {case.conversation for case in mined.kept if case.half == "tune"} & {
        case.conversation for case in mined.kept if case.half == "prove"
    }
    assert mined.notes == ["no stage is called slow: the tables hold fewer than 1000 turns"]


def test_a_turn_without_a_voice_is_no_case_to_listen_to():
    """Such as hers, when she says that she is recorded, and somebody talks over it."""
    marks = {"played": 1.0, "silenced": 1.4}
    hers = Turn(1, "interrupted", "", marks, {}, faults=("tts: silent",))
    assert hard_cases([hers], {}) == []
    assert [hard.kind for hard in hard_cases([replace(hers, marks={**marks, "voice_start": 0.2})], {})] == [
        "interrupted"
    ]


def test_who_goes_on_over_her_goes_on_over_her_again(talks, tmp_path):
    root, _ = talks
    mined = mine(Insights(tmp_path / "tables"), find(root), tmp_path / "hard", kinds=("cutoff",))
    lines = [load_scenario(tmp_path / "hard" / case.half / case.name).talks[0].lines for case in mined.kept]
    whole = [line for (line, *_) in lines if line.seconds > 1.5]  # reopened: one line, with its pause inside
    over = [two for two in lines if len(two) > 1 and two[1].cue.kind == "over"]
    assert len(whole) >= 3
    assert len(over) >= 3


def test_what_is_kept_is_its_owners_alone(talks, tmp_path):
    mine(Insights(tmp_path / "tables"), find(talks[0]), tmp_path / "hard", kinds=("cutoff",))
    for path in (tmp_path / "hard").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("consent", ["numbers", "words"])
def test_without_consent_to_the_sound_nothing_is_mined(tmp_path, consent):
    plant(tmp_path / "takes" / "talk", 1, ["cutoff"], consent=consent)
    mined = mine(Insights(tmp_path / "tables"), find(tmp_path / "takes"), tmp_path / "hard")
    assert (mined.takes, mined.kept, mined.left.without_consent) == (0, [], 1)
    assert not list((tmp_path / "hard").rglob("*.wav"))


def test_a_take_that_names_no_conversation_is_left_out(tmp_path):
    folder = plant(tmp_path / "talk", 1, ["cutoff"]).folder
    rows = [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()]
    for row in rows:
        del row["conversation"]
    (folder / "turns.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "[[[\n")
    left = Left()
    assert read(folder, left) is None
    assert left.unnamed == 1


@pytest.mark.parametrize(
    "line",
    [
        '{"conversation": {"id": "../../x", "consent": "sound"}, "turn": 1, "outcome": "replied"}',
        '{"conversation": {"id": "ab", "consent": "sound"}, "turn": "1", "outcome": 3, "marks": [], "counts": 7}',
        '{"conversation": {"id": "ab", "consent": "sound"}, "turn": 1, "outcome": "replied", "marks": {"played": NaN}}',
        "[" * 100_000,
    ],
)
def test_a_hostile_line_does_no_harm(tmp_path, line):
    folder = plant(tmp_path / "takes" / "talk", 1, ["reprompt"]).folder
    (folder / "turns.jsonl").write_text(line + "\n")
    mined = mine(Insights(tmp_path / "tables"), find(tmp_path / "takes"), tmp_path / "hard")
    assert mined.kept == []
    assert {path.name for path in tmp_path.iterdir()} == {"takes", "hard"}


def test_nobodys_bad_day_is_all_there_is(tmp_path):
    plant(tmp_path / "takes" / "bad", 1, ["reprompt"] * (MOST_OF_A_CONVERSATION + 5))
    plant(tmp_path / "takes" / "good", 2, ["reprompt"], site="elsewhere")
    mined = mine(Insights(tmp_path / "tables"), find(tmp_path / "takes"), tmp_path / "hard")
    kept = [case.site for case in mined.kept]
    assert kept.count("lab") == MOST_OF_A_CONVERSATION
    assert kept.count("elsewhere") == 1
    assert mined.found["reprompt"] == MOST_OF_A_CONVERSATION + 6


def test_sites_share_the_places(tmp_path):
    plant(tmp_path / "takes" / "busy", 1, ["reprompt"] * 10)
    plant(tmp_path / "takes" / "calm", 2, ["reprompt"] * 3, site="elsewhere")
    mined = mine(Insights(tmp_path / "tables"), find(tmp_path / "takes"), tmp_path / "hard", most=6)
    assert sorted(case.site for case in mined.kept) == ["elsewhere"] * 3 + ["lab"] * 3


def test_slow_is_what_99_of_100_turns_are_faster_than(talks, tmp_path):
    """The tables say what is usual; the takes that are mined need not be usual themselves."""
    root, planted = talks
    usual = json.loads((planted[0].folder / "turns.jsonl").read_text().splitlines()[0])
    with (tmp_path / "ledgers.jsonl").open("w") as file:
        for number in range(1500):
            usual["turn"] = number + 1
            file.write(json.dumps(usual) + "\n")
    ingest(found([tmp_path / "ledgers.jsonl"]), tmp_path / "tables", keep_sound=14)
    assert slow_stages(Insights(tmp_path / "tables"))["llm"] == pytest.approx(0.12, rel=0.01)
    slow = {"llm": slow_stages(Insights(tmp_path / "tables"))["llm"]}
    for folder in find(root):
        found_slow = [hard for hard in hard_cases(read(folder, Left()).turns, slow) if "slow" in hard.why]
        assert "llm 1.60 s" in {hard.why["slow"] for hard in found_slow}


def test_takes_lie_some_folders_deep(tmp_path):
    plant(tmp_path / "2026-11-30" / "talk", 1, [])
    assert find(tmp_path) == [tmp_path / "2026-11-30" / "talk"]


def test_halves_are_even_and_settled():
    names = [f"{n:032x}" for n in range(2000)]
    halves = [half_of(name) for name in names]
    assert halves == [half_of(name) for name in names]
    assert 900 < halves.count("tune") < 1100


def test_words_that_are_misheard_alike_stand_together(tmp_path):
    root = tmp_path / "takes"
    for n in range(6):
        plant(root / f"talk{n}", n, ["misheard"])
    mined = mine(Insights(tmp_path / "tables"), find(root), tmp_path / "hard")
    assert mined.clusters == 1
    rows = list(csv.DictReader((tmp_path / "hard" / "clusters.csv").open()))
    assert len([row for row in rows if "copper pot" in row["text"] and row["cluster"] == "0"]) >= 4


def test_utterances_that_are_alike_are_a_cluster_and_others_are_not():
    names = ["call doctor nakamura", "call doctor nackamura", "call docter nakamora", "call dr nakamura"]
    found = clusters([*names, "what is the weather like", "play some jazz", "turn off the light in the hall"])
    assert found[:3] == [0, 0, 0]
    assert found[4:] == [-1, -1, -1]
    assert clusters(["one", "two"]) == [-1, -1]
