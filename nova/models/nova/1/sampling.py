"""What a request asks of the sampling, read as Triton's vLLM backend reads it: JSON whose numbers may be strings.

Most of vLLM's parameters change nothing here, as the embedded mind does not draw its words. They are taken all the
same, so that a request made for vLLM works. What would have to change the answer and cannot is refused.
"""

import json

MOST_TOKENS = 4096
USUAL_TOKENS = 16  # vLLM's own default: a client that forgets max_tokens finds out here and not on the GPU

_NUMBERS = {
    "max_tokens": int, "min_tokens": int, "n": int, "best_of": int, "seed": int, "top_k": int, "logprobs": int,
    "prompt_logprobs": int, "truncate_prompt_tokens": int, "temperature": float, "top_p": float, "min_p": float,
    "presence_penalty": float, "frequency_penalty": float, "repetition_penalty": float, "length_penalty": float,
}  # fmt: skip
_OTHERS = {
    "stop", "stop_token_ids", "include_stop_str_in_output", "ignore_eos", "skip_special_tokens", "bad_words",
    "spaces_between_special_tokens", "early_stopping", "detokenize", "use_beam_search", "output_kind",
}  # fmt: skip
_BEYOND_IT = {
    "structured_outputs", "guided_decoding", "logits_processors", "logit_bias", "allowed_token_ids",
}  # fmt: skip


class BadRequest(Exception):
    """The request cannot be served; the message goes to the client."""


class Sampling:
    """``max_tokens``, the ``stops``, and whether the answer's ``logprobs`` are wanted."""

    def __init__(self, max_tokens, stops, logprobs):
        self.max_tokens, self.stops, self.logprobs = max_tokens, stops, logprobs


def sampling(text):
    """The :class:`Sampling` of a JSON object; raises :class:`BadRequest`."""
    try:
        options = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise BadRequest("sampling_parameters is not JSON") from None
    if not isinstance(options, dict):
        raise BadRequest("sampling_parameters must be a JSON object")
    if options.get("lora_name") is not None:
        raise BadRequest("LoRA feature is not enabled.")
    options.pop("lora_name", None)
    if beyond := sorted(_BEYOND_IT & set(options)):
        raise BadRequest(f"sampling_parameters: the embedded mind cannot follow {', '.join(beyond)}")
    if unknown := sorted(set(options) - set(_NUMBERS) - _OTHERS):
        raise BadRequest(f"sampling_parameters: unknown {', '.join(unknown)}; taken are those of vLLM's SamplingParams")
    numbers = {name: _number(name, options[name]) for name in _NUMBERS if options.get(name) is not None}
    if not 1 <= (max_tokens := numbers.get("max_tokens", USUAL_TOKENS)) <= MOST_TOKENS:
        raise BadRequest(f"sampling_parameters: max_tokens must be between 1 and {MOST_TOKENS}")
    if numbers.get("n", 1) != 1:
        raise BadRequest("sampling_parameters: the embedded mind has one answer, n must be 1")
    stops = options.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise BadRequest("sampling_parameters: stop must be a string or a list of strings")
    return Sampling(max_tokens, stops, "logprobs" in numbers)


def _number(name, value):
    kind = _NUMBERS[name]
    try:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and kind(value) == float(value):
            return kind(value)
    except (ValueError, OverflowError):
        pass
    raise BadRequest(f"sampling_parameters: {name} must be a number{' without a fraction' if kind is int else ''}")
