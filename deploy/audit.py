"""Whether a pinned package has a known hole: asks pip-audit, which looks in an index of advisories.

    python -m deploy.audit

Exit code 0: none is known, or no index can be reached from here, which it says; 1: one is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
COMMAND = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip"]
COMMAND += ["--require-hashes", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
SKIPPED = "audit: skipped, as no index of advisories could be reached from here"


def verdict(report: str) -> tuple[list[str], int]:
    """What a report of pip-audit says, line by line, and the exit code."""
    packages = packages_of(report)
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return [SKIPPED], 0
    found = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in"
        f" {', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in asked
        for hole in package["vulns"]
    ]
    counted = f"audit: {len(asked)} of {len(packages)} pinned packages looked up"
    return [*found, f"{counted}, {len(found)} known holes"], int(bool(found))


def packages_of(report: str) -> list[dict]:
    """The packages in a report; none where it is no report, as without a network."""
    try:
        return json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return []


def main() -> int:
    """Prints what is known; the exit code."""
    try:
        report = subprocess.run(COMMAND, capture_output=True, text=True, timeout=300).stdout
    except subprocess.TimeoutExpired:
        report = ""
    lines, code = verdict(report)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
