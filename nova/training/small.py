"""The whole way on a CPU in seconds: the data, a LoRA adapter on a tiny random model, the merged model.

It teaches nothing. It shows that the data fits. Each chat goes through the chat template of the recipe, only the
answers are learnt, and the loss on them falls. The merged model computes what base and adapter computed together.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nova.training import chats, merge
from nova.training.chats import Chat, DataError
from nova.training.dataset import TRAIN, VALIDATION
from nova.training.libraries import library

TEMPLATE: Final = Path(__file__).parent / "recipes" / "chatml.jinja"

SPECIAL: Final = ["<|im_start|>", "<|im_end|>", "<pad>"]

MOST_TOKENS: Final = 256
RANK: Final = 8
LEARNING_RATE: Final = 1e-2


@dataclass(frozen=True, slots=True)
class Outcome:
    """Mean losses in nats for each token of an answer, before and after; ``difference`` is the largest between the
    logits of adapter and merged model; ``share`` is that of the tokens that were learnt from."""

    steps: int
    trained: int
    train: tuple[float, float]
    validation: tuple[float, float] | None
    difference: float
    share: float


def run(data: Path, out: Path, steps: int = 40, seed: int = 1) -> Outcome:
    """Trains on ``data`` (a folder of :mod:`nova.training.dataset`) and writes ``base``, ``adapter`` and ``merged``.

    Raises :class:`~nova.training.chats.DataError`.
    """
    torch, peft, transformers = library("torch"), library("peft"), library("transformers")

    train, validation = chats.read(data / TRAIN), chats.read(data / VALIDATION)
    if not train:
        raise DataError(f"{data / TRAIN} holds no conversation")
    if out.exists():
        raise DataError(f"{out} is there already: name another, or remove it")
    torch.set_num_threads(1)  # matrices this small only wait for each other
    torch.manual_seed(seed)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizer = _tokenizer(train)
    model = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=MOST_TOKENS,
            initializer_range=0.1,  # the frozen head must be able to tell tokens apart
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
        )
    )  # fmt: skip
    merge.save(model, tokenizer, out / "base")
    examples = [_example(tokenizer, chat) for chat in train]
    held_out = [_example(tokenizer, chat) for chat in validation]
    adapted = peft.get_peft_model(
        model, peft.LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    before = _loss(adapted, examples), _loss(adapted, held_out) if held_out else None
    optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], lr=LEARNING_RATE)
    chance = random.Random(seed)
    adapted.train()
    for _ in range(steps):
        ids, labels = chance.choice(examples)
        adapted(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    after = _loss(adapted, examples), _loss(adapted, held_out) if held_out else None
    adapted.save_pretrained(out / "adapter")
    merge.merge(str(out / "base"), out / "adapter", out / "merged")
    labels = torch.cat([labels for _, labels in examples], dim=1)
    return Outcome(
        steps=steps,
        trained=sum(p.numel() for p in adapted.parameters() if p.requires_grad),
        train=(before[0], after[0]),
        validation=(before[1], after[1]) if before[1] is not None and after[1] is not None else None,
        difference=_difference(adapted, transformers.AutoModelForCausalLM.from_pretrained(out / "merged"), examples[0]),
        share=float((labels != -100).float().mean()),
    )


def _tokenizer(train: Sequence[Chat]) -> Any:
    """A byte-level BPE learnt from the data, with the recipe's chat template."""
    tokenizers, transformers = library("tokenizers"), library("transformers")

    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=512, special_tokens=SPECIAL, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )  # fmt: skip
    bpe.train_from_iterator((message.content for chat in train for message in chat), trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<pad>", chat_template=TEMPLATE.read_text("utf-8")
    )


def _example(tokenizer: Any, chat: Chat) -> tuple[Any, Any]:
    """Token ids and labels of one chat, shape ``[1, n]``; what is not of an answer has the label -100, for no loss."""
    torch = library("torch")
    found = tokenizer.apply_chat_template(
        [{"role": m.role, "content": m.content} for m in chat],
        tokenize=True, return_dict=True, return_assistant_tokens_mask=True, truncation=True, max_length=MOST_TOKENS,
    )  # fmt: skip
    ids, mask = torch.tensor([found["input_ids"]]), torch.tensor([found["assistant_masks"]])
    return ids, torch.where(mask.bool(), ids, -100)


def _loss(model: Any, examples: Sequence[tuple[Any, Any]]) -> float:
    torch = library("torch")
    total, count = 0.0, 0
    model.eval()
    with torch.no_grad():
        for ids, labels in examples:
            tokens = int((labels[:, 1:] != -100).sum())
            if tokens:
                total += float(model(input_ids=ids, labels=labels).loss) * tokens
                count += tokens
    return total / count if count else 0.0


def _difference(adapted: Any, merged: Any, example: tuple[Any, Any]) -> float:
    torch = library("torch")
    adapted.eval()
    merged.eval()
    with torch.no_grad():
        return float((adapted(input_ids=example[0]).logits - merged(input_ids=example[0]).logits).abs().max())
