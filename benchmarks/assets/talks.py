"""Makes the sounds of the bundled talks again, byte for byte.

    python benchmarks/assets/talks.py [FOLDER]

flite speaks each line of ``pipelines/soundbites/talks/*.yaml`` whose WAV lies in a folder below. The folder's name is
the voice, the transcript is the text, its marks are the pauses. Room, noise and level are put in when a talk is loaded.
So a line is added by writing it into a talk and running this. The plain questions one folder up are made by
``python -m benchmarks.assets.questions``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.embedded.speech.flite import FliteEngine
from pipelines.scenarios.loading import BUNDLED
from pipelines.scenarios.script import read_script
from pipelines.scenarios.speech import parse, say
from sophia.audio import EAR_RATE
from sophia.wav import WavWriter


def wanted() -> dict[Path, str]:
    """Each sound, relative to the talks, and what is said in it. Raises ``ValueError`` if two lines disagree."""
    texts: dict[Path, str] = {}
    for script in sorted(BUNDLED.glob("*.yaml")):
        for talk in read_script(script):
            for line in talk.spec.lines:
                if line.wav is None or line.wav.parts[0] == "..":
                    continue
                if line.transcript is None or texts.setdefault(line.wav, line.transcript) != line.transcript:
                    raise ValueError(f"{script}: {line.wav} needs one and the same transcript wherever it is used")
    return texts


def make(folder: Path) -> list[Path]:
    """Writes all sounds below ``folder`` and returns their paths."""
    texts = wanted()
    spoken = say([(parse(text), wav.parts[0]) for wav, text in texts.items()], FliteEngine)
    for wav, pcm in zip(texts, spoken.sounds, strict=True):
        (folder / wav).parent.mkdir(parents=True, exist_ok=True)
        with WavWriter(folder / wav, EAR_RATE) as file:
            file.write(pcm)
    return [folder / wav for wav in texts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED, help="where to (default: the bundled talks)")
    for path in make(parser.parse_args().folder):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
