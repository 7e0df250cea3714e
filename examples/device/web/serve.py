"""Serves the page and a released device bundle on this machine: `python serve.py --output output`.

The standard library alone, so that it runs beside a copied folder too. Nobody else's machine can reach it, and no page
of another server, whatever name it goes by.
"""

import argparse
import functools
import sys
import webbrowser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

HERE = Path(__file__).resolve().parent
BUNDLE = "/bundle/"
ADDRESS = "127.0.0.1"
# As a browser on this machine may call it; the port is left out where it is HTTP's own.
NAMES = (ADDRESS, "localhost")
HTTP_PORT = 80

# Explicit, since what a machine's own list says of them differs, and browsers refuse a module of another type.
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".wasm": "application/wasm",
}


class Handler(SimpleHTTPRequestHandler):
    """The page's folder, and the bundle below /bundle/."""

    def __init__(self, *arguments: Any, bundle: Path, **named: Any) -> None:
        self._bundle = bundle
        super().__init__(*arguments, directory=str(HERE), **named)

    def send_head(self) -> Any:
        """Answers what asks for this machine by its own names, and for what can be a file's name.

        Another name is of a page elsewhere, whose server's name was made to lead here so that it can read ours.
        """
        if self.headers.get("Host") not in self._own_names():
            self.send_error(421, "this page is for http://127.0.0.1 and http://localhost alone")
            return None
        if "\0" in unquote(self.path):
            self.send_error(400, "no file has such a name")
            return None
        return super().send_head()

    def _own_names(self) -> set[str]:
        port = self.connection.getsockname()[1]
        return {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == HTTP_PORT else set())

    def translate_path(self, path: str) -> str:
        """The file of an address; a bundle has no folders, so its files are named by their last part."""
        asked = unquote(urlsplit(path).path)
        if asked.startswith(BUNDLE):
            return str(self._bundle / Path(asked).name)
        return super().translate_path(path)

    def guess_type(self, path: Any) -> str:
        """The file's type by its ending."""
        return TYPES.get(Path(path).suffix, "application/octet-stream")

    def end_headers(self) -> None:
        """A bundle changes with every release, and its address stays."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: Any) -> None:  # noqa: ARG002 (the base class's arguments)
        """No listings."""
        self.send_error(404)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Tells of nothing that went well."""


class Server(ThreadingHTTPServer):
    """Serves this machine alone."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tells of an error, but of no browser that left before it had everything."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def released(output: Path, problem: str | None) -> Path:
    """The bundle of the current release below an output folder.

    Raises:
        SystemExit: with a sentence, if there is none, or several problems to choose from.
    """
    found = {path.parent.name: path / "device" for path in sorted((output / "pushed").glob("*/current"))}
    bundles = {name: path for name, path in found.items() if (path / "manifest.json").is_file()}
    if problem is None and len(bundles) > 1:
        raise SystemExit(f"{output}: models of several problems are released: --problem {' or '.join(bundles)}")
    if problem is not None and problem not in bundles and bundles:
        raise SystemExit(f"{output}: no device bundle of '{problem}'. Released: {', '.join(bundles)}")
    if not bundles:
        older = " by an older version of the project" if found else ""
        raise SystemExit(f"{output}: no device bundle was released there{older}. First: make run")
    return bundles[problem] if problem is not None else next(iter(bundles.values()))


def main() -> None:
    """Serves until Ctrl-C."""
    options = _options()
    bundle = options.bundle or released(options.output, options.problem)
    if not (bundle / "manifest.json").is_file():
        raise SystemExit(f"{bundle}: no device bundle there (manifest.json is absent)")
    if not (HERE / "node_modules/@litertjs/core/wasm").is_dir():
        raise SystemExit(f"{HERE}: LiteRT.js is not installed there. First: npm ci")
    try:
        server = Server((ADDRESS, options.port), functools.partial(Handler, bundle=bundle.resolve()))
    except OSError as error:
        raise SystemExit(f"port {options.port}: {error.strerror}. Another: --port {options.port + 1}") from None
    try:
        _serve(server, bundle, opens_browser=not options.no_browser)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    finally:
        server.server_close()


def _serve(server: ThreadingHTTPServer, bundle: Path, *, opens_browser: bool) -> None:
    address = f"http://{ADDRESS}:{server.server_port}/"
    sys.stdout.write(f"{bundle}\n{address}  (Ctrl-C ends it)\n")
    sys.stdout.flush()
    if opens_browser:
        webbrowser.open(address)
    server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve a released device model's page on this machine.")
    parser.add_argument(
        "--output", type=Path, default=Path("output"), help="where runs write; the current release is shown"
    )
    parser.add_argument("--problem", help="whose release, where there are several")
    parser.add_argument("--bundle", type=Path, help="a release's folder device/ instead")
    parser.add_argument("--port", type=int, default=8090, help="0 takes any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    return parser.parse_args()


if __name__ == "__main__":
    main()
