"""Digests of source code, so that an edited function is never served from the cache."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("schema", "ingestion", "models", "edge", "components", "reports")


@cache
def source_fingerprint(module: str) -> str:
    """Digest of a module of ours and of every module of ours that it imports, directly or not."""
    digest = hashlib.sha256()
    for path in sorted(_closure(module)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _closure(module: str) -> set[Path]:
    waiting, seen = [module], set[Path]()
    while waiting:
        path = _file(waiting.pop())
        if path is not None and path not in seen:
            seen.add(path)
            waiting += _imports(path)
    return seen


def _file(module: str) -> Path | None:
    if module.partition(".")[0] not in PACKAGES:
        return None
    base = ROOT / Path(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names
