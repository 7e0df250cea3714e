"""Names of our modules in text, which no import checks: functions by path, `-m` modules, files, docs that say "see"."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipeline.stages.source_fingerprint import PACKAGES
from schema.problem import Evaluation

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = f"(?:{'|'.join(PACKAGES)})"
_DOTTED = re.compile(rf"(?<![\w./-]){_PACKAGE}(?:\.[A-Za-z_]\w*)+(?![\w(/]|\.\w)")
_FILE = re.compile(rf"(?<![\w./-]){_PACKAGE}(?:/\w+)+\.py\b")
# Sections of problem.yaml and columns of tables are called as packages are, and so are files beside them.
_OTHERS = re.compile(rf"evaluation\.(?:{'|'.join(Evaluation.model_fields)})\b|\w+\.(?:pbtxt|tflite|yaml|html|py|uri)$")


def texts() -> Iterator[Path]:
    """Files in which the project speaks of its modules."""
    folders = (*PACKAGES, "benchmarks", "examples", "docs", "deploy", "notebooks")
    for folder in folders:
        for suffix in ("*.py", "*.md", "*.ipynb", "*.yaml", "Dockerfile"):
            yield from sorted((ROOT / folder).rglob(suffix))
    yield from (ROOT / name for name in ("Makefile", "README.md", "run_local.py", "run_kubeflow.py", "pyproject.toml"))


@cache
def names(module: Path) -> set[str]:
    """What a module defines, imports, or answers to by `__getattr__`, of which it has the names as strings."""
    tree = ast.parse(module.read_bytes())
    is_lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.rpartition(".")[2])
        elif is_lazy and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; of Python, strings and comments alone."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), start=1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            yield token.start[0], token.string


def resolves(dotted: str) -> bool:
    """Whether the parts lead to a module of ours, and the rest to names in it."""
    parts = dotted.split(".")
    place = ROOT
    for depth, part in enumerate(parts):
        if (place / part).is_dir():
            place = place / part
            continue
        module = place / f"{part}.py"
        rest = parts[depth + 1 :]
        if not module.is_file():
            module, rest = place / "__init__.py", parts[depth:]
        return module.is_file() and all(name in names(module) for name in rest)
    return True


@pytest.mark.parametrize(
    ("dotted", "there"),
    [
        ("pipeline.graph", True),
        ("models.entrypoints.trainer.run_fn", True),
        ("components.Verdict", True),
        ("edge.convert", True),
        ("models.trainer.run_fn", False),
        ("models.entrypoints.trainer.run_function", False),
        ("pipeline.graphs", False),
    ],
)
def test_a_name_resolves_if_it_is_there(dotted: str, there: bool) -> None:
    assert resolves(dotted) is there


def test_every_module_that_is_named_in_text_is_there() -> None:
    wrong = []
    for path in texts():
        for number, line in prose(path):
            dotted = {found for found in _DOTTED.findall(line) if not _OTHERS.match(found) and not resolves(found)}
            files = {found for found in _FILE.findall(line) if not (ROOT / found).is_file()}
            wrong += [f"{path.relative_to(ROOT)}:{number}: {found}" for found in sorted(dotted | files)]
    assert wrong == []
