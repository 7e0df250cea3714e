"""A container without an engine: a fresh root in namespaces of its own, with this machine's programs in it."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LOG = "log.txt"

# Programs and libraries are this machine's, which the image would bring; all else is fresh, /tmp and home too.
_SHARED = ("bin", "dev", "etc", "lib", "lib32", "lib64", "opt", "proc", "sbin", "sys", "usr")


def available() -> str:
    """Why there can be no sandbox here; empty if there can."""
    tried = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"no user namespaces here: {tried.stderr.strip()}"


def run(command: Sequence[str], mounts: Mapping[str, Path], folder: Path) -> int:
    """Runs a command; returns its exit code.

    Args:
        command: what is run; `python` is the project's own.
        mounts: folders by the path at which the command sees them.
        folder: gets `log.txt`, what the command prints, and some files of our own.
    """
    root = folder / "root"
    root.mkdir()
    shared = [Path("/") / name for name in _SHARED]
    code = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]
    binds = [(path, str(path)) for path in [*shared, *code] if path.exists()]
    binds += [(source, seen) for seen, source in mounts.items()]
    script = ["set -e", f"root={shlex.quote(str(root))}", 'mount -t tmpfs fresh "$root"']
    for source, seen in binds:
        place = f'"$root"{shlex.quote(seen)}'
        script += [f"mkdir -p {place}", f"mount --rbind {shlex.quote(str(source))} {place}"]
    python = f"{sys.prefix}/bin"
    variables = f"PATH={shlex.quote(python)}:/usr/bin:/bin HOME=/tmp PYTHONPATH={shlex.quote(str(ROOT))}"
    script += ['mkdir -p "$root/tmp"', f'exec chroot "$root" env -i {variables} {shlex.join(command)}']
    # From a file, since one argument could not hold all of them.
    (folder / "run.sh").write_text("\n".join(script), encoding="utf-8")
    with (folder / LOG).open("w", encoding="utf-8") as stream:
        inside = ["unshare", "--map-root-user", "--mount", "bash", str(folder / "run.sh")]
        return subprocess.run(inside, stdout=stream, stderr=subprocess.STDOUT, check=False, cwd="/").returncode
