"""A LoRA adapter folded into its base model: an ordinary model folder, which Triton's engines load like any other."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from nova.training.chats import DataError
from nova.training.libraries import library


def merge(base: str, adapter: Path, out: Path) -> None:
    """Writes the merged model to ``out``, as a whole or not at all. ``base`` is a folder or a name on the hub.

    Raises :class:`~nova.training.chats.DataError`. The base has to be the very one that the adapter was trained on.
    """
    if not all((adapter / name).is_file() for name in ("adapter_config.json", "adapter_model.safetensors")):
        raise DataError(f"{adapter} holds no LoRA adapter: name the folder with adapter_config.json and its tensors")
    if out.exists() or out.is_symlink():
        raise DataError(f"{out} is there already: name another, or remove it")
    peft, transformers = library("peft"), library("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    try:
        adapted = peft.PeftModel.from_pretrained(model, str(adapter))
    except (ValueError, RuntimeError) as error:
        raise DataError(f"{adapter} does not fit {base}: {str(error).splitlines()[0][:160]}") from None
    _all_used(peft, adapted, adapter)
    save(adapted.merge_and_unload(safe_merge=True), tokenizer, out)


def _all_used(peft: Any, adapted: Any, adapter: Path) -> None:
    """peft overlooks what finds no place in the model, and leaves out what is not in the file: both are refused."""
    with library("safetensors").safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        held = set(file.keys())
    placed = set(peft.get_peft_model_state_dict(adapted))
    if held != placed:
        raise DataError(
            f"{adapter} does not fit the base: {len(held - placed)} of its {len(held)} tensors find no place, "
            f"{len(placed - held)} are missing"
        )


def save(model: Any, tokenizer: Any, out: Path) -> None:
    """Writes a model folder, as a whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        beside.chmod(0o755)
        os.rename(beside, out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
