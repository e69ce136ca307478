"""What the face's services look like on the wire, under NVIDIA's names, for reflection and for the export of settings.

They are described in a pool of their own: a process may load NVIDIA's stubs of the same names beside ours.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from aurora.wire import audio2face_pb2 as wire

CONTROLLER_PACKAGE = "nvidia_ace.services.a2f_controller.v1"
CONTROLLER = f"{CONTROLLER_PACKAGE}.A2FControllerService"
EXPORT_PACKAGE = "nvidia_ace.services.a2x_export_config.v1"
EXPORT = f"{EXPORT_PACKAGE}.A2XExportConfigService"


def _controller() -> FileDescriptorProto:
    file = FileDescriptorProto(name="a2f_controller.proto", package=CONTROLLER_PACKAGE, syntax="proto3")
    file.dependency.append(wire.DESCRIPTOR.name)
    file.service.add(name="A2FControllerService").method.add(
        name="ProcessAudioStream",
        input_type=f".{wire.AudioWithEmotionStream.DESCRIPTOR.full_name}",
        output_type=f".{wire.AnimationDataStream.DESCRIPTOR.full_name}",
        client_streaming=True,
        server_streaming=True,
    )
    return file


def _export() -> FileDescriptorProto:
    """``GetConfigs``: a kind of file is asked for, files with their names come back."""
    file = FileDescriptorProto(name="a2x_export_config.proto", package=EXPORT_PACKAGE, syntax="proto3")
    asked = file.message_type.add(name="ConfigsTypeRequest")
    kinds = asked.enum_type.add(name="ConfigType")
    for number, name in enumerate(("YAML", "JSON")):
        kinds.value.add(name=name, number=number)
    one = FieldDescriptorProto.LABEL_OPTIONAL
    kind = f".{EXPORT_PACKAGE}.ConfigsTypeRequest.ConfigType"
    asked.field.add(name="config_type", number=1, label=one, type=FieldDescriptorProto.TYPE_ENUM, type_name=kind)
    answer = file.message_type.add(name="A2XConfig")
    for number, name in enumerate(("name", "content"), 1):
        answer.field.add(name=name, number=number, label=one, type=FieldDescriptorProto.TYPE_STRING)
    file.service.add(name="A2XExportConfigService").method.add(
        name="GetConfigs",
        input_type=f".{EXPORT_PACKAGE}.ConfigsTypeRequest",
        output_type=f".{EXPORT_PACKAGE}.A2XConfig",
        server_streaming=True,
    )
    return file


def described() -> DescriptorPool:
    """A new pool with both services and their messages."""
    pool = DescriptorPool()
    for known in (any_pb2, wire):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    for file in (_controller(), _export()):
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def message(pool: DescriptorPool, name: str) -> Any:
    """The class of the export's message ``name``."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{EXPORT_PACKAGE}.{name}"))
