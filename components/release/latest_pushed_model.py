"""The latest released model as an artifact, where no resolver can look for it."""

import shutil
from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Model

from components.release.release_store import DEVICE, MANIFEST, versions
from reports.card.card_files import CARD_FILES
from schema import signatures
from schema.release_files import check_release


@component
def LatestPushedModel(  # noqa: N802 (a node is named like a class)
    model: OutputArtifact[Model],
    destination: Parameter[str],
    fingerprint: Parameter[str],
) -> None:
    """Copies the newest version below `destination` into a Model artifact; writes nothing if there is none.

    Kubeflow Pipelines refuses a graph with a resolver in it, and an artifact that lies in another run's folder. Only
    blessed models are pushed, so no metadata store has to be asked.

    Raises:
        DamagedFileError: if the version is not what was pushed.
    """
    folder = Path(destination)
    for version in versions(folder)[-1:]:
        released = folder / str(version)
        check_release(released)
        weights = released / signatures.WEIGHTS
        left_out = shutil.ignore_patterns(DEVICE, MANIFEST, *CARD_FILES, weights.parent.name)
        shutil.copytree(released, Path(model.uri) / signatures.SERVING_FORM, ignore=left_out)
        if weights.is_file():
            (Path(model.uri) / signatures.WEIGHTS).parent.mkdir()
            shutil.copy2(weights, Path(model.uri) / signatures.WEIGHTS)
        model.set_string_custom_property("pushed_version", str(version))
