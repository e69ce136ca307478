"""What Audio2Face-3D's open network costs on a processor: layers of the real size, random weights, nothing of NVIDIA's.

    python -m benchmarks.face_network [--kind mark|claire] [--json FILE]

Times of the network do not depend on its weights. Those of the solve do, a little: random shapes are easy to tell
apart. The quickest of several runs counts. Processor time is told beside it, since other work may share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.assets.face_network import KINDS, write
from pipelines.embedded.face.moods import Mood, MoodSettings
from pipelines.embedded.face.network.engine import NetworkEngine
from pipelines.embedded.face.network.poses import Poses
from pipelines.embedded.face.network.session import Session
from pipelines.embedded.face.wishes import Wishes
from pipelines.machine.environment import environment
from pipelines.settings.network import NetworkSettings

THREADS, BATCHES, ROUNDS = (1, 2), (1, 4, 8), 7
SECONDS = 3.0
"""Of sound, for the whole way."""


def network(folder: Path, engine: NetworkEngine) -> list[dict[str, Any]]:
    """The network alone, by threads and batch."""
    rows, layout = [], engine.model.layout
    rng = np.random.default_rng(2)
    for threads in THREADS:
        session = Session(folder / "network.onnx", layout, "cpu", threads)
        for batch in BATCHES:
            windows = rng.uniform(-0.1, 0.1, (batch, 1, layout.buffer)).astype(np.float32)
            feelings = np.zeros((batch, 1, layout.feeling), np.float32)
            session.run(windows, feelings)
            wall, cpu = [], []
            for _ in range(ROUNDS):
                began, used = time.perf_counter(), time.process_time()
                session.run(windows, feelings)
                wall.append(time.perf_counter() - began)
                cpu.append(time.process_time() - used)
            ms = 1000.0 / batch
            rows.append({"threads": threads, "batch": batch, "wall_ms": round(ms * min(wall), 1),
                         "cpu_ms": round(ms * float(np.median(cpu)), 1)})  # fmt: skip
    return rows


def solve(engine: NetworkEngine) -> float:
    """Processor milliseconds a frame from the network's answer to 52 + 16 weights."""
    rng = np.random.default_rng(3)
    answers = np.cumsum(0.02 * rng.standard_normal((300, engine.model.layout.total)), axis=0).astype(np.float32)
    poses = Poses(engine.model, engine.model.parameters, tongue=True)
    used = time.process_time()
    for answer in answers:
        poses(answer)
    return round(1000.0 * (time.process_time() - used) / len(answers), 2)


def whole(engine: NetworkEngine) -> dict[str, float]:
    """From sound at the voice's rate to weights, in pieces as a voice delivers them; seconds of processor for each."""
    rate = 22_050
    sound = (3000 * np.random.default_rng(4).standard_normal(round(SECONDS * rate))).astype(np.int16)
    solver = engine.solver(rate, Wishes(), Mood(MoodSettings(), {}))
    used, frames = time.process_time(), 0
    for start in range(0, len(sound), rate // 10):
        frames += sum(map(len, solver.push(sound[start : start + rate // 10])))
    frames += sum(map(len, solver.finish()))
    return {"frames": frames, "cpu_share_of_the_sound": round((time.process_time() - used) / SECONDS, 2)}


def run(kind: str) -> dict[str, Any]:
    """All of it for one kind of model."""
    with tempfile.TemporaryDirectory(prefix="face-network-") as place:
        folder = Path(place)
        parameters = write(folder, kind)
        began = time.perf_counter()
        engine = NetworkEngine(folder, NetworkSettings(provider="cpu", fps="30", tongue=True))
        opened = time.perf_counter() - began
        half = NetworkEngine(folder, NetworkSettings(provider="cpu", fps="15", tongue=True))
        return {
            "million_parameters": round(parameters / 1e6, 2),
            "start_seconds": round(opened, 2),
            "network": network(folder, engine),
            "solve_cpu_ms": solve(engine),
            "at_30": whole(engine),
            "at_15": whole(half),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=sorted(KINDS), action="append", help="whose layers (default: both)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    results = {
        "machine": environment(),
        "load": [round(one, 1) for one in os.getloadavg()],
        "weights": "random",
        "kinds": {kind: run(kind) for kind in args.kind or sorted(KINDS)},
    }
    print(json.dumps(results["kinds"], indent=1))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
