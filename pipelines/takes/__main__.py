"""Exports a recording of ``voice_loop --record`` into what other programs read.

python -m pipelines.takes export take/ --usd sophia.usdz                    the performance as a USD scene
python -m pipelines.takes export take/ --usd her.usda --head mine.glb       … on a head of your own
python -m pipelines.takes export take/ --wav voice.wav --srt voice.srt      what she said, and its subtitles
python -m pipelines.takes export take/ --csv sophia.csv                     the face as Live Link Face records it
python -m pipelines.takes export take/ --json take.json --fps 30            everything, for programs of your own
python -m pipelines.takes check sophia.usdz                                 is a USD file whole?
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.command.endings import one_line
from pipelines.command.run import run
from pipelines.home import expanded
from pipelines.settings.outputs import (
    Output,
    add_force,
    check_outputs,
    encoded,
    output,
    printed_aside,
    shown,
    write_bytes,
)
from pipelines.takes import scene
from pipelines.takes.captions import srt, vtt
from pipelines.takes.formats import document, face_csv, need_poses, voice
from pipelines.takes.performance import read_performance

FRAMES = (24, 25, 30, 60)
FILES = ("wav", "srt", "vtt", "csv", "json")
"""Outputs that are one file each."""

MANUAL = """\
Every output begins at the same instant, so that they fit together: frame 0, sample 0 and second 0 are the beginning of
the recording. Several outputs may be asked for at once. What each holds, and what reads it: docs/takes.md.

exit codes: 0 all was written, or the file is whole; 1 a USD file is not; 2 the recording or a name is unusable;
6 the disk.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""

    def manual(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        parser.description, parser.epilog = __doc__, MANUAL
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    p = manual(argparse.ArgumentParser(prog="python -m pipelines.takes"))
    commands = p.add_subparsers(dest="command", required=True, metavar="COMMAND")
    export = manual(commands.add_parser("export", help="write a recording as USD, WAV, subtitles, CSV or JSON"))
    export.add_argument("take", type=expanded, help="the folder that voice_loop --record made")
    what = export.add_argument_group("what is written")
    what.add_argument(
        "--usd",
        type=expanded,
        metavar="FILE",
        help="a scene: head, blend shapes, joints, sound, captions; its ending says which kind, .usdz holds everything "
        "in one file, .usdc and .usda have a folder FILE_files beside them",
    )
    what.add_argument("--wav", type=output, metavar="FILE", help="her voice")
    what.add_argument("--srt", type=output, metavar="FILE", help="what was heard of her, as SubRip subtitles")
    what.add_argument("--vtt", type=output, metavar="FILE", help="the same as WebVTT")
    what.add_argument(
        "--csv", type=output, metavar="FILE", help="poses in the columns of Live Link Face, for Unreal, Blender, Maya"
    )
    what.add_argument("--json", type=output, metavar="FILE", help="poses, angles, subtitles and turns in one object")
    export.add_argument(
        "--fps", type=int, choices=FRAMES, default=60, help="poses for each second (default: 60, as they are recorded)"
    )
    export.add_argument(
        "--head",
        type=expanded,
        metavar="GLB",
        help="the head of the scene (default: face.model of the conversation, else the project's own)",
    )
    add_force(export)
    check = manual(commands.add_parser("check", help="look for what is broken in a USD file"))
    check.add_argument("file", type=expanded, help="a .usda, .usdc or .usdz")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program and returns its exit code."""
    parser = arguments()
    args = parser.parse_args(argv)
    if args.command == "check":
        return _check(args.file)
    outputs = [Output(f"--{name}", getattr(args, name)) for name in FILES] + scene.outputs(args.usd)
    if not any(one.path for one in outputs):
        parser.error("nothing to write: name at least one of --usd, " + ", ".join(f"--{name}" for name in FILES))
    read = [path for path in (args.take, args.head) if path]
    check_outputs(outputs, read, force=args.force)
    with printed_aside(*(one.path for one in outputs)):
        _export(args)
    return 0


def _export(args: argparse.Namespace) -> None:
    performance = read_performance(args.take)
    if args.usd or args.csv:
        need_poses(performance)
    head = scene.choose_head(args.head, performance) if args.usd else None
    for note in (*performance.notes, *(f"the head: {note}" for note in (head.notes if head else ()))):
        print(one_line(f"{args.take}: {note}."), file=sys.stderr)
    with _Progress() as progress:
        poses = performance.poses(args.fps, progress)
        sound = f"her voice, {len(performance.pcm) / performance.rate:.1f} s at {performance.rate} Hz"
        words = f"{len(performance.lines)} subtitles"
        frames = f"{len(poses)} poses at {args.fps} a second, {len(performance.times)} of them recorded while she spoke"
        wanted: list[tuple[Path | None, Callable[[], bytes], str]] = [
            (args.wav, lambda: voice(performance), sound),
            (args.srt, lambda: encoded(srt(performance.lines)), words),
            (args.vtt, lambda: encoded(vtt(performance.lines)), words),
            (args.csv, lambda: encoded(face_csv(performance, poses, args.fps)), frames),
            (args.json, lambda: encoded(document(performance, poses, args.fps)), frames),
        ]
        made = [(path, content(), what) for path, content, what in wanted if path]
        if head:
            scene.write_scene(performance, head, poses, args.fps, path=args.usd, progress=progress)
    for path, content, what in made:  # only now, when everything could be made
        write_bytes(path, content, private=True)
        print(f"{shown(path)}: {what}")
    if head:
        print(f"{args.usd}: {frames}; {len(head.parts)} meshes, {len(head.names)} of 52 shapes; checked")


def _check(file: Path) -> int:
    found = scene.check(file)
    for problem in found:
        print(one_line(problem))
    if not found:
        print(f"{file}: whole")
    return 1 if found else 0


class _Progress:
    """Tells on a terminal how far a long export is."""

    PATIENCE = 1.0
    """Seconds of work that need no telling."""

    def __init__(self) -> None:
        self._next = time.monotonic() + self.PATIENCE
        self._told = False

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def __call__(self, what: str, share: float) -> None:
        if time.monotonic() >= self._next and sys.stderr.isatty():
            self._next, self._told = time.monotonic() + 0.2, True
            print(f"\r\x1b[K{what}: {share:.0%}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
