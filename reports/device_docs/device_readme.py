"""A device bundle's README.md, made from its manifest."""

from collections.abc import Mapping
from typing import Any

from reports.render.html import Cell, Column, Table, metric_number, number, words
from reports.render.markdown import bullets, code, heading, paragraph, table
from schema.described import in_digits
from schema.problem import Task
from schema.rounding import metric_form

Manifest = Mapping[str, Any]


def device_readme(manifest: Manifest) -> str:
    """What the bundle predicts, from what, how well, how to load it, and how to check a runtime."""
    parts = [
        heading(manifest["title"], 1),
        paragraph(
            f"Models for devices that answer this question, as LiteRT files (.tflite). Version {manifest['version']} "
            f"of {manifest['created']}, trained and judged on {manifest['data_window']}. LICENSES.md says what may be "
            "done with them."
        ),
        heading("What it predicts", 2),
        paragraph(prediction(manifest)),
        heading("What it takes", 2),
        paragraph(
            "Every feature of a row may be missing. A string or a whole number that training has not seen is answered "
            "too."
        ),
        table(_features(manifest)),
        heading("Variants", 2),
        *(_use(manifest) if manifest["variants"] else [paragraph("None was accepted for this release.")]),
        *_training(manifest),
    ]
    return "\n\n".join(parts) + "\n"


def _training(manifest: Manifest) -> list[str]:
    trainable, title = manifest.get("trainable"), heading("Training on the device", 2)
    if rejected := manifest.get("trainable_rejected"):
        why = "; ".join(rejected)
        return [title, paragraph(f"The file that can be trained was not accepted for this release: {why}.")]
    if not trainable:
        return []
    return [
        title,
        paragraph(
            f"{trainable['file']} ({trainable['bytes']:,} bytes) takes rows as the raw form does and answers as "
            "float16, and its last layer can be trained where it runs: by the signatures predict, train (with label "
            "and learning_rate), get_head and set_head. What is learned lives in the interpreter: save get_head before "
            "it ends. A head belongs to this version's file alone."
        ),
    ]


def _use(manifest: Manifest) -> list[str]:
    return [
        *_variants(manifest),
        heading("Forms", 2),
        paragraph("A variant is one network in three files, which differ in how rows enter:"),
        bullets(_FORMS),
        heading("Golden rows", 2),
        paragraph(_GOLDEN),
        heading("How to load it", 2),
        *_loading(manifest),
    ]


_FORMS = (
    "raw, NAME.tflite: strings as they are, integers as int64, numbers as float32, any number of rows at once. "
    "For Interpreter APIs.",
    "ids, NAME.ids.tflite: strings as int32 ids, which vocab.json gives (a feature's missing_id for the empty "
    "string, its unseen_id for one that is not among its terms, else first_term_id plus its place among them), "
    "integers as int32. One row at once.",
    "packed, NAME.packed.tflite: strings as int32 words: the UTF-8 bytes, four a word, little endian, cut to or "
    "filled with zeros up to vocab.json's number of words; a string with a zero byte has words of -1, so that it is "
    "unseen. Integers as int32. One row at once. No list of terms is needed.",
)


def prediction(manifest: Manifest) -> str:
    """What the output means, in two sentences at most."""
    output, task = manifest["output"], Task(manifest["task"])
    unit = f", in {output['unit']}" if output["unit"] else ""
    said = f"Output {output['name']}, float32 [rows, {output['size']}], is {output['description']}{unit}."
    if task is Task.BINARY:
        named = manifest["classes"][1] if manifest["classes"] else f"{manifest['label']} = 1"
        return f"{said} From {manifest['threshold']:g} on, {named} is decided."
    if task is Task.MULTICLASS:
        return f"{said} The classes are, in this order: {', '.join(manifest['classes'])}. The likeliest is decided."
    if output["offset"]:
        return (
            f"{said} Add {output['offset']:.0f} to it as a number of 64 bits: float32 has not the digits. Labels that "
            "the trainable file learns from are given less this number."
        )
    return said


def _features(manifest: Manifest) -> Table:
    head = [Column(label, is_number=False) for label in ("feature", "kind", "unit", "missing", "meaning")]
    rows = [[words(text) for text in _feature(feature)] for feature in manifest["features"]]
    return Table("Features", head, rows)


def _feature(feature: Mapping[str, Any]) -> tuple[str, ...]:
    missing = {"string": "empty string", "number": "NaN"}.get(feature["kind"], str(feature["missing"]))
    ends = [in_digits(feature[end]) if end in feature else "any" for end in ("minimum", "maximum")]
    domain = "" if ends == ["any", "any"] else f"{' to '.join(ends)}"
    meaning = "; ".join(text for text in (feature["description"], domain) if text)
    return feature["name"], feature["kind"], feature["unit"], missing, meaning


def _variants(manifest: Manifest) -> list[str]:
    told = [f"{one['name']}: {one['expectation']}" for one in manifest["variants"] if one["expectation"]]
    return [
        paragraph(
            f"Bytes are those of the raw form, {manifest['metric']} is on the test split, and the change is against "
            "the server's model on the same rows. The time is the median of one row on the machine that judged them: "
            "on another it differs, and so does the order. The runtime is the oldest TensorFlow Lite that has all "
            "operators."
        ),
        table(_variant_table(manifest)),
        *([bullets(told)] if told else []),
    ]


def _variant_table(manifest: Manifest) -> Table:
    columns = [
        Column("variant", is_number=False),
        Column("bytes"),
        Column("gzip"),
        Column(manifest["metric"]),
        Column("change"),
        Column("one row", "µs"),
        Column("runtime", is_number=False),
        Column("may differ by"),
    ]
    return Table("Variants", columns, [_variant(one) for one in manifest["variants"]])


