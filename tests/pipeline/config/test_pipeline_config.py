"""Config from names and flags: every file under tests/data/config, and what the command line may say."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from pydantic import BaseModel
from tensorflow_metadata.proto.v0 import schema_pb2

from edge.convert.recipes import RECIPES
from ingestion.windows import Window
from models.training.training_options import WarmStart
from pipeline.config.environment import Environment
from pipeline.config.pipeline_config import QUICK_ROWS, ROOT, Config, apply_sets, load_config
from schema.closed import read_yaml
from schema.errors import InputError
from schema.problem import Device, Encoding, Feature, Problem

FILES = Path(__file__).resolve().parents[2] / "data" / "config"
VALID, INVALID = (sorted((FILES / folder).glob("*.yaml")) for folder in ("valid", "invalid"))
EXPECT = "# expect: "
SCHEMA = """
feature { name: "farm" type: INT }
feature { name: "soil" type: BYTES }
feature { name: "week" type: INT int_domain { min: 1 max: 53 } }
feature { name: "rain" type: FLOAT }
feature { name: "trees" type: INT }
feature { name: "fertile" type: INT int_domain { min: 0 max: 1 } }
feature { name: "verdict" type: BYTES }
feature { name: "crop" type: BYTES }
feature { name: "tonnes" type: FLOAT }
"""


def problem_folder(parent: Path, text: str) -> str:
    """A problem folder with this problem.yaml and SCHEMA."""
    folder = parent / "fields"
    folder.mkdir()
    (folder / "problem.yaml").write_text(text, encoding="utf-8")
    (folder / "schema.pbtxt").write_text(SCHEMA, encoding="utf-8")
    return str(folder)


@pytest.fixture
def fields(tmp_path: Path) -> str:
    """The minimal problem's folder."""
    return problem_folder(tmp_path, (FILES / "valid" / "minimal.yaml").read_text(encoding="utf-8"))


def load(path: Path, parent: Path) -> Problem | Environment:
    """What the file is read as: an environment by its name, else a problem."""
    if path.stem.startswith("environment_"):
        return Environment.from_mapping(read_yaml(path), path.name)
    return load_config(problem_folder(parent, path.read_text(encoding="utf-8"))).problem


def refused(problem: str, **flags: Any) -> str:
    """The message with which the flags are refused."""
    with pytest.raises(InputError) as caught:
        load_config(problem, **flags)
    return str(caught.value)


