"""The commands of ``python -m pipelines.models`` that need a server: state, canary, promote, rollback. They print."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from nova.mind import Message, Mind
from nova.repository import versions
from nova.repository.control import Metadata
from nova.repository.modelconfig import ConfigError
from nova.repository.rollout import Rollout, Trial, tried
from nova.training import chats

TALKS: Sequence[Sequence[Message]] = tuple(
    (Message("user", text),)
    for text in (
        "Hello, who are you?",
        "What can you help me with?",
        "Tell me something about the moon in two sentences.",
    )
)
"""What a candidate is asked without ``--talks``."""


async def state(rollout: Rollout) -> int:
    """Prints which versions there are; 1 if one that should be served is not."""
    wanted = versions.served(rollout.folder)
    loaded = {entry.version: entry for entry in await rollout.control.index(rollout.model)}
    for version in sorted({*versions.present(rollout.folder), *loaded}):
        found = loaded.get(version)
        pinned = "to be served" if version in wanted else "kept"
        print(
            f"{rollout.model} {version}: {pinned}; {f'{found.state} {found.reason}'.strip() if found else 'not loaded'}"
        )
    return int(any(version not in loaded or loaded[version].state != "READY" for version in wanted))


async def canary(
    rollout: Rollout,
    candidate: int | None,
    mind: Callable[[int], Mind],
    asked: Sequence[Sequence[Message]],
    answers: Callable[[str], None] | None,
) -> int:
    """Serves the candidate (the newest) beside the stable version and asks both; if it is worse, back, and 1.

    Back as well, with :class:`~nova.repository.rollout.Unjudged`, where the stable version does not answer itself.
    ``answers`` keeps a text. It is handed an empty one before anything is served, so that a file that cannot be written
    is told in time; it may raise :class:`ConfigError`.
    """
    wanted = versions.served(rollout.folder)
    candidate = candidate or max(versions.present(rollout.folder), default=0)
    stable = [version for version in wanted if version != candidate]
    if len(stable) != 1:
        raise ConfigError(f"one version has to be served before a canary, and another one tried: served are {wanted}")
    if answers is not None:
        answers("")
    await rollout.canary(stable[0], candidate)
    try:
        trial = await tried(mind, stable[0], candidate, asked)
    except BaseException:  # also Ctrl+C: nobody is left with a version that was not judged
        await rollout.alone(stable[0])
        raise
    if trial.reasons:
        await rollout.alone(stable[0])
    if answers is not None:
        answers(_side_by_side(trial, asked))
    if trial.reasons:
        for reason in trial.reasons:
            print(f"✗ {reason}")
        print(f"version {candidate} of {rollout.model} is not good enough; version {stable[0]} is served alone again")
        return 1
    answered = sum(answer.good for answer in trial.candidate)
    print(f"✓ version {candidate} answered {answered} of {len(asked)}; it is served beside version {stable[0]}")
    print(f"  clients that name no version get {max(stable[0], candidate)}")
    print(f"  next: promote --version {candidate}, or rollback --version {stable[0]}")
    return 0


async def decide(rollout: Rollout, command: str, named: int | None) -> int:
    """Promotes or rolls back: the newest or the oldest of those that are served, unless a version was named.

    If that version cannot be served, the versions that were go on; raises as :meth:`Rollout.serve`.
    """
    wanted = versions.served(rollout.folder)
    if not named and len(wanted) < 2:
        raise ConfigError(f"only version {wanted} is served: name the version, or begin with a canary")
    version = named or (wanted[-1] if command == "promote" else wanted[0])
    await rollout.serve(version)
    print(f"✓ version {version} of {rollout.model} is served alone")
    for old in await rollout.leaving():
        print(f"! version {old} is still being unloaded and holds its memory: see state; restart Triton if it stays so")
    return 0


def _side_by_side(trial: Trial, asked: Sequence[Sequence[Message]]) -> str:
    """The answers as JSON lines, for people to judge."""
    rows = [
        {"asked": talk[-1].content, "stable": old.text, "candidate": new.text, "error": new.error}
        for talk, old, new in zip(asked, trial.stable, trial.candidate, strict=True)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def talks(path: Path | None, most: int) -> Sequence[Sequence[Message]]:
    """The first conversations of a file in chat format, each up to its last question. Raises DataError."""
    if path is None:
        return TALKS
    found = chats.questions(chats.read(path))[:most]
    if not found:
        raise chats.DataError(f"{path} holds no question")
    return found


def admin_key(path: Path | None) -> Metadata:
    """The header for ``--grpc-restricted-protocol=model-repository:NAME=VALUE``, that pair from a file."""
    if path is None:
        return ()
    try:
        name, equals, value = path.read_text(encoding="ascii").strip().partition("=")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not ASCII'}") from None
    if not (equals and value.isprintable() and name.replace("-", "").replace("_", "").isalnum()):
        raise ConfigError(f"{path} must hold NAME=VALUE, as given to --grpc-restricted-protocol=model-repository:")
    return ((f"triton-grpc-protocol-{name.lower()}", value),)
