"""Lays the app into the package: what stands beside core/ in the repository goes to
glassformer/_app/, where it imports core by the name that it has there.

core/ itself needs no change: its files name each other from where they stand.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HOME = "glassformer/_app"
NAMES = {"core": "glassformer", "ui": "glassformer._app.ui", "engines": "glassformer._app.engines"}
IMPORT = re.compile(rf"^(\s*(?:from|import) )({'|'.join(NAMES)})(?=[. ])", re.MULTILINE)


class LayTheAppIn(BuildHookInterface):
    """What hatchling asks for before it writes a wheel, and when it has."""

    def initialize(self, version, build_data):
        """Names the files that go in, each with its place."""
        self.folder, root = TemporaryDirectory(), Path(self.root)
        for path in modules(root):
            place = path.relative_to(root)
            written = Path(self.folder.name, place)
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(renamed(path.read_text("utf-8")), "utf-8")
            build_data["force_include"][str(written)] = f"{HOME}/{place.as_posix()}"

    def finalize(self, version, build_data, artifact_path):
        """Takes the copies away."""
        self.folder.cleanup()


def modules(root: Path) -> list[Path]:
    """The files of the app that are Python."""
    folders = [path for name in ("ui", "pages", "engines") for path in (root / name).rglob("*.py")]
    return [root / "app.py", *sorted(folders)]


def renamed(text: str) -> str:
    """A file whose imports name the package."""
    return IMPORT.sub(lambda found: found[1] + NAMES[found[2]], text)
