"""An image without a container engine: Debian's buildah, in a root of its own, builds deploy/Dockerfile and runs it.

Where debootstrap and root are at hand, nothing else need be: Debian brings buildah, and the stand-in for the image that
the Dockerfile begins with, which is in a registry. The stand-in is Debian with Python 3.11 too, but Debian's Python.
"""

import json
import os
import shlex
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BASE = "docker.io/library/python:3.11-slim-bookworm"

_MIRROR = "http://deb.debian.org/debian"
_INDEX = "https://pypi.org/simple/uv/"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_CONNECT_SECONDS = 20.0

# Namespaces share nothing with this machine's mounts, and what is mounted here is gone when the command ends.
_ENTER = """
set -e
cd {folder}
mount -t overlay overlay -o lowerdir=base,upperdir=tools,workdir=work root
for name in dev proc sys; do mount --rbind /$name root/$name; done
mkdir -p root/var/lib/containers root/base
mount --bind storage root/var/lib/containers
mount --bind base root/base
cp --remove-destination /etc/resolv.conf root/etc/resolv.conf
"""

_STAND_IN = """
container=$(buildah from scratch)
buildah add --quiet $container /base /
root=$(buildah mount $container)
ln -s /usr/bin/python3.11 $root/usr/local/bin/python
# As in the image that it stands for, pip may install beside what is there.
rm $root/usr/lib/python3.11/EXTERNALLY-MANAGED
buildah config --env PATH={path} --env SSL_CERT_FILE={certificates} $container
buildah commit --quiet --rm $container {base}
"""

_RUN = """
container=$(buildah from --pull-never {image})
code=0
buildah run --isolation chroot --network host {mounts} $container -- {command} || code=$?
buildah rm $container >&2
exit $code
"""


def unavailable() -> str:
    """Why no image can be built here; empty if one can."""
    if os.geteuid() != 0:
        return "to build the image takes root: debootstrap and mounts"
    missing = [tool for tool in ("debootstrap", "unshare") if shutil.which(tool) is None]
    if missing:
        return f"to build the image takes {' and '.join(missing)}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"no mount namespaces here: {tried.stderr.strip()}"
    return _unreachable(f"{_MIRROR}/dists/bookworm/InRelease") or _unreachable(_INDEX)


def _unreachable(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=_CONNECT_SECONDS):  # noqa: S310
            return ""
    except (urllib.error.URLError, TimeoutError) as error:
        return f"to build the image takes {address}: {error}"


class BuildError(Exception):
    """A step failed; the message ends with what it printed."""


@dataclass(frozen=True)
class Done:
    """A command that has ended: its exit code, and what it printed."""

    code: int
    stdout: str
    stderr: str

    def checked(self) -> "Done":
        """Itself.

        Raises:
            BuildError: if the command failed.
        """
        if self.code:
            raise BuildError(f"exit code {self.code}:\n{self.stdout[-4000:]}\n{self.stderr[-4000:]}")
        return self


def _ended(command: Sequence[str]) -> Done:
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    return Done(found.returncode, found.stdout, found.stderr)


class Builder:
    """Images, built and run in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Makes the root with buildah in it, and the stand-in for the Dockerfile's base.

        Raises:
            BuildError: if a step fails.
        """
        for name in ("tools", "work", "root", "storage"):
            (self.folder / name).mkdir()
        packages = "--include=python3.11,python3-pip,ca-certificates"
        _ended(["debootstrap", "--variant=minbase", packages, "bookworm", str(self.folder / "base"), _MIRROR]).checked()
        # What this machine trusts, an index behind a proxy among it.
        trusted = ssl.get_default_verify_paths().cafile or _CERTIFICATES
        shutil.copyfile(trusted, f"{self.folder}/base{_CERTIFICATES}")
        install = "DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends buildah"
        self._run(f"apt-get update --quiet && {install}").checked()
        self._run(_STAND_IN.format(path=_PATH, certificates=_CERTIFICATES, base=BASE)).checked()

    def build(self, image: str, context: Path, dockerfile: Path = DOCKERFILE) -> None:
        """Builds an image from a folder, as `docker build` does: a layer an instruction, and .dockerignore honoured.

        Raises:
            BuildError: if an instruction fails or is unknown.
        """
        flags = "--isolation chroot --network host --pull-never --layers"
        shutil.copyfile(dockerfile, self.folder / "storage" / "Dockerfile")
        told = f"buildah bud {flags} --tag {image} --file /var/lib/containers/Dockerfile /context"
        self._run(told, {"/context": context}).checked()

    def config(self, image: str) -> dict[str, Any]:
        """The image's configuration, as OCI names it: `config`, `rootfs`, `history`."""
        found: dict[str, Any] = json.loads(self._run(f"buildah inspect --type image {image}").checked().stdout)["OCIv1"]
        return found

    def layers(self, image: str) -> dict[str, int]:
        """Bytes of each layer's tar archive by digest, the base's layer first."""
        known = json.loads((self.folder / "storage/storage/overlay-layers/layers.json").read_text(encoding="utf-8"))
        sizes = {layer["diff-digest"]: layer["diff-size"] for layer in known if "diff-size" in layer}
        return {digest: sizes[digest] for digest in self.config(image)["rootfs"]["diff_ids"]}

    def run(self, image: str, command: Sequence[str], mounts: Mapping[str, Path] = MappingProxyType({})) -> Done:
        """Runs a command in a container of its own, as the image's user and in its folder.

        Args:
            image: a name that was built.
            command: what is run in the place of the entrypoint.
            mounts: folders by the path at which the command sees them.
        """
        places = {f"/mounts/{number}": (seen, path) for number, (seen, path) in enumerate(mounts.items())}
        volumes = " ".join(f"--volume {place}:{seen}" for place, (seen, _) in places.items())
        script = _RUN.format(image=image, mounts=volumes, command=shlex.join(command))
        return self._run(script, {place: path for place, (_, path) in places.items()})

    def _run(self, script: str, mounts: Mapping[str, Path] = MappingProxyType({})) -> Done:
        steps = [_ENTER.format(folder=shlex.quote(str(self.folder)))]
        for seen, path in mounts.items():
            steps += [f"mkdir -p root{seen}", f"mount --bind {shlex.quote(str(path))} root{seen}"]
        variables = {"PATH": _PATH, "HOME": "/root", **_proxies()}
        told = shlex.join(f"{name}={value}" for name, value in variables.items())
        # From a file, since one argument could not hold an execution.
        (self.folder / "storage" / "inside.sh").write_text(f"set -e\n{script}", encoding="utf-8")
        steps += [f"exec chroot root env -i {told} bash /var/lib/containers/inside.sh"]
        (self.folder / "enter.sh").write_text("\n".join(steps), encoding="utf-8")
        return _ended(["unshare", "--mount", "bash", str(self.folder / "enter.sh")])


@contextmanager
def builder(folder: Path) -> Iterator[Builder]:
    """A builder in a folder, which is removed at the end: it holds some gigabytes."""
    made = Builder(folder)
    try:
        made.prepare()
        yield made
    finally:
        shutil.rmtree(folder)


def _proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower() in _PROXIES}
