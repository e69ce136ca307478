"""Lets tools such as grpcurl ask an embedded service for its calls and messages, so that nobody needs a proto file."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf.descriptor_pool import Default, DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


def reflect(server: grpc.aio.Server, services: Iterable[str], pool: DescriptorPool | None = None) -> None:
    """Answers reflection for ``services`` and for health on a ``server`` that has not started.

    ``pool`` describes ``services``; the process' own by default.
    """
    if pool is not None:
        for shared in (health_pb2, reflection_pb2):
            pool.AddSerializedFile(shared.DESCRIPTOR.serialized_pb)
    names = (*services, HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server, Default() if pool is None else pool)
