"""Pages in a real browser: what they say, what fails in them, and whom they ask.

Use the fixture by importing it: `from tests.browser import browser, opened  # noqa: F401`.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PLACES = ("/usr/bin",)


@dataclass(frozen=True)
class Visit:
    """An open page, as playwright's `page`, and what happened in it so far.

    errors: uncaught errors of its scripts.
    console: what it wrote to the console as an error, refused requests included.
    elsewhere: addresses of other hosts that it asked.
    """

    page: Any
    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def screenshot(self, path: Path) -> Path:
        """Writes the whole page as a PNG."""
        self.page.screenshot(path=str(path), full_page=True)
        return path


def find_chromium() -> str | None:
    """The browser's program, on PATH or where Debian puts it."""
    found = (shutil.which(name, path=path) for path in (None, *_PLACES) for name in _NAMES)
    return next(filter(None, found), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium on PATH or in /usr/bin: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is in the dependency group dev: make sync")
    with sync_api.sync_playwright() as playwright:
        # Without its sandbox, which root and most containers are not granted; it sees pages of ours alone.
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@contextmanager
def opened(browser: Any, address: str, *, width: int = 1200, height: int = 900) -> Iterator[Visit]:
    """The page at an address, file: or of this machine, loaded; what it asks of other hosts is noted and refused.

    So a page is seen as one offline sees it, on a machine with a network too.
    """
    own = urlsplit(address)
    context = browser.new_context(viewport={"width": width, "height": height})
    try:
        visit = Visit(context.new_page())

        def answer(route: Any) -> None:
            asked = urlsplit(route.request.url)
            if asked.scheme in ("data", "blob") or (asked.scheme, asked.netloc) == (own.scheme, own.netloc):
                route.continue_()
            else:
                visit.elsewhere.append(route.request.url)
                route.abort()

        context.route("**/*", answer)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on(
            "console", lambda message: visit.console.append(message.text) if message.type == "error" else None
        )
        visit.page.goto(address)
        yield visit
    finally:
        context.close()
