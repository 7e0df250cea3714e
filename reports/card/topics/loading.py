"""How to load the model, with the names and types that it takes."""

import json
from typing import Any

from reports.artifacts.signatures import Signature, describe_device, describe_signatures
from reports.render.html import Column, Table, words
from reports.render.parts import Code, Paragraph, Part, Tabulated, Topic
from reports.runs.run import Run
from schema import signatures
from schema.rows import columns, read_schema

_SERVER = f"""\
import tensorflow as tf

predict = tf.saved_model.load(".").signatures["{signatures.PREDICT_ROWS}"]
print(predict(**{{name: tf.constant(column) for name, column in rows.items()}}))"""

_DEVICE = f"""\
from ai_edge_litert.interpreter import Interpreter

predict = Interpreter("device/{{file}}").get_signature_runner("{signatures.SERVING_DEFAULT}")
print(predict(**rows))"""


def loading(run: Run) -> Topic:
    """A row as both forms take it, the server form, and the device form if a variant was accepted."""
    server = describe_signatures(run.artifact("Trainer.model") / signatures.SERVING_FORM)[signatures.PREDICT_ROWS]
    models = [f"{one['name']}.tflite" for one in run.variants.variants if one["accepted"]]
    parts: list[Part] = [
        Paragraph(
            "The code is run in the folder of a released version. Both forms take columns of raw rows, as many rows as "
            "one likes. The one row here lacks every value, as a missing value is written: fill in what is known."
        ),
        Code(_rows(run, server)),
        Paragraph("On a server, or wherever TensorFlow is:"),
        Code(_SERVER),
    ]
    device = None
    if models:
        device = describe_device(run.artifact("DeviceModels.device_models") / models[0])
        parts += [Paragraph(f"On a device, by any of {', '.join(models)}:"), Code(_DEVICE.format(file=models[0]))]
    return Topic("How to load it", "loading", [*parts, Tabulated(_signatures(server, device))])


def _rows(run: Run, signature: Signature) -> str:
    """Code of one row without a value: see schema/bound.py, missing_value."""
    known = columns(read_schema(run.artifact("ImportSchemaGen.schema") / "schema.pbtxt"))
    lines = []
    for name, one in signature["inputs"].items():
        least = known[name].minimum
        empty = {"string": 'b""', "int64": str((least or 0) - 1)}.get(one["dtype"], "np.nan")
        kind = "" if one["dtype"] == "string" else f", np.{one['dtype']}"
        lines.append(f"    {json.dumps(name)}: np.array([{empty}]{kind}),")
    return "\n".join(["import numpy as np", "", "rows = {", *lines, "}"])


def _signatures(server: Signature, device: Signature | None) -> Table:
    """A line a name, with its type in either form."""
    forms = {f"server, {signatures.PREDICT_ROWS}": server}
    if device is not None:
        forms[f"device, {signatures.SERVING_DEFAULT}"] = device
    columns = [Column(label, is_number=False) for label in ("name", "is", *forms)]
    lines = []
    for side in ("inputs", "outputs"):
        for name in dict.fromkeys(name for form in forms.values() for name in form[side]):
            types = [_type(form[side][name]) if name in form[side] else "" for form in forms.values()]
            lines.append([words(text) for text in (name, side.removesuffix("s"), *types)])
    return Table("Inputs and outputs", columns, lines)


def _type(tensor: dict[str, Any]) -> str:
    sizes = ", ".join("N" if size is None else str(size) for size in tensor["shape"])
    return f"{tensor['dtype']} [{sizes}]"
