"""New conversations get the settings of their arm within seconds; running ones keep theirs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lab import Lab, config, serving

from pipelines.settings.fingerprint import fingerprint
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime
from pipelines.versions.store import Store
from pipelines.versions.version import Change, Version, evidence_hash, proposed
from sophia.sinks import NullSink

pytestmark = pytest.mark.services

CHANGES = {
    "turns.pause_complete": Change(was=0.28, now=0.4),
    "asr.stop_history_eou": Change(was=240, now=320),
    "microphone.vad.offset_windows": Change(was=2, now=3),
}


class Nobody:
    overflows = 0

    async def frames(self):
        return
        yield

    async def aclose(self):
        pass


def on_trial(folder: Path) -> Version:
    store = Store(folder)
    made = store.add(proposed(CHANGES, "", evidence_hash("{}"), "rules", by="test"), "{}")
    store.move(made.id, "proven", "improve", "program", "")
    store.approve(made.id, "Ann")
    return store.move(made.id, "canary", "Ann", "person", "", share=0.5)


def made(runtime: Runtime, number: int = 40) -> list:
    sessions = []
    for _ in range(number):
        session = runtime.session(Nobody(), NullSink(), provenance=runtime.provenance())
        sessions.append((session.provenance, session._components))
    return sessions


async def test_a_trial_reaches_new_conversations_and_is_named_in_their_provenance(tmp_path, pki):
    folder, told = tmp_path / "versions", []
    async with serving(Lab(), pki) as port:
        asked = config(tmp_path, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port))
        settings = load_settings(asked, {"insights.versions": str(folder)}, {})
        async with Runtime(settings, notice=told.append) as runtime:
            before = made(runtime, 2)
            assert {provenance.arm for provenance, _ in before} == {""}
            version = on_trial(folder)
            await asyncio.to_thread(runtime._arms.look)  # as its thread does every second
            after = made(runtime)
            assert {provenance.arm for provenance, _ in after} == {f"canary:{version.id}", f"control:{version.id}"}
            for provenance, parts in after:
                canary = provenance.arm.startswith("canary")
                assert parts.turns.settings.pause_complete == (0.4 if canary else 0.28)
                assert parts.asr._settings.stop_history_eou == (320 if canary else 240)
                assert (provenance.settings == fingerprint(runtime.settings)) is not canary
            assert before[0][1].turns.settings.pause_complete == 0.28
            named = runtime.provenance()  # its arm is decided, and stays when the trial ends before it begins
            Store(folder).move(version.id, "withdrawn", "Ann", "person", "")
            await asyncio.to_thread(runtime._arms.look)
            assert runtime.provenance().arm == ""
            session = runtime.session(Nobody(), NullSink(), provenance=named)
            expected = 0.4 if named.arm.startswith("canary") else 0.28
            assert session._components.turns.settings.pause_complete == expected
    assert told == []
