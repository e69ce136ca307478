"""The embedded mind started otherwise, on the real tritonserver and on the stand-in: other models, other security."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx2
import numpy as np
import pytest
import tritonclient.grpc.aio as triton
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from triton_mind import heard, mind
from triton_service import need_triton, service

from nova.mind import Message
from nova.prompts import ChatTemplate
from nova.services.triton_client import TritonMind, TritonSettings
from nova.services.triton_rest import TritonRestMind
from pipelines.embedded.triton import kserve

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


def test_the_stand_in_tells_its_calls_to_whoever_asks(pki: Path) -> None:
    credentials = grpc.ssl_channel_credentials((pki / "ca.crt").read_bytes())
    with (
        service(pki, "--backend", "kserve") as started,
        grpc.secure_channel(f"localhost:{started.ready['port']}", credentials) as channel,
    ):
        told = ProtoReflectionDescriptorDatabase(channel)
        assert {kserve.SERVICE, "grpc.health.v1.Health"} <= set(told.get_services())
        method = DescriptorPool(told).FindServiceByName(kserve.SERVICE).methods_by_name["ModelStreamInfer"]
        assert method.input_type.full_name == "inference.ModelInferRequest"


BATCHER = """
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        self.calls = 0

    def execute(self, requests):
        self.calls += 1
        responses = []
        for request in requests:
            prompts = pb_utils.get_input_tensor_by_name(request, "text_input").as_numpy()
            if b"fail" in prompts.reshape(-1)[0]:
                responses.append(pb_utils.InferenceResponse(error=pb_utils.TritonError("as you wish")))
                continue
            said = [f"{len(prompts)} at once: {p.decode()}" for p in prompts.reshape(-1)]
            array = np.array([s.encode() for s in said], dtype=np.object_).reshape(prompts.shape)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("text_output", array)]))
        return responses
"""
BATCHER_CONFIG = """
name: "batcher" backend: "python" max_batch_size: 4 dynamic_batching { }
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU } ]
"""


@pytest.mark.parametrize("backend", ["triton", "kserve"])
async def test_a_batch_in_one_request(backend: str, pki: Path, tmp_path: Path) -> None:
    if backend == "triton":
        need_triton()
    folder = tmp_path / "batcher"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(BATCHER_CONFIG)
    (folder / "1" / "model.py").write_text(BATCHER)
    plain = ChatTemplate("{{ messages[-1].content }}")
    settings = TritonSettings(model="batcher", tell_time=False)
    with service(pki, "--backend", backend, "--models", str(tmp_path), "--model", "batcher") as started:
        async with started.channel() as channel:
            client = TritonMind(channel, settings, template=plain)
            talks = [[Message("user", f"q{n}")] for n in range(6)]
            expected = [f"4 at once: q{n}" for n in range(4)] + ["2 at once: q4", "2 at once: q5"]
            assert await client.complete(talks) == expected
            assert await heard(client, "alone") == "1 at once: alone"
            with pytest.raises(grpc.aio.AioRpcError, match="as you wish"):
                await client.complete([[Message("user", "fail")]])
            if started.ready["http_port"]:
                async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{started.ready['http_port']}") as http:
                    assert await TritonRestMind(http, settings, template=plain).complete(talks) == expected


@pytest.mark.parametrize("backend", ["triton", "kserve"])
async def test_nvidias_client_for_vllm_is_served_in_plaintext_when_asked_for(backend: str, pki: Path) -> None:
    if backend == "triton":
        need_triton()
    sampling = {"temperature": "0.1", "top_p": "0.95", "max_tokens": "100"}

    async def requests() -> AsyncIterator[dict[str, Any]]:
        for number in range(4):
            inputs = []
            for name, datatype, value in (
                ("text_input", "BYTES", f"what is {number} plus {number}".encode()),
                ("stream", "BOOL", True),
                ("sampling_parameters", "BYTES", json.dumps(sampling).encode()),
                ("exclude_input_in_output", "BOOL", True),
            ):
                inputs.append(triton.InferInput(name, [1], datatype))
                inputs[-1].set_data_from_numpy(np.array([value], dtype=np.object_ if datatype == "BYTES" else bool))
            outputs = [triton.InferRequestedOutput("text_output")]
            yield {
                "model_name": "nova", "inputs": inputs, "outputs": outputs, "request_id": str(number),
                "parameters": sampling,
            }  # fmt: skip

    said: dict[str, str] = {}
    with service(pki, "--backend", backend, plaintext=True) as started:
        async with triton.InferenceServerClient(f"localhost:{started.ready['port']}") as client:
            async for result, error in client.stream_infer(requests()):
                assert error is None
                number = result.get_response().id
                said[number] = said.get(number, "") + b"".join(result.as_numpy("text_output")).decode()
    assert said == {str(n): f"That's {2 * n}." for n in range(4)}


@pytest.mark.parametrize("backend", ["triton", "kserve"])
async def test_mutual_tls(backend: str, pki: Path) -> None:
    if backend == "triton":
        need_triton()
    with service(pki, "--backend", backend, "--mtls") as started:
        async with started.channel(client=True) as channel:
            assert await heard(mind(channel), "what is 1 plus 1") == "That's 2."
        async with started.channel() as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await mind(channel).ready()
