"""What the turn model on audio is worth: people's clips with pauses put in, on the virtual clock, with and without it.

    python -m benchmarks.turn_sound FOLDER [--write FOLDER] [--json FILE]

``FOLDER`` has clips of people and a ``manifest.csv`` with their transcripts. ``assets/pauses.csv`` says of some public
clips where a word ends, and how many words come before. There a silence of 0.4, 0.7 or 1 s is put in, with the clip's
own noise. Each clip is also played as it is. Voice detector, turn taking and turn model are real, the services are
simulated. People who pause by themselves sound otherwise: these were cut in the middle of fluent speech.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from pipelines.embedded.speech.fetched import turn_model
from pipelines.home import home
from pipelines.machine.environment import environment
from pipelines.records.results import Turn
from pipelines.replay.simulate import simulate
from pipelines.scenarios.scenario import Line, Scenario, Talk
from pipelines.settings.model import load_settings
from pipelines.settings.tunable import SOUND, apply
from pipelines.simulation.profile import load_profile
from sophia.audio import EAR_RATE, Pcm
from sophia.smart_turn import SmartTurn
from sophia.wav import WavWriter, read_wav

PLACES = Path(__file__).parent / "assets" / "pauses.csv"
PAUSES = (0.4, 0.7, 1.0)
TRIED: Sequence[Mapping[str, float]] = (
    {},
    *({SOUND: veto} for veto in (0.1, 0.2, 0.3, 0.5, 0.7)),
    *({"turns.pause_open": pause} for pause in (0.7, 0.85, 1.0)),
)
"""What is changed: nothing, the model's say, or, without it, the patience with words that give no hint."""
FADE = EAR_RATE // 100
SEED = 7
CALLS = 60


def paused(pcm: Pcm, at: float, seconds: float, random: np.random.Generator) -> Pcm:
    """``pcm`` with ``seconds`` of its own noise put in ``at`` seconds; both edges fade."""
    place = round(at * EAR_RATE)
    blocks = pcm[: len(pcm) // FADE * FADE].reshape(-1, FADE).astype(float)
    quiet = min(60.0, float(np.quantile(np.sqrt((blocks**2).mean(axis=1)), 0.03)))
    noise = random.normal(0, quiet, round(seconds * EAR_RATE))
    before, after = pcm[:place].astype(float), pcm[place:].astype(float)
    before[-FADE:] *= np.linspace(1, 0, FADE)
    after[:FADE] *= np.linspace(0, 1, FADE)
    made: Pcm = np.rint(np.concatenate([before, noise, after])).astype(np.int16)
    return made


def lines(folder: Path) -> Iterator[Line]:
    """Each clip as it is, and then with each pause at each of its places."""
    random = np.random.default_rng(SEED)
    with (folder / "manifest.csv").open(encoding="utf-8") as manifest, PLACES.open(encoding="utf-8") as places:
        clips, known = list(csv.DictReader(manifest)), list(csv.DictReader(places))
    for clip in clips:
        pcm, words = read_wav(folder / clip["file"], EAR_RATE).pcm, clip["transcript"].split()
        name = Path(clip["file"]).stem
        yield Line.of(name, pcm, clip["transcript"])
        for place in (one for one in known if one["file"] == clip["file"]):
            count = int(place["words"])
            for seconds in PAUSES:
                told = " ".join([*words[:count], f"[{seconds}]", *words[count:]])
                sound = paused(pcm, float(place["seconds"]), seconds, random)
                yield Line.of(f"{name} {count} {seconds}", sound, told)


def write(folder: Path, made: Sequence[Line]) -> None:
    """The lines as a folder that replay and the tuner play."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "transcript"])
        for number, line in enumerate(made, 1):
            rows.writerow([f"{number:03d}.wav", line.transcript])
            wav = WavWriter(folder / f"{number:03d}.wav", EAR_RATE)
            wav.write(line.pcm)
            wav.close()


def figures(turns: Sequence[Turn]) -> dict[str, float]:
    """Cut-offs of 100 lines with a pause, guesses that were wasted, and what whole lines wait, in ms."""
    whole = [turn for turn in turns if " " not in turn.name]
    with_pause = [turn for turn in turns if " " in turn.name]
    waits = [turn.voice_to_voice for turn in whole if turn.voice_to_voice is not None]
    ends = [turn.marks["decided"] - turn.marks["voice_end"] for turn in whole if "decided" in turn.marks]
    cut = sum(bool(turn.false_cutoffs) or turn.outcome == "cut off" for turn in with_pause)
    return {
        "cut_off_per_100": round(100 * cut / len(with_pause), 1),
        "whole_cut_off": sum(bool(turn.false_cutoffs) for turn in whole),
        "wasted_guesses": sum(turn.speculations_dropped for turn in turns),
        "whole_decided_ms": round(1000 * float(np.mean(ends))),
        "whole_voice_to_voice_ms": round(1000 * float(np.mean(waits))),
    }


def cost(sound: Pcm) -> dict[str, float]:
    """What one judgement takes, in ms."""
    network, wall, cpu = SmartTurn(turn_model(home())), [], []
    network.complete(sound)
    for _ in range(CALLS):
        began, worked = time.perf_counter(), time.process_time()
        network.complete(sound)
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - worked))
    return {
        "wall_p50_ms": round(float(np.median(wall)), 1),
        "wall_p95_ms": round(float(np.quantile(wall, 0.95)), 1),
        "cpu_p50_ms": round(float(np.median(cpu)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turn_sound", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="people's clips, with a manifest.csv")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="keep the lines as WAV files and a manifest")
    parser.add_argument("--profile", default="nvidia-4xh100", help="service profile (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    args = parser.parse_args()
    made = list(lines(args.folder))
    if args.write:
        write(args.write, made)
    scenario = Scenario("people", [Talk("people", made)])
    settings, profile = load_settings(["embedded.yaml"]), load_profile(args.profile)
    rows = []
    print(f"{len(made)} lines, {sum(' ' in line.name for line in made)} with a pause; simulated: {args.profile}")
    print("                         cut off of 100   wasted guesses   whole lines: decided, voice-to-voice")
    for changes in TRIED:
        row = figures(simulate(scenario, apply(settings, changes), profile, seed=SEED).turns)
        rows.append({**changes, **row})
        told = ", ".join(f"{key} {value:g}" for key, value in changes.items()) or "as it is"
        print(
            f"{told:22}   {row['cut_off_per_100']:14.1f}   {row['wasted_guesses']:14.0f}   "
            f"{row['whole_decided_ms']:8.0f} ms, {row['whole_voice_to_voice_ms']:.0f} ms"
        )
    judged = cost(made[0].pcm)
    print(f"one judgement: {judged['wall_p50_ms']} ms (p95 {judged['wall_p95_ms']}), {judged['cpu_p50_ms']} of a core")
    if args.json:
        found = {"environment": environment(), "lines": len(made), "rows": rows, "judgement": judged}
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
