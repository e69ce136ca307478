"""New versions on the real server: placed, tried beside the old, taken over, taken back."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

import grpc
import pytest
from repository_server import ADMIN, copy_model, served

from nova.errors import ModelError
from nova.mind import Message
from nova.repository import serving, versions
from nova.repository.control import Loaded, ModelControl, Refused
from nova.repository.modelconfig import ConfigError
from nova.repository.rollout import Rollout, Unjudged, tried
from nova.services.triton_client import TritonMind, TritonSettings
from pipelines import virtual_time
from pipelines.models import _keep

pytestmark = pytest.mark.timeout(60)

TALKS = [[Message("user", text)] for text in ("what is 1 plus 1", "what is 2 plus 3")]


def changed(model: Path, file: str, text: str) -> Callable[[Path], None]:
    """Fills a version with that of version 1, one file replaced."""

    def fill(folder: Path) -> None:
        versions.copy_of(model / "1")(folder)
        (folder / file).write_text(text)

    return fill


def metadata() -> Sequence[tuple[str, str]]:
    name, _, value = ADMIN.partition("=")
    return [(f"triton-grpc-protocol-{name}", value)]


@pytest.mark.services
async def test_a_candidate_is_tried_taken_over_and_taken_back(tmp_path: Path) -> None:
    model = copy_model("nova", tmp_path / "repository")
    config = model / "config.pbtxt"
    config.write_text(config.read_text().replace('string_value: "15"', 'string_value: "8"'))  # token_ms
    with served(tmp_path, "nova", restricted=True) as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            control = ModelControl(channel, metadata)
            rollout = Rollout(model, control)

            def mind(version: int | str) -> TritonMind:
                return TritonMind(channel, TritonSettings(version=str(version), tell_time=False))

            async def says(version: int | str = "") -> str:
                async with aclosing(mind(version).reply(TALKS[0])) as pieces:
                    return "".join([piece async for piece in pieces])

            async def states() -> dict[int, str]:
                return {loaded.version: loaded.state for loaded in await control.index("nova")}

            # Placed, and not served: not even by a load of the model.
            assert versions.place(model, changed(model, "talk.py", "def answer(prompt):\n    return 'New.'\n")) == 2
            await control.load("nova")
            assert await states() == {1: "READY"}

            # A reply of the stable version goes on while the candidate is loaded, and through the promotion.
            async with aclosing(mind(1).reply([Message("user", "tell me a story")])) as story:
                begun = await anext(story)
                await rollout.canary(1, 2)
                assert await states() == {1: "READY", 2: "READY"}
                assert "2" in await says(1)
                assert (await says(2), await says()) == ("New.", "New.")  # whoever names no version gets the newest
                trial = await tried(mind, 1, 2, TALKS)
                assert trial.reasons == ()
                assert [a.text for a in trial.stable] != [a.text for a in trial.candidate]
                await rollout.serve(2)
                assert len(begun + "".join([piece async for piece in story])) > 100
            assert await says() == "New."
            with pytest.raises(grpc.aio.AioRpcError, match="version 1 is not at ready state"):
                await says(1)

            await rollout.serve(1)  # rollback
            assert "2" in await says()
            assert versions.served(model) == [1]

            # One that cannot be loaded: the stable version is alone again, as if nothing had happened.
            broken = versions.place(model, changed(model, "model.py", "raise RuntimeError('no such weights')\n"))
            with pytest.raises(Refused, match="no such weights"):
                await rollout.canary(1, broken)
            assert versions.served(model) == [1]
            assert "2" in await says()

            # Nor does a promotion past the canary leave it pinned, where the next restart would find nothing to serve.
            with pytest.raises(Refused, match="no such weights"):
                await serving.decide(rollout, "promote", broken)
            assert versions.served(model) == [1]
            assert (await states())[1] == "READY"
            assert "2" in await says()

            # One that loads and says nothing is told from one that is good.
            silent = versions.place(model, changed(model, "talk.py", "def answer(prompt):\n    return ''\n"))
            await rollout.canary(1, silent)
            assert (await tried(mind, 1, silent, TALKS)).reasons == (
                "2 of 2 answers said nothing, the stable version's 0",
            )
            await rollout.serve(1)

            with pytest.raises(Refused, match="wants a key"):
                await ModelControl(channel).load("nova")


def test_a_version_is_complete_or_not_there(tmp_path: Path) -> None:
    model = copy_model("nova", tmp_path)

    def fails(folder: Path) -> None:
        (folder / "model.py").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(versions.ConfigError, match="No space left"):
        versions.place(model, fails)
    assert versions.present(model) == [1]
    assert not list(model.glob(".placing*"))
    assert versions.served(model) == [1]


def test_two_at_once_get_numbers_of_their_own(tmp_path: Path) -> None:
    model = copy_model("nova", tmp_path)

    def fill(folder: Path) -> None:
        versions.copy_of(model / "1")(folder)
        if not (model / "2").exists():
            shutil.copytree(model / "1", model / "2")  # somebody else was faster

    assert versions.place(model, fill) == 3
    assert versions.served(model) == [1]


def test_what_was_served_is_pinned_before_a_version_appears(tmp_path: Path) -> None:
    model = copy_model("nova", tmp_path)
    shutil.copytree(model / "1", model / "4")
    assert versions.served(model) == [4]
    assert versions.place(model, versions.copy_of(model / "1")) == 5
    assert versions.served(model) == [4]
    with pytest.raises(versions.ConfigError, match="nova has no version 9"):
        versions.pin(model, [4, 9])


def test_merged_weights_become_a_version(tmp_path: Path) -> None:
    model = copy_model("nova_vllm", tmp_path)
    weights = tmp_path / "merged"
    with pytest.raises(versions.ConfigError, match="is no folder of weights"):
        versions.engine_version(model, weights)
    weights.mkdir()
    with pytest.raises(versions.ConfigError, match=r"have no config\.json"):
        versions.engine_version(model, weights)
    for name in ("config.json", "tokenizer_config.json", "model.safetensors"):
        (weights / name).touch()
    number = versions.place(model, versions.engine_version(model, weights, seen_as="/models/nova-llm-2"))
    assert number == 2
    found = versions.engines.arguments(model / "2" / "model.json")
    assert found == {**versions.engines.arguments(model / "1" / "model.json"), "model": "/models/nova-llm-2"}


class Control(ModelControl):
    """Notes which versions were pinned at each load; the first one does what it is told to."""

    def __init__(self, model: Path, first: Exception | None = None, *, ready: bool = True) -> None:
        self.folder, self.first, self.is_ready = model, first, ready
        self.loads: list[list[int]] = []
        self.loading = asyncio.Event()
        self.states: list[str] = []

    async def index(self, model: str) -> list[Loaded]:
        """The old version in each of ``states``, one for each time it is asked, the last one for ever."""
        state = self.states.pop(0) if len(self.states) > 1 else (self.states or ["UNAVAILABLE"])[0]
        return [Loaded(model, 1, state), Loaded(model, 3, "READY")]

    async def load(self, model: str, seconds: float = 1.0) -> None:
        self.loads.append(versions.served(self.folder))
        if len(self.loads) > 1:
            return
        self.loading.set()
        if self.first:
            raise self.first
        if self.is_ready:
            await asyncio.Event().wait()

    async def ready(self, model: str, version: int) -> bool:
        return self.is_ready


def unavailable() -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone")


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A model with versions 1 to 3, of which 1 and 2 are served."""
    model = copy_model("nova", tmp_path)
    for _ in range(2):
        versions.place(model, versions.copy_of(model / "1"))
    versions.pin(model, [1, 2])
    return model


