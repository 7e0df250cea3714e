"""ImportSchemaGen by content."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Schema

SCHEMA_FILE = "schema.pbtxt"


@component
def ImportSchemaGen(  # noqa: N802 (a node is named like a class)
    schema: OutputArtifact[Schema],
    schema_text: Parameter[str],
) -> None:
    """Writes the curated schema into a Schema artifact.

    TFX's own ImportSchemaGen takes the file's path, which is all that its cache looks at: an edited schema would be
    served as it was. The text is also there for a container that does not see the file.
    """
    folder = Path(schema.uri)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCHEMA_FILE).write_text(schema_text, encoding="utf-8")
