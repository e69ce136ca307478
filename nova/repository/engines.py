"""The arguments of the engines behind Triton, ``<version>/model.json``: what vLLM and TensorRT-LLM must be told.

The names are those of vLLM's ``EngineArgs`` and of TensorRT-LLM's ``TorchLlmArgs``, from their sources. Both grow with
each release, so a name that looks misspelt is an error, and one that is merely unknown here is pointed out.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from nova.repository import modelconfig
from nova.repository.findings import Finding, error, note, warning

FILE: Final = "model.json"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VLLM: Final = _names(
    """model served_model_name tokenizer hf_config_path runner convert task skip_tokenizer_init enable_prompt_embeds
    tokenizer_mode trust_remote_code allowed_local_media_path allowed_media_domains download_dir
    safetensors_load_strategy load_format config_format dtype kv_cache_dtype seed max_model_len cuda_graph_sizes
    cudagraph_capture_sizes max_cudagraph_capture_size distributed_executor_backend pipeline_parallel_size
    tensor_parallel_size prefill_context_parallel_size decode_context_parallel_size data_parallel_size
    data_parallel_rank data_parallel_start_rank data_parallel_size_local data_parallel_address data_parallel_rpc_port
    data_parallel_hybrid_lb data_parallel_backend enable_expert_parallel all2all_backend enable_dbo
    dbo_decode_token_threshold dbo_prefill_token_threshold disable_nccl_for_dp_synchronization eplb_config enable_eplb
    expert_placement_strategy max_parallel_loading_workers block_size enable_prefix_caching prefix_caching_hash_algo
    disable_sliding_window disable_cascade_attn swap_space cpu_offload_gb gpu_memory_utilization kv_cache_memory_bytes
    max_num_batched_tokens max_num_partial_prefills max_long_partial_prefills long_prefill_token_threshold max_num_seqs
    max_logprobs logprobs_mode disable_log_stats aggregate_engine_logging revision code_revision rope_scaling rope_theta
    hf_token hf_overrides tokenizer_revision quantization enforce_eager disable_custom_all_reduce limit_mm_per_prompt
    enable_mm_embeds interleave_mm_strings media_io_kwargs mm_processor_kwargs mm_processor_cache_gb
    mm_processor_cache_type mm_encoder_tp_mode mm_encoder_attn_backend io_processor_plugin skip_mm_profiling
    enable_lora max_loras max_lora_rank default_mm_loras fully_sharded_loras max_cpu_loras lora_dtype
    lora_extra_vocab_size ray_workers_use_nsight num_gpu_blocks_override num_lookahead_slots model_loader_extra_config
    ignore_patterns enable_chunked_prefill disable_chunked_mm_input disable_hybrid_kv_cache_manager
    structured_outputs_config reasoning_parser guided_decoding_backend logits_processor_pattern speculative_config
    show_hidden_metrics_for_version otlp_traces_endpoint collect_detailed_traces scheduling_policy scheduler_cls
    pooler_config compilation_config worker_cls worker_extension_cls kv_transfer_config kv_events_config
    generation_config enable_sleep_mode override_generation_config model_impl override_attention_dtype
    calculate_kv_scales mamba_cache_dtype mamba_ssm_cache_dtype mamba_block_size additional_config use_tqdm_on_load
    pt_load_map_location logits_processors async_scheduling kv_sharing_fast_prefill moe_backend attention_backend
    optimization_level enable_log_requests disable_log_requests"""
)

TRTLLM: Final = _names(
    """model tokenizer tokenizer_mode custom_tokenizer skip_tokenizer_init trust_remote_code tensor_parallel_size dtype
    revision tokenizer_revision model_kwargs pipeline_parallel_size context_parallel_size gpus_per_node
    moe_cluster_parallel_size moe_tensor_parallel_size moe_expert_parallel_size enable_attention_dp
    enable_lm_head_tp_in_adp pp_partition cp_config load_format enable_lora lora_config kv_cache_config
    enable_chunked_prefill guided_decoding_backend iter_stats_max_iterations request_stats_max_iterations
    peft_cache_config scheduler_config cache_transceiver_config sparse_attention_config speculative_config
    max_batch_size max_input_len max_seq_len max_beam_width max_num_tokens gather_generation_logits
    num_postprocess_workers postprocess_tokenizer_dir reasoning_parser otlp_traces_endpoint backend
    return_perf_metrics perf_metrics_max_requests orchestrator_type env_overrides garbage_collection_gen0_threshold
    cuda_graph_config attention_dp_config disable_overlap_scheduler moe_config attn_backend sampler_type
    enable_iter_perf_stats enable_iter_req_stats print_iter_log batch_wait_timeout_ms batch_wait_timeout_iters
    batch_wait_max_tokens_ratio torch_compile_config enable_autotuner enable_layerwise_nvtx_marker enable_min_latency
    stream_interval force_dynamic_quantization allreduce_strategy checkpoint_format kv_connector_config
    mm_encoder_only ray_worker_extension_cls"""
)

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "model": str, "max_model_len": (int, str), "max_num_seqs": int, "max_num_batched_tokens": int,
    "tensor_parallel_size": int, "pipeline_parallel_size": int, "enable_prefix_caching": bool, "kv_cache_dtype": str,
    "disable_log_stats": bool, "trust_remote_code": bool, "enforce_eager": bool, "async_scheduling": bool,
    "moe_backend": str, "quantization": str, "dtype": str, "max_batch_size": int, "max_seq_len": int,
    "kv_cache_config": dict,
}  # fmt: skip
"""Of the arguments that are set by hand: what JSON type they must have."""

Arguments = dict[str, Any]


def arguments(path: Path) -> Arguments:
    """The engine's arguments. Raises :class:`~nova.repository.modelconfig.ConfigError`."""
    try:
        content = json.loads(modelconfig.read(path), parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        if isinstance(problem, modelconfig.ConfigError):
            raise
        raise modelconfig.ConfigError(f"is not JSON: {' '.join(str(problem).split())[:160]}") from None
    if not isinstance(content, dict):
        raise modelconfig.ConfigError("must hold a JSON object of engine arguments")
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def vllm(where: str, found: Arguments, config: Any) -> Iterator[Finding]:
    """What is wrong with the arguments of a version for Triton's vLLM backend."""
    yield from _common(where, found, VLLM, "vLLM")
    share = found.get("gpu_memory_utilization")
    if share is None:
        yield error(where, "gpu_memory_utilization is missing: vLLM would take 0.92 of the memory; on a DGX Spark 0.35")
    elif isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        yield error(where, f"gpu_memory_utilization is {share!r}: write a share from above 0 to 1, such as 0.35")
    if "max_model_len" not in found:
        yield warning(where, "max_model_len is missing: the model's longest context decides how much memory it needs")
    if _parameter(config, "REPORT_CUSTOM_METRICS") == "true" and found.get("disable_log_stats") is not False:
        yield warning(where, 'REPORT_CUSTOM_METRICS shows nothing without "disable_log_stats": false')
    world = _world(found)
    for group in config.instance_group:
        kind = type(group).Kind.Name(group.kind)
        if kind == "KIND_CPU":
            yield error(where, "instance_group is KIND_CPU, vLLM needs a GPU: write KIND_MODEL")
        if kind == "KIND_GPU" and world > 1:
            yield error(where, f"instance_group is KIND_GPU with {world} GPUs for one engine: write KIND_MODEL")


def trtllm(where: str, found: Arguments) -> Iterator[Finding]:
    """What is wrong with the arguments of a version for TensorRT-LLM's ``LLM``."""
    yield from _common(where, found, TRTLLM, "TensorRT-LLM")
    cache = found.get("kv_cache_config")
    bounds = [cache.get(key) for key in ("free_gpu_memory_fraction", "max_tokens")] if isinstance(cache, dict) else []
    if not any(bounds):
        yield error(
            where,
            "kv_cache_config sets neither free_gpu_memory_fraction nor max_tokens: it would take 0.9 of the memory",
        )
    if bounds and bounds[0] is not None and not (isinstance(bounds[0], int | float) and 0 < bounds[0] <= 1):
        yield error(where, f"kv_cache_config.free_gpu_memory_fraction is {bounds[0]!r}: write a share from 0 to 1")
    if "max_seq_len" not in found:
        yield warning(where, "max_seq_len is missing: the model's longest context decides how much memory it needs")


def _common(where: str, found: Arguments, known: frozenset[str], engine: str) -> Iterator[Finding]:
    for name, value in found.items():
        if name not in known:
            alike = difflib.get_close_matches(name, known, 1, 0.8)
            if alike:
                yield error(where, f"{engine} has no argument {name[:60]!r}: did you mean {alike[0]!r}?")
            else:
                yield warning(where, f"{name[:60]!r} is no argument of {engine} that this check knows of")
        elif name in _TYPES and (not isinstance(value, _TYPES[name]) or _bool_for_number(value, _TYPES[name])):
            yield error(where, f"{name} is {str(value)[:40]!r}: it must be a JSON {_json_name(_TYPES[name])}")
    for name in ("max_model_len", "max_num_seqs", "max_batch_size", "max_seq_len"):
        if isinstance(found.get(name), int) and found[name] < 1:
            yield error(where, f"{name} is {found[name]}: it must be 1 or more")
    if not isinstance(found.get("model"), str) or not found["model"]:
        yield error(where, "model is missing: the folder or the name of the weights")
    else:
        yield from _weights(where, Path(found["model"]))


def _weights(where: str, folder: Path) -> Iterator[Finding]:
    """An absolute path names a folder of weights; whether it is there may be for another machine to tell."""
    if not folder.is_absolute():
        yield note(where, f"model {str(folder)!r} is a name: the weights are fetched when the model is loaded")
    elif not folder.is_dir():
        yield note(where, f"the weights {folder} are not on this machine and were not looked at")
    else:
        missing = [name for name in ("config.json", "tokenizer_config.json") if not (folder / name).is_file()]
        if missing:
            yield error(where, f"the weights {folder} have no {' and no '.join(missing)}")
        if not any(folder.glob("*.safetensors")):
            yield error(where, f"the weights {folder} have no *.safetensors; a LoRA adapter has to be merged first")


def _world(found: Arguments) -> int:
    sizes = [found.get(name, 1) for name in ("tensor_parallel_size", "pipeline_parallel_size")]
    return sizes[0] * sizes[1] if all(isinstance(size, int) for size in sizes) else 1


def _bool_for_number(value: object, wanted: type | tuple[type, ...]) -> bool:
    """JSON's ``true`` is an ``int`` for Python."""
    return isinstance(value, bool) and wanted is not bool


def _json_name(wanted: type | tuple[type, ...]) -> str:
    names = {str: "string", int: "whole number", bool: "true or false", dict: "object"}
    return " or ".join(names[kind] for kind in (wanted if isinstance(wanted, tuple) else (wanted,)))


def _parameter(config: Any, key: str) -> str:
    return str(config.parameters[key].string_value) if key in config.parameters else ""