@pytest.mark.parametrize("command", ["promote", "rollback"])
@pytest.mark.parametrize(("first", "ready"), [(Refused("no such weights"), True), (unavailable(), True), (None, False)])
async def test_what_cannot_be_served_does_not_stay_pinned(
    three: Path, command: str, first: Exception | None, ready: bool
) -> None:
    control = Control(three, first, ready=ready)
    with pytest.raises(type(first) if first else Refused):
        await serving.decide(Rollout(three, control), command, 3)
    assert control.loads == [[3], [1, 2]]
    assert versions.served(three) == [1, 2]


async def test_who_gives_up_a_promotion_leaves_what_was_served(three: Path) -> None:
    control = Control(three)
    promotion = asyncio.create_task(serving.decide(Rollout(three, control), "promote", 3))
    await control.loading.wait()
    promotion.cancel()
    with pytest.raises(asyncio.CancelledError):
        await promotion
    assert control.loads == [[3], [1, 2]]
    assert versions.served(three) == [1, 2]


@pytest.mark.parametrize(
    ("states", "told"),
    [(["UNLOADING"] * 3 + ["UNAVAILABLE"], ""), (["UNLOADING"], "! version 1 is still being unloaded")],
)
def test_a_version_that_does_not_go_is_told(
    three: Path, capsys: pytest.CaptureFixture[str], states: list[str], told: str
) -> None:
    control = Control(three)
    control.loads.append([])
    control.states = states
    assert virtual_time.run(serving.decide(Rollout(three, control), "promote", 3)) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "✓ version 3 of nova is served alone"
    assert [line[: len(told)] for line in rest] == ([told] if told else [])


