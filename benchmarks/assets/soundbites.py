"""Makes the bundled soundbites again: what users ask where there is no microphone, and what is said in the talks.

    python -m benchmarks.assets.soundbites [FOLDER]

hibari speaks each line of ``pipelines/soundbites/talks/*.yaml`` that has a WAV file. The transcript is the text, its
marks are the pauses. The folder's name is the voice; the plain questions, one folder up, have :data:`ASKER`'s. Room,
noise and level are put in when a talk is loaded. So a line is added by writing it into a talk and running this.

The result is the same each time on one machine. Processors round differently, so elsewhere it may differ a little:
what counts are the files that are bundled.
"""

from __future__ import annotations

import argparse
import csv
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pipelines.embedded.speech.voice.hibari import HibariEngine
from pipelines.scenarios.loading import BUNDLED
from pipelines.scenarios.script import read_script
from pipelines.scenarios.speech import Saying, parse, say
from sophia.audio import EAR_RATE
from sophia.wav import WavWriter, read_wav

ASKER: Final = "heart-low"
"""Who asks the plain questions; her own voice is another."""

SPEEDS: Final = {
    "heart-low/another.wav": 1.1,
    "heart-mid/capital.wav": 0.9,
    "heart-mid/hurried.wav": 1.25,
    "heart-mid/minutes.wav": 1.1,
    "heart/hours.wav": 1.1,
    "heart/slow.wav": 0.75,
    "heart/uh_capital.wav": 0.9,
}
"""Who does not speak at the voice's own pace."""


def wanted() -> dict[Path, str]:
    """Each sound, relative to the talks, and what is said in it. Raises ``ValueError`` if two lines disagree."""
    texts: dict[Path, str] = {}
    for script in sorted(BUNDLED.glob("*.yaml")):
        for talk in read_script(script):
            for line in talk.spec.lines:
                if line.wav is None:
                    continue
                if line.transcript is None or texts.setdefault(line.wav, line.transcript) != line.transcript:
                    raise ValueError(f"{script}: {line.wav} needs one and the same transcript wherever it is used")
    return texts


def make(folder: Path) -> list[Path]:
    """Writes all sounds into ``folder`` and below, laid out as they are bundled, and returns their paths."""
    texts = wanted()
    sayings = [
        Saying(parse(text), ASKER if wav.parts[0] == ".." else wav.parts[0], SPEEDS.get(wav.as_posix(), 1.0))
        for wav, text in texts.items()
    ]
    paths = [folder / wav.name if wav.parts[0] == ".." else folder / BUNDLED.name / wav for wav in texts]
    for path, pcm in zip(paths, say(sayings, HibariEngine).sounds, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        with WavWriter(path, EAR_RATE) as file:
            file.write(pcm)
    return paths


def document(folder: Path) -> None:
    """Brings up to date what the manifest of the plain questions says of their sounds."""
    manifest = BUNDLED.parent / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / manifest.name).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        for row in rows:
            seconds = read_wav(folder / row["file"]).seconds
            table.writerow({**row, "seconds": f"{seconds:.2f}", "source": f"hibari {version('hibari-tts')}, {ASKER}"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED.parent, help="where to (default: the package)")
    folder = parser.parse_args().folder
    for path in make(folder):
        print(f"{path}: {path.stat().st_size} bytes")
    document(folder)


if __name__ == "__main__":
    main()