@pytest.mark.parametrize("path", [*VALID, *INVALID], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_valid_file_is_loaded_and_an_invalid_one_refused_with_its_message(path: Path, tmp_path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    if path.parent.name == "valid":
        assert load(path, tmp_path).name in ("fields", "lab")
    else:
        assert first.startswith(EXPECT)
        with pytest.raises(InputError) as caught:
            load(path, tmp_path)
        assert first.removeprefix(EXPECT) in str(caught.value)


def test_there_are_files_of_both_kinds() -> None:
    assert {"minimal", "everything", "environment_everything"} <= {path.stem for path in VALID}
    assert len(INVALID) > 50


@pytest.mark.parametrize(("name", "record"), [("everything", Problem), ("environment_everything", Environment)])
def test_the_whole_file_has_every_key(name: str, record: type[BaseModel]) -> None:
    assert left_out(record, read_yaml(FILES / "valid" / f"{name}.yaml")) == []


def left_out(record: type[BaseModel], values: dict[str, Any]) -> list[str]:
    """Keys that the values do not have, in sections too."""
    absent = [name for name in record.model_fields if name not in values]
    for name in record.model_fields.keys() - absent:
        section = record.model_fields[name].annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            absent += left_out(section, values[name])
    return absent


def test_the_whole_file_has_every_encoding_and_every_option_of_a_feature() -> None:
    features = read_yaml(FILES / "valid" / "everything.yaml")["features"].values()

    assert {feature["encoding"] for feature in features} == set(Encoding)
    assert {key for feature in features for key in feature} == set(Feature.model_fields)


def test_every_variant_has_a_recipe() -> None:
    assert set(Device().variants) <= set(RECIPES)


def test_a_config_is_made_from_the_folder(fields: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(fields)

    assert (config.problem.name, config.environment.name) == ("fields", "local")
    assert config.schema_file == Path(fields) / "schema.pbtxt"
    assert (config.data, config.output) == (tmp_path / "data" / "fields", tmp_path / "output")
    assert (config.window, config.sample_rows, config.enable_cache) == (Window(), None, True)
    assert config.cache == tmp_path / "output" / "cache"
    assert config.releases == tmp_path / "output" / "pushed" / "fields"


def test_a_problem_is_named_by_its_folder_under_schema() -> None:
    config = load_config("nyc_flights")

    assert config.schema_file == ROOT / "schema" / "nyc_flights" / "schema.pbtxt"
    assert config.problem.name == "nyc_flights"


def test_the_schema_as_text_is_the_file(fields: str) -> None:
    text = load_config(fields).schema_text

    assert text_format.Parse(text, schema_pb2.Schema()) == text_format.Parse(SCHEMA, schema_pb2.Schema())


def test_flags_go_into_the_config(fields: str) -> None:
    config = load_config(fields, window="3:9", quick=True, enable_cache=False)

    assert (config.window, config.sample_rows, config.enable_cache) == (Window(3, 9), QUICK_ROWS, False)


@pytest.mark.parametrize("flag", ["data", "output"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/srv/rows", "/srv/rows"),
        ("rows", "{cwd}/rows"),
        ("./a/../rows/", "{cwd}/rows"),
        ("~", "{home}"),
        ("~/rows", "{home}/rows"),
        ("a~/rows", "{cwd}/a~/rows"),
    ],
)
def test_a_path_is_absolute_with_the_home_in_place_of_the_tilde(
    fields: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, given: str, expected: str
) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)

    config = load_config(fields, **{flag: given})

    assert str(getattr(config, flag)) == expected.format(home=home, cwd=here)


def test_the_problems_own_data_folder_may_be_in_the_home(
    fields: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert load_config(fields, sets=["data.path=~/rows"]).data == tmp_path / "rows"


def test_a_home_that_nobody_has_is_refused(fields: str) -> None:
    assert refused(fields, output="~nobody_of_this_name/out") == (
        "--output: no home directory to put for ~. Received: '~nobody_of_this_name/out'"
    )


def test_data_on_the_command_line_goes_before_the_problems(fields: str) -> None:
    assert load_config(fields, data="/srv/rows", sets=["data.path=/elsewhere"]).data == Path("/srv/rows")


def test_an_unknown_environment_lists_the_known_ones(fields: str) -> None:
    assert refused(fields, environment="locl") == (
        "--environment: no environment 'locl'. Known environments: "
        + ", ".join(sorted(path.stem for path in (ROOT / "pipeline" / "environments").glob("*.yaml")))
        + "."
    )


@pytest.mark.parametrize("name", ["../environments/local", "local.yaml", ""])
def test_an_environment_is_a_name_and_no_path(fields: str, name: str) -> None:
    assert "Known environments: " in refused(fields, environment=name)


def test_an_unknown_problem_lists_the_known_ones() -> None:
    message = refused("nyc_flight")

    assert message.startswith("--problem: no problem.yaml in schema/nyc_flight or nyc_flight. Known problems: ")
    assert "nyc_flights" in message


def test_the_path_of_a_folder_without_a_problem_is_named_once(tmp_path: Path) -> None:
    assert refused(str(tmp_path)).startswith(f"--problem: no problem.yaml in {tmp_path}. Known problems: ")


def test_a_problem_without_a_schema_names_the_file(fields: str) -> None:
    (Path(fields) / "schema.pbtxt").unlink()

    assert refused(fields) == f"{fields}/schema.pbtxt: no such file"


def test_a_wrong_window_is_refused(fields: str) -> None:
    assert refused(fields, window="1-9").startswith("--span-window: expected first:last")


def section(config: Config, key: str) -> Any:
    """The value at a dotted key of the problem or the environment."""
    top = key.partition(".")[0]
    value: Any = config.problem if top in Problem.model_fields else config.environment
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("network.epochs=3", 3),
        ("network.dropout=0", 0.0),
        ("network.learning_rate=1e-3", 0.001),
        ("network.hidden_units=[8, 4]", (8, 4)),
        ("split.key=farm", "farm"),
        ("split.key=null", None),
        ("title=Is it so?", "Is it so?"),
        ("title='7'", "7"),
        ("title=a=b", "a=b"),
        (" network.epochs =3", 3),
        ("features.soil.top_k=9", 9),
        ("features.rain={encoding: quantiles, buckets: 8}", Feature(encoding=Encoding.QUANTILES, buckets=8)),
        ("evaluation.bounds={auc: 0.7}", {"auc": 0.7}),
        ("evaluation.bounds.auc=0.7", 0.7),
        ("evaluation.slices=[[soil], [soil, week]]", (("soil",), ("soil", "week"))),
        ("data.pattern='{SPAN}.csv'", "{SPAN}.csv"),
        ("anomalies.tolerate=['soil:X']", ("soil:X",)),
        ("training.seed=3", 3),
        ("training.jit_compile=true", True),
        ("release.keep=1", 1),
    ],
)
def test_set_lays_a_value_of_yaml_over_the_file(fields: str, flag: str, value: Any) -> None:
    assert section(load_config(fields, sets=[flag]), flag.partition("=")[0].strip()) == value


def test_the_last_of_several_sets_counts_and_the_others_stay(fields: str) -> None:
    network = load_config(fields, sets=["network.epochs=3", "network.members=2", "network.epochs=5"]).problem.network

    assert (network.epochs, network.members, network.patience) == (5, 2, None)


def test_a_section_set_whole_forgets_what_the_file_says() -> None:
    problem = {"split": {"key": "farm", "train": 6}}

    assert apply_sets(problem, {}, ["split.train=5"])[0] == {"split": {"key": "farm", "train": 5}}
    assert apply_sets(problem, {}, ["split={train: 5}"])[0] == {"split": {"train": 5}}


def test_what_was_read_from_the_files_stays_as_it_was() -> None:
    problem: dict[str, Any] = {"network": {"epochs": 8, "members": 2}, "features": {"soil": {"encoding": "vocabulary"}}}
    environment: dict[str, Any] = {"training": {"seed": 7}}

    laid = apply_sets(problem, environment, ["network.epochs=3", "features.soil.top_k=9", "training.seed=1"])

    assert laid == (
        {"network": {"epochs": 3, "members": 2}, "features": {"soil": {"encoding": "vocabulary", "top_k": 9}}},
        {"training": {"seed": 1}},
    )
    assert problem == {"network": {"epochs": 8, "members": 2}, "features": {"soil": {"encoding": "vocabulary"}}}
    assert environment == {"training": {"seed": 7}}


@pytest.mark.parametrize("flag", ["", "network", "network.epochs", "=3", ".=3", "network.=3", ".epochs=3", "a..b=3"])
def test_a_set_of_another_form_is_refused(fields: str, flag: str) -> None:
    assert refused(fields, sets=[flag]) == (f"--set: expected key=value, such as network.epochs=3. Received: {flag!r}")


@pytest.mark.parametrize(
    ("flag", "fault"),
    [
        ("netwrk.epochs=3", "--set: unknown key 'netwrk.epochs'. Did you mean 'network'?"),
        ("trainig.seed=3", "--set: unknown key 'trainig.seed'. Did you mean 'training'?"),
        ("zzz=3", "--set: unknown key 'zzz'. Known keys: anomalies, beam, "),
        ("network.epohs=3", "problem.yaml with --set: unknown key 'network.epohs'. Did you mean 'epochs'?"),
        ("features.soil.topk=3", "problem.yaml with --set: unknown key 'features.soil.topk'. Did you mean 'top_k'?"),
        ("training.sede=3", "environment local: unknown key 'training.sede'. Did you mean 'seed'?"),
        ("network.epochs=many", "with --set: key 'network.epochs': Input should be a valid integer. Received: 'many'"),
        ("network.epochs=[3", "--set network.epochs=[3: the value is not YAML: while parsing a flow sequence"),
        ("title=a: b: c", "--set title=a: b: c: the value is not YAML: mapping values are not allowed here"),
        ("split={train: 1, train: 2}", "the value is not YAML: key 'train' is given twice"),
        (
            "evaluation.bounds={2013: 1}",
            "the value is not YAML: a key must be a string, in quotes if need be. Received: 2",
        ),
        ("network.epochs.most=3", "key 'network.epochs': Input should be a valid integer. Received: {'most': 3}"),
        ("label.name=fertile", "key 'label': Input should be a valid string. Received: {'name': 'fertile'}"),
        ("features.rain.buckets=8", "missing key 'features.rain.encoding'."),
        ("title=", "key 'title': Input should be a valid string. Received: None"),
        ("network=", "key 'network': Input should be an object. Received: None"),
        ("label=soil", "with --set: the label 'soil' may not be a feature"),
        ("evaluation.bounds.acu=0.7", "evaluation.bounds: 'acu' is not measured. Did you mean 'auc'?"),
        ("device.variants=[float32, int7]", "device.variants: no recipe 'int7'. Did you mean 'int8'?"),
    ],
)
def test_a_wrong_set_is_refused(fields: str, flag: str, fault: str) -> None:
    message = refused(fields, sets=[flag])

    assert fault in message
    assert "\n" not in message


@pytest.mark.parametrize("quick", [False, True])
def test_a_sample_follows_its_rows_and_what_is_given_stays(quick: bool, fields: str) -> None:
    assert load_config(fields, quick=quick).problem.network.batch_size is None
    assert load_config(fields, quick=quick, sets=["network.batch_size=512"]).problem.network.batch_size == 512


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("off", WarmStart.OFF),
        ("false", WarmStart.OFF),
        ("true", WarmStart.IF_POSSIBLE),
        ("if_possible", WarmStart.IF_POSSIBLE),
        ("required", WarmStart.REQUIRED),
    ],
)
def test_a_warm_start_is_asked_for_by_word_or_by_truth(value: str, expected: WarmStart, fields: str) -> None:
    config = load_config(fields, sets=[f"training.warm_start={value}"])

    assert config.environment.training.warm_start is expected


def test_a_warm_start_of_another_kind_is_refused_with_the_known_ones(fields: str) -> None:
    message = refused(fields, sets=["training.warm_start=maybe"])

    assert "key 'training.warm_start': Input should be 'off', 'if_possible' or 'required'. Received: 'maybe'" in message