async def test_the_way_back_from_a_canary_never_returns_to_the_candidate(three: Path) -> None:
    control = Control(three, unavailable())
    with pytest.raises(grpc.aio.AioRpcError):
        await Rollout(three, control).alone(1)
    assert versions.served(three) == [1]


class Scripted:
    """A mind with a given delay and text; an error where the text is None."""

    def __init__(self, delay: float, text: str | None) -> None:
        self.delay, self.text = delay, text

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        await asyncio.sleep(self.delay)
        if self.text is None:
            raise ModelError("out of memory")
        yield self.text


@pytest.mark.parametrize(
    ("candidate", "reasons"),
    [
        (Scripted(0.1, "Fine."), ()),
        (Scripted(0.19, "Fine."), ()),
        (Scripted(0.4, "Fine."), ("the first token takes 400 ms, the stable version's 100 ms",)),
        (Scripted(0.1, None), ("2 of 2 answers failed, the stable version's 0: out of memory",)),
        (Scripted(0.1, " "), ("2 of 2 answers said nothing, the stable version's 0",)),
    ],
)
def test_a_trial_tells_failure_silence_and_slowness(candidate: Scripted, reasons: tuple[str, ...]) -> None:
    from pipelines.virtual_time import run

    async def body() -> None:
        minds = {1: Scripted(0.1, "Good."), 2: candidate}
        assert (await tried(minds.__getitem__, 1, 2, TALKS)).reasons == reasons

    run(body())


@pytest.mark.parametrize("candidate", [Scripted(0.1, "Fine."), Scripted(0.1, None), Scripted(0.1, "")])
@pytest.mark.parametrize(
    ("stable", "says"),
    [
        (Scripted(0.1, None), "version 1 failed at conversation 1 of 2: out of memory"),
        (Scripted(0.1, " "), "version 1 says nothing itself"),
    ],
)
def test_beside_a_stable_version_that_does_not_answer_nothing_is_judged(
    stable: Scripted, says: str, candidate: Scripted
) -> None:
    from pipelines.virtual_time import run

    async def body() -> None:
        with pytest.raises(Unjudged, match=says):
            await tried({1: stable, 2: candidate}.__getitem__, 1, 2, TALKS)

    run(body())


async def test_a_canary_that_cannot_be_judged_is_taken_back(three: Path) -> None:
    versions.pin(three, [1])
    control = Control(three)
    control.loads.append([])  # every load succeeds
    minds = {1: Scripted(0.0, None), 3: Scripted(0.0, None)}
    with pytest.raises(Unjudged):
        await serving.canary(Rollout(three, control), 3, minds.__getitem__, TALKS, None)
    assert control.loads[1:] == [[1, 3], [1]]
    assert versions.served(three) == [1]


async def test_answers_that_cannot_be_written_are_told_before_anything_is_served(three: Path) -> None:
    versions.pin(three, [1])
    control = Control(three)
    before = len(control.loads)
    minds = {1: Scripted(0.0, "Old."), 3: Scripted(0.0, "New.")}
    with pytest.raises(ConfigError, match="cannot be written: Is a directory"):
        await serving.canary(Rollout(three, control), 3, minds.__getitem__, TALKS, partial(_keep, three))
    assert len(control.loads) == before
    assert versions.served(three) == [1]


async def test_what_users_asked_is_not_for_others_to_read(three: Path, tmp_path: Path) -> None:
    versions.pin(three, [1])
    control = Control(three)
    control.loads.append([])
    file = tmp_path / "answers.jsonl"
    file.write_text("an older one, which others may read")
    file.chmod(0o644)
    minds = {1: Scripted(0.0, "Old."), 3: Scripted(0.0, "New.")}
    kept = partial(_keep, file)
    assert await serving.canary(Rollout(three, control), 3, minds.__getitem__, TALKS, kept) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [json.loads(line)["candidate"] for line in file.read_text().splitlines()] == ["New.", "New."]
