"""What is said of the packages that the image is made of: known vulnerabilities, and licences."""

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest

from deploy import audit, licenses
from tests.deploy.builder import ROOT

UV = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".tools" / "bin"))
needs_uv = pytest.mark.skipif(UV is None, reason="uv is neither on PATH nor in .tools/bin: `make` installs it")


class Service(BaseHTTPRequestHandler):
    """OSV's service, as far as it is asked; the first package has a vulnerability if the path says so."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        answers: list[dict[str, Any]] = [{} for _ in asked]
        if self.path.startswith("/bad/"):
            answers[0] = {"vulns": [{"id": "PYSEC-2020-1", "modified": "2024-01-01T00:00:00Z"}]}
        self._answer({"results": answers})

    def do_GET(self) -> None:
        self._answer({"id": "PYSEC-2020-1", "modified": "2024-01-01T00:00:00Z", "summary": "a hole", "affected": []})

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The address of an advisory service of this machine."""
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@needs_uv
@pytest.mark.parametrize(("path", "code", "told"), [("/good/", 0, "no known vulnerabilities"), ("/bad/", 1, "a hole")])
def test_what_the_service_knows_is_told(
    service: str, path: str, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert audit.main(["--uv", str(UV), "--service-url", service + path]) == code
    printed = capsys.readouterr()
    assert told in printed.out + printed.err


@needs_uv
def test_without_a_service_nothing_is_called_audited(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    assert audit.main(["--uv", str(UV), "--service-url", "http://127.0.0.1:1/"]) == 3
    assert "not audited: the advisory service was not reached" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "license_name"),
    [
        (["License-Expression: MIT", "Classifier: License :: OSI Approved :: BSD License"], "MIT"),
        (["Classifier: License :: OSI Approved", "Classifier: License :: OSI Approved :: BSD License"], "BSD License"),
        (["Classifier: License :: OSI Approved", "License: Apache 2.0"], "Apache 2.0"),
        (["License: " + "Permission is hereby granted " * 9, "License-File: LICENSE"], "see LICENSE"),
        ([], ""),
    ],
)
def test_a_licence_is_what_the_package_says_most_exactly(tmp_path: Path, lines: list[str], license_name: str) -> None:
    folder = tmp_path / "a-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("\n".join(["Name: a", "Version: 1", *lines]) + "\n", encoding="utf-8")
    assert licenses.license_of(PathDistribution(folder)) == license_name


def test_the_packages_of_a_bill_alone_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sbom = tmp_path / "sbom.json"
    sbom.write_text(json.dumps({"components": [{"name": "apache-beam"}, {"name": "not.there"}]}), encoding="utf-8")
    assert licenses.main(["--sbom", str(sbom)]) == 0
    printed = capsys.readouterr()
    (row,) = printed.out.splitlines()[2:]
    assert row.startswith("| apache-beam | ")
    assert "Apache" in row
    assert printed.err == "not installed here, so not listed: not-there\n"
