"""Asks an advisory service for known vulnerabilities of every locked package: `make audit`.

Exit code: 0 none is known, 1 some are known, 2 it went wrong, 3 no advisory service was reached and nothing is audited.
The standard library alone; uv does the asking (OSV's service, unless --service-url names a mirror of it).
"""
# ruff: noqa: INP001 (a script, of no package)

import argparse
import subprocess
import sys
from collections.abc import Sequence

UNREACHED = 3
_FAILED = 2
# How uv begins a line about a service that does not answer; its exit code is that of any other error.
_NO_ANSWER = ("error sending request for url", "Request failed after")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs uv's audit; returns the exit code."""
    args = _options(arguments)
    command = [args.uv, "audit", "--frozen", "--preview-features", "audit-command"]
    command += ["--service-url", args.service_url] if args.service_url else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode == _FAILED and any(sign in done.stderr for sign in _NO_ANSWER):
        sys.stderr.write(
            "not audited: the advisory service was not reached. Run it where it can be, or name a mirror\n"
        )
        return UNREACHED
    return done.returncode


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python deploy/audit.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("--uv", default="uv", help="the uv to ask with")
    parser.add_argument("--service-url", help="a mirror of https://api.osv.dev")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
