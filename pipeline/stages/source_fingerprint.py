"""Digests of source code, so that an edited function is never served from the cache."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the project is installed, its packages lie among everybody else's.
PACKAGES = ("schema", "ingestion", "models", "edge", "evaluation", "reports", "components", "pipeline")


@cache
def source_fingerprint(module: str) -> str:
    """Digest of a module of ours and of every module of ours that it imports, directly or not.

    Raises:
        ValueError: if there is no such module: its digest would never change.
    """
    if _file(module) is None:
        raise ValueError(f"expected a module below {ROOT}. Received: '{module}'")
    digest = hashlib.sha256()
    for path in sorted(_closure(module)):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def files_fingerprint(folder: str) -> str:
    """Digest of all files in a folder of ours, which no import reaches: templates.

    Raises:
        ValueError: if there is no file in it: its digest would never change.
    """
    paths = sorted(path for path in (ROOT / folder).rglob("*") if path.is_file())
    if not paths:
        raise ValueError(f"expected a folder with files below {ROOT}. Received: '{folder}'")
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _closure(module: str) -> set[Path]:
    waiting, seen = [module], set[Path]()
    while waiting:
        for path in _run_by_import(waiting.pop()) - seen:
            seen.add(path)
            waiting += _imports(path, path.read_bytes())
    return seen


def _run_by_import(module: str) -> set[Path]:
    """The files of ours that importing a module runs: itself and the packages around it."""
    parts = module.split(".")
    files = (_file(".".join(parts[: depth + 1])) for depth in range(len(parts)))
    return {path for path in files if path is not None}


def _file(module: str) -> Path | None:
    """The module's file; None for a module of somebody else, or a name in a module."""
    if module.partition(".")[0] not in PACKAGES:
        return None
    base = ROOT / Path(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


@cache
def _imports(path: Path, source: bytes) -> list[str]:
    # By content as well, and once: most modules are part of the digests of several nodes, and to parse one takes long.
    package = path.relative_to(ROOT).parent.parts
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # One dot is the package itself, each further dot the one around it.
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return names
