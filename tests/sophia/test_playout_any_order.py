"""The playout against the plainest model of one, in any order of operations."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from playout_bench import RAMP, RATE

from pipelines.virtual_time import run
from sophia.playout import Playout
from sophia.playout_events import PlayoutFinished


class Model:
    """What should come out: for each sample its (generation, index), or None; and where a ramp may touch it."""

    def __init__(self):
        self.tracks = {}
        self.newest = 0
        self.paused = False
        self.live = False
        self.dirty = 0  # samples from here on that a ramp may touch
        self.ducked = False
        self.heard = {}

    def active(self):
        return next((g for g, t in self.tracks.items() if t["released"]), None)

    def drop_held(self, before):
        for g in [g for g, t in self.tracks.items() if g < before and not t["released"]]:
            self.heard[g] = self.tracks.pop(g)["top"]

    def calm(self):
        self.paused = self.live = self.ducked = False

    def touch(self):
        self.dirty = RAMP

    def pull(self, count):
        out = []
        for _ in range(count):
            sample, soft = None, self.dirty > 0 or self.ducked
            while (g := self.active()) is not None and not self.paused:
                t = self.tracks[g]
                if t["cursor"] < t["pushed"]:
                    if t["gap"]:
                        t["gap"] = False
                        self.touch()
                        soft = True
                    sample = (g, t["cursor"])
                    t["cursor"] += 1
                    t["top"] = max(t["top"], t["cursor"])
                    self.live = True
                elif t["finished"]:
                    self.heard[g] = self.tracks.pop(g)["top"]
                    self.calm()
                    soft = self.dirty > 0
                    continue
                elif t["top"]:
                    if not t["gap"]:
                        t["gap"] = True
                        if self.live:
                            self.touch()
                            soft = True
                    self.live = False
                break
            if sample is None:
                self.live = False
            out.append((sample, soft))
            self.dirty = max(0, self.dirty - 1)
        return out


def value(generation, index):
    """A sample that says whose it is."""
    return np.int16(generation * 1000 + index % 997 + 1)


operation = st.one_of(
    st.tuples(st.just("open"), st.none()),
    st.tuples(st.just("push"), st.integers(0, 40)),
    st.tuples(st.just("push older"), st.integers(0, 40)),
    st.tuples(st.just("finish"), st.integers(0, 2)),
    st.tuples(st.just("release"), st.integers(0, 2)),
    st.tuples(st.just("clear"), st.one_of(st.none(), st.integers(0, 2))),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("resume"), st.integers(0, 30)),
    st.tuples(st.just("duck"), st.none()),
    st.tuples(st.just("unduck"), st.none()),
    st.tuples(st.just("pull"), st.integers(1, 50)),
).map(lambda one: [one])
reply = st.tuples(st.integers(5, 90), st.integers(1, 50)).map(
    lambda n: [("open", None), ("push", n[0]), ("release", 0), ("pull", n[1])]
)
hold = st.tuples(st.integers(1, 30), st.integers(0, 30), st.integers(1, 50)).map(
    lambda n: [("pause", None), ("pull", n[0]), ("resume", n[1]), ("pull", n[2])]
)
more = st.tuples(st.integers(1, 40), st.integers(1, 50)).map(lambda n: [("push", n[0]), ("pull", n[1])])
story = st.lists(st.one_of(operation, reply, hold, more), min_size=8, max_size=40).map(
    lambda parts: [one for part in parts for one in part]
)


async def play_both(operations):
    events = []
    playout = Playout(RATE, events.append)
    model = Model()
    now = 0.0
    for name, argument in operations:
        if name in ("push", "push older"):
            g = model.newest - (name == "push older")
            track = model.tracks.get(g)
            able = track is not None and not track["finished"]
            start = track["pushed"] if track else 0
            pcm = np.array([value(g, start + i) for i in range(argument)], np.int16)
            assert await playout.push(g, pcm) == able
            if able:
                track["pushed"] += argument
        elif name == "open":
            if model.newest >= 30:
                continue
            model.newest += 1
            model.drop_held(model.newest)
            model.tracks[model.newest] = {
                "pushed": 0, "cursor": 0, "top": 0, "finished": False, "released": False, "gap": False,
            }  # fmt: skip
            playout.open(model.newest)
        elif name == "finish":
            playout.finish(model.newest - argument)
            if track := model.tracks.get(model.newest - argument):
                track["finished"] = True
        elif name == "release":
            g = model.newest - argument
            assert playout.release(g) == (g in model.tracks)
            if g in model.tracks:
                model.tracks[g]["released"] = True
        elif name == "clear":
            g = model.active() if argument is None else model.newest - argument
            if g in model.tracks:
                if g == model.active():
                    if model.live:
                        model.touch()
                    model.calm()
                model.heard[g] = model.tracks.pop(g)["top"]
            result = playout.clear(None if argument is None else model.newest - argument)
            assert result == model.heard.get(g, 0)
        elif name == "pause":
            able = model.active() is not None and not model.paused
            assert playout.pause() == able
            if able:
                if model.live:
                    model.touch()
                model.paused, model.live = True, False
        elif name == "resume":
            able = model.active() is not None and model.paused
            assert playout.resume(argument / RATE) == able
            if able:
                track = model.tracks[model.active()]
                track["cursor"] = max(0, track["cursor"] - argument)
                model.paused = False
                model.touch()
        elif name == "duck":
            playout.duck()
            model.ducked = model.active() is not None
        elif name == "unduck":
            playout.unduck()
            if model.ducked:
                model.ducked = False
                model.touch()
        else:
            block = playout.pull(argument, now)
            now += argument / RATE
            for got, (sample, soft) in zip(block, model.pull(argument), strict=True):
                if not soft:
                    assert got == (0 if sample is None else value(*sample))
        assert playout.active == model.active()
        assert playout.paused == model.paused
        for g, track in model.tracks.items():
            assert playout.heard(g) == track["top"]
        for g, heard in model.heard.items():
            assert playout.heard(g) == heard
    finished = [event.generation for event in events if isinstance(event, PlayoutFinished)]
    assert finished == sorted(set(finished))


@given(story)
@settings(max_examples=200, deadline=None)
def test_any_order_of_operations(operations):
    run(play_both(operations))
