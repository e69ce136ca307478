"""A LoRA adapter folded into its base model: an ordinary model folder, which Triton's engines load like any other."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nova.training.chats import DataError
from nova.training.libraries import library


def merge(base: str, adapter: Path, out: Path) -> None:
    """Writes the merged model to ``out``, as a whole or not at all. ``base`` is a folder or a name on the hub.

    Raises :class:`~nova.training.chats.DataError`. The base has to be the very one that the adapter was trained on.
    Code that comes with the base is not run: transformers itself must know the model (Nemotron 3: 5.3 or newer).
    """
    if not all((adapter / name).is_file() for name in ("adapter_config.json", "adapter_model.safetensors")):
        raise DataError(f"{adapter} holds no LoRA adapter: name the folder with adapter_config.json and its tensors")
    if out.exists() or out.is_symlink():
        raise DataError(f"{out} is there already: name another, or remove it")
    peft, transformers = library("peft"), library("transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(base, trust_remote_code=False)
        model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype="auto", trust_remote_code=False)
        described = _description(base)
    except (ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:160]
        raise DataError(
            f"transformers {transformers.__version__} cannot load {base} (Nemotron 3 needs 5.3 or newer): {reason}"
        ) from None
    try:
        adapted = peft.PeftModel.from_pretrained(model, str(adapter))
    except (ValueError, RuntimeError) as error:
        raise DataError(f"{adapter} does not fit {base}: {str(error).splitlines()[0][:160]}") from None
    _all_used(peft, adapted, adapter)
    save(adapted.merge_and_unload(safe_merge=True), tokenizer, out, described)


def _description(base: str) -> list[Path]:
    """The base's own ``config.json``, and code that it may name.

    They hold for the merged weights as well. transformers would write a config in words of its own version (Nemotron 3
    without ``hybrid_override_pattern``), which serving engines do not read.
    """
    folder = Path(base)
    if not folder.is_dir():
        folder = Path(library("huggingface_hub").snapshot_download(base, allow_patterns=["config.json", "*.py"]))
    return [folder / "config.json", *folder.glob("*.py")]


def _all_used(peft: Any, adapted: Any, adapter: Path) -> None:
    """peft overlooks what finds no place in the model, and leaves out what is not in the file: both are refused.

    NeMo AutoModel writes the base's own buffers beside the adapter (``e_score_correction_bias`` of Nemotron's routers):
    they may be there, as they are in the base.
    """
    torch = library("torch")
    placed = set(peft.get_peft_model_state_dict(adapted, save_embedding_layers=False))
    own = {f"base_model.model.{name}": tensor for name, tensor in adapted.get_base_model().named_buffers()}
    with library("safetensors").safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        held = set(file.keys())
        same = {
            name for name in held & set(own)
            if torch.equal(file.get_tensor(name), own[name].to(file.get_tensor(name)))
        }  # fmt: skip
    lost = held - placed - same
    if lost or placed - held:
        raise DataError(
            f"{adapter} does not fit the base: {len(lost)} of its {len(held)} tensors find no place, "
            f"{len(placed - held)} are missing"
        )


def save(model: Any, tokenizer: Any, out: Path, instead: Iterable[Path] = ()) -> None:
    """Writes a model folder, as a whole or not at all. The files ``instead`` replace those of the same name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        for file in instead:
            shutil.copyfile(file, beside / file.name)
        beside.chmod(0o755)
        os.rename(beside, out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
