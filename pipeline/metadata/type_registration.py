"""Registers a graph's types before it runs, so that two people can begin at once on one server."""

import time
from collections.abc import Iterator
from typing import Any

from ml_metadata.errors import StatusError
from ml_metadata.proto.metadata_store_pb2 import ContextType
from tfx.orchestration.portable.mlmd import common_utils, context_lib

from pipeline.config.metadata import MetadataStore
from pipeline.metadata.connection import PAUSE_SECONDS
from pipeline.metadata.server_handle import ServerHandle
from schema.errors import InputError


def register_types(settings: MetadataStore, ir: Any) -> None:
    """Registers what the nodes would register as they run; nothing is written where the types are known.

    Raises:
        InputError: if the store does not let it.
    """
    until = time.monotonic() + settings.wait_seconds
    while True:
        try:
            with ServerHandle(settings, one_by_one=True) as handle:
                for type_ in _types(ir):
                    common_utils.register_type_if_not_exist(handle, type_)
            return
        except InputError as error:
            # Another run may have registered the same at the same time: the next try finds it.
            if not isinstance(error.__cause__, StatusError) or time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)


def _types(ir: Any) -> Iterator[Any]:
    yield ContextType(name=context_lib.CONTEXT_TYPE_EXECUTION_CACHE)
    for node in (node.pipeline_node for node in ir.nodes):
        yield node.node_info.type
        yield from (context.type for context in node.contexts.contexts)
        yield from (output.artifact_spec.type for output in node.outputs.outputs.values())
