"""Fine-tune Nova on recorded conversations.

python -m nova.training dataset takes/ --out data/ --persona persona.txt --names names.txt
python -m nova.training gpu --need-gib 80              in the container: can it train?
nova/training/recipes/run.sh data/ tuned/              the LoRA recipe in NVIDIA's NeMo AutoModel container
python -m nova.training merge --base MODEL --adapter tuned/checkpoints/LATEST/model --out merged/
python -m nova.training small data/ --out small/       the same way on this CPU with a tiny random model: seconds

What comes after, a new version in the Triton repository: python -m pipelines.models --help
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from nova.training import conversations, dataset
from nova.training.chats import DataError
from nova.training.scrub import Scrubber

EXIT_CODES = "exit codes: 0 done; 1 no GPU that can train; 2 the command line or the data; 130 interrupted\n"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m nova.training",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", required=True)
    d = commands.add_parser("dataset", help="recordings to chat-format JSON lines, without private details")
    d.add_argument("recordings", nargs="+", type=Path, help="folders made by --record, or folders of such folders")
    d.add_argument("--out", type=Path, required=True, help="folder to make")
    d.add_argument("--persona", type=Path, metavar="FILE", help="the system message; take that of llm.persona")
    d.add_argument("--names", type=Path, metavar="FILE", help="names to take out, one on each line")
    d.add_argument("--validation", type=_share, default=0.1, metavar="SHARE", help="of the conversations (0.1)")
    d.add_argument("--seed", type=int, default=1, help="of the split (1)")
    g = commands.add_parser("gpu", help="whether this environment can train on a GPU")
    g.add_argument("--need-gib", type=float, default=0.0, metavar="N", help="memory that must be free")
    m = commands.add_parser("merge", help="fold a LoRA adapter into its base model")
    m.add_argument("--base", required=True, help="folder or hub name of the base model")
    m.add_argument("--adapter", type=Path, required=True, help="folder with adapter_config.json")
    m.add_argument("--out", type=Path, required=True, help="folder to make")
    s = commands.add_parser("small", help="the whole way with a tiny random model on this CPU")
    s.add_argument("data", type=Path, help="folder made by dataset")
    s.add_argument("--out", type=Path, required=True, help="folder to make")
    s.add_argument("--steps", type=int, default=40)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where it has no ✓ and no ✗, they stay two different things
    args = arguments().parse_args(argv)
    try:
        match args.command:
            case "dataset":
                _dataset(args)
            case "gpu":
                return _gpu(args)
            case "merge":
                from nova.training.merge import merge  # noqa: PLC0415

                merge(args.base, args.adapter, args.out)
                print(f"merged into {args.out}; next: python -m pipelines.models place")
            case _:
                _small(args)
    except DataError as problem:
        print(problem, file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"{problem.filename or 'a file'} cannot be used: {problem.strerror or problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _dataset(args: argparse.Namespace) -> None:
    scrub = Scrubber(_read(args.names).splitlines() if args.names else ())
    persona = " ".join(_read(args.persona).split()) if args.persona else ""
    found = [conversations.read(folder) for folder in conversations.recordings(args.recordings)]
    made = dataset.build(found, scrub, persona=persona, share=args.validation, seed=args.seed)
    dataset.write(made, args.out)
    print(json.dumps(dataset.manifest(made), indent=2))
    print(f"{args.out}: read it before you train on it, patterns do not find every private detail")


def _gpu(args: argparse.Namespace) -> int:
    from nova.training.gpu import NoGpu, check  # noqa: PLC0415

    try:
        print(f"✓ {check(args.need_gib)}")
    except NoGpu as problem:
        print(f"✗ {problem}", file=sys.stderr)
        return 1
    return 0


def _small(args: argparse.Namespace) -> None:
    from nova.training.small import run  # noqa: PLC0415

    done = run(args.data, args.out, args.steps)
    print(
        f"{done.steps} steps on {done.trained} parameters; {done.share:.0%} of the tokens are answers, only they count"
    )
    print(f"training loss   {done.train[0]:.3f} -> {done.train[1]:.3f} nats for each token")
    if done.validation:
        print(f"validation loss {done.validation[0]:.3f} -> {done.validation[1]:.3f}")
    print(f"merged model and adapter differ by {done.difference:.1e} at most; {args.out / 'merged'} is a model folder")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError("must be a number from 0 to below 1")
    return share


if __name__ == "__main__":
    sys.exit(main())