def _variant(one: Mapping[str, Any]) -> list[Cell]:
    return [
        words(one["name"]),
        number(one["bytes"], ",d"),
        number(one["gzip_bytes"], ",d"),
        metric_number(one["value"]),
        number(one["change"], metric_form(one["value"], "+")),
        number(one["latency_p50_us"], ".0f"),
        words(one["minimum_runtime"] or "not known"),
        number(one["tolerance"], ".1g"),
    ]


_GOLDEN = (
    "golden.json has rows, real ones and some at the edges of what may come, in every form's own terms under rows "
    "(raw), ids and packed, and under expected what each variant answered to them at its release. Runtimes of other "
    "versions and processors must answer the same: old ones have been seen to give wrong answers without an error. "
    "Before you trust a runtime, ask it for the golden rows, and allow the largest difference that manifest.json gives "
    "under tolerance; it is also the last column above. null stands for NaN."
)


def _loading(manifest: Manifest) -> list[str]:
    name = min(manifest["variants"], key=lambda variant: variant["bytes"])["name"]
    return [
        heading("Python", 3),
        paragraph("With ai-edge-litert and numpy, without TensorFlow. A feature has one value a row."),
        code(_python(manifest, name), "python"),
        heading("Browser", 3),
        paragraph("With the npm package @litertjs/core. Tensors are freed by hand."),
        code(_browser(name), "javascript"),
        heading("C", 3),
        paragraph(
            "Against LiteRT's C library, in the ids form. Inputs are found by their names, since their order is the "
            "file's own."
        ),
        code(_c(name), "c"),
        heading("Android (not run)", 3),
        paragraph("With Maven's com.google.ai.edge.litert:litert, in the ids form. This has not been run."),
        code(_android(manifest, name), "kotlin"),
        heading("iOS (not run)", 3),
        paragraph("With the TensorFlowLiteSwift pod, in the ids form. This has not been run."),
        code(_ios(name), "swift"),
    ]


_ARRAYS = {
    "string": 'np.array([row["{name}"].encode()], object)',
    "integer": 'np.array([row["{name}"]], np.int64)',
    "number": 'np.array([row["{name}"]], np.float32)',
}


def _python(manifest: Manifest, name: str) -> str:
    columns = [f'    "{f["name"]}": {_ARRAYS[f["kind"]].format(name=f["name"])},' for f in manifest["features"]]
    return "\n".join(
        [
            "import json",
            "import numpy as np",
            "from ai_edge_litert.interpreter import Interpreter",
            "",
            f'model = Interpreter("{name}.tflite").get_signature_runner("serving_default")',
            'row = json.load(open("golden.json"))["rows"][0]',
            "score = model(**{",
            *columns,
            '})["score"]',
        ]
    )


def _browser(name: str) -> str:
    return f"""import {{loadAndCompile, loadLiteRt, Tensor}} from '@litertjs/core';

await loadLiteRt('/node_modules/@litertjs/core/wasm/');
const model = await loadAndCompile('{name}.packed.tflite', {{accelerator: 'wasm'}});
const row = (await (await fetch('golden.json')).json()).packed[0];
const inputs = Object.fromEntries(model.getInputDetails().map(({{name, dtype, shape}}) => {{
  const values = [row[name] ?? NaN].flat();
  return [name, new Tensor(dtype === 'float32' ? new Float32Array(values) : new Int32Array(values), Array.from(shape))];
}}));
const outputs = await model.run(inputs);
const score = outputs.score.toTypedArray();
[...Object.values(inputs), outputs.score].forEach((tensor) => tensor.delete());"""


def _c(name: str) -> str:
    return f"""LiteRtCreateEnvironment(0, NULL, &environment);
LiteRtCreateModelFromFile(environment, "{name}.ids.tflite", &model);
LiteRtCreateOptions(&options);
LiteRtSetOptionsHardwareAccelerators(options, kLiteRtHwAcceleratorCpu);
LiteRtCreateCompiledModel(environment, model, options, &compiled);
/* a buffer for each input and for the output, each input's filled with its four bytes, then: */
LiteRtRunCompiledModel(compiled, 0, num_inputs, inputs, 1, &output);"""


def _android(manifest: Manifest, name: str) -> str:
    feature = manifest["features"][0]["name"]
    return f"""val options = CompiledModel.Options(Accelerator.CPU)
val model = CompiledModel.create(context.assets, "{name}.ids.tflite", options)
// A buffer for each feature, by its name.
val inputs = features.associateWith {{ model.createInputBuffer(it, "serving_default") }}
val outputs = mapOf("score" to model.createOutputBuffer("score", "serving_default"))
inputs["{feature}"]!!.{_written(manifest["features"][0])}
model.run(inputs, outputs, "serving_default")
val score = outputs["score"]!!.readFloat()"""


def _written(feature: Mapping[str, Any]) -> str:
    return "writeFloat(floatArrayOf(value))" if feature["kind"] == "number" else "writeInt(intArrayOf(value))"


def _ios(name: str) -> str:
    return f"""let path = Bundle.main.path(forResource: "{name}.ids", ofType: "tflite")!
let interpreter = try Interpreter(modelPath: path)
try interpreter.allocateTensors()
// for each input by its name: try interpreter.copy(Data(bytes: &value, count: 4), toInputAt: index)
try interpreter.invoke()
let score = try interpreter.output(at: 0).data.withUnsafeBytes {{ Array($0.bindMemory(to: Float32.self)) }}"""
