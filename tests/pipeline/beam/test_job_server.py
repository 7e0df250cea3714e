"""What is said where an engine's parts are absent, and how its job server is called."""

from pathlib import Path

import pytest

from pipeline.beam import job_server
from pipeline.beam.job_server import Program, check_listens, command, find_program
from pipeline.config.beam import Beam
from schema.errors import InputError

PROGRAM = Program("/usr/bin/java", "/jars/*", "1.19", "2.62.0")


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `java` that says what its file's second line holds."""
    home = tmp_path / "java_home"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    says(program, 'openjdk version "17.0.15" 2025-04-15')
    monkeypatch.setenv("JAVA_HOME", str(home))
    return program


def says(program: Path, line: str) -> None:
    program.write_text(f"#!/bin/sh\necho '{line}' >&2\n", encoding="utf-8")
    program.chmod(0o755)


def jars(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_parts_in_a_folder_are_a_class_path_and_tell_their_versions(java: Path, tmp_path: Path) -> None:
    folder = jars(tmp_path / "jars", "beam-runners-flink-1.19-2.62.0.jar", "beam-runners-core-java-2.62.0.jar")
    found = find_program(Beam(runner="flink", job_server=str(folder)))
    assert found == Program(str(java), f"{folder}/*", "1.19", "2.62.0")


def test_one_jar_that_holds_all_is_taken_alone(java: Path, tmp_path: Path) -> None:
    jar = jars(tmp_path / "jars", "beam-runners-flink-1.20-job-server-2.77.0.jar") / (
        "beam-runners-flink-1.20-job-server-2.77.0.jar"
    )
    found = find_program(Beam(runner="flink", job_server=str(jar)))
    assert found == Program(str(java), str(jar), "1.20", "2.77.0")


@pytest.mark.usefixtures("java")
def test_jars_of_another_engine_are_refused(tmp_path: Path) -> None:
    folder = jars(tmp_path / "jars", "beam-runners-spark-3-2.62.0.jar")
    with pytest.raises(InputError, match=r"expected a jar beam-runners-flink-<version>\.jar.*Received: .*jars"):
        find_program(Beam(runner="flink", job_server=str(folder)))


@pytest.mark.usefixtures("java")
def test_absent_jars_name_the_command_that_lays_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_server, "LAID_OUT", tmp_path)
    with pytest.raises(InputError, match=r"Nothing is at .*spark\. `make spark` lays it there"):
        find_program(Beam(runner="spark"))


@pytest.mark.parametrize("line", ['openjdk version "1.8.0_402"', 'java version "9"', "no such thing"])
def test_a_java_that_is_too_old_or_none_is_named(java: Path, line: str) -> None:
    says(java, line)
    with pytest.raises(InputError, match=f"needs Java 11 or later.*said: {line}"):
        find_program(Beam(runner="flink"))


def test_without_java_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"PATH has none\. sudo apt-get install"):
        find_program(Beam(runner="flink"))


def test_an_address_without_a_listener_is_named_with_its_key() -> None:
    with pytest.raises(InputError, match=r"^beam\.master: nothing listens at localhost:1$"):
        check_listens("beam.master", "localhost:1")


@pytest.mark.parametrize(
    ("runner", "master", "flags"),
    [
        ("flink", "", ["--flink-master", "[local]"]),
        ("flink", "flink:8081", ["--flink-master", "flink:8081"]),
        ("spark", "", ["--spark-master-url", "local[3]"]),
        ("spark", "spark://host:7077", ["--spark-master-url", "spark://host:7077"]),
    ],
)
def test_the_engine_is_a_cluster_or_inside_the_job_server(runner: str, master: str, flags: list[str]) -> None:
    beam = Beam(runner=runner, master=master, worker_pool="localhost:50000" if master else "")
    line = command(beam, PROGRAM, 8099, cores=3)
    assert line[-2:] == flags
    assert line[line.index("--job-port") + 1] == "8099"
    assert line[line.index("-cp") + 1] == "/jars/*"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"runner": "flink", "master": "flink:8081"}, "worker_pool: a cluster needs the address"),
        ({"runner": "flink", "job_server": "flink:8099"}, "worker_pool: a cluster needs the address"),
        ({"runner": "flink", "worker_pool": "localhost:50000"}, "worker_pool: goes with a cluster"),
        ({"master": "flink:8081"}, "master: does not go with runner direct"),
        ({"runner": "flink", "running_mode": "multi_threading"}, "running_mode: does not go with runner flink"),
        ({"runner": "dataflow"}, "dataflow needs dataflow.project, dataflow.region, dataflow.temp_location"),
        ({"runner": "spark", "worker_pool": "no port", "master": "spark://a:1"}, "worker_pool"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(values: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Beam.from_mapping(values, "environment test")


@pytest.mark.parametrize(
    ("job_server", "address"), [("flink:8099", "flink:8099"), ("/jars", None), ("jars:1/a.jar", None), ("", None)]
)
def test_a_job_server_that_runs_is_told_from_a_file(job_server: str, address: str | None) -> None:
    pool = "localhost:50000" if address else ""
    assert Beam(runner="flink", job_server=job_server, worker_pool=pool).job_server_address == address
