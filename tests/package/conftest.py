"""The wheel, built once, and an environment that has it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers.browser import ROOT


@dataclass(frozen=True)
class Installed:
    """An environment that has the package, and a folder far from the repository."""

    bin: Path
    elsewhere: Path

    def run(self, program: str, *arguments: str) -> str:
        """What a program of the environment prints."""
        found = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.elsewhere,
            env=self.surroundings,
            capture_output=True,
            text=True,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    @property
    def surroundings(self) -> dict[str, str]:
        """Those of this process, without what leads into the repository."""
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from this copy."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (found,) = folder.glob("glassformer-*.whl")
    return found


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Installed:
    """A fresh environment with the wheel. The packages that it needs are those of this one: what
    can be had from a registry is no matter of this test.
    """
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    bin = home / ("Scripts" if os.name == "nt" else "bin")
    own = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    pip("--python", bin / "python", "install", "--no-deps", "--no-index", wheel)
    (own / "needed.pth").write_text(sysconfig.get_path("purelib"))
    return Installed(bin, tmp_path_factory.mktemp("elsewhere"))


def pip(*arguments) -> None:
    """Runs the pip of this environment."""
    asked = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    found = subprocess.run(asked, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
