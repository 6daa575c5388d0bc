"""The files that each CMake list of the extension must name, and the lists as they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class FileList:
    """One list in one CMakeLists.txt: the lines between its two marks."""

    folder: str
    name: str

    @property
    def path(self) -> Path:
        """The CMakeLists.txt that holds the list."""
        return ROOT / self.folder / "CMakeLists.txt"

    def listed(self) -> list[str]:
        """The files that the list names, in its order."""
        return _block(self.name).search(self.path.read_text(encoding="utf-8"))["files"].split()

    def in_tree(self) -> list[str]:
        """The files of the source tree that belong in it."""
        return sorted(path for path in _files(ROOT / self.folder) if (path.endswith(".py") == (self.name == "scripts")))

    def rewrite(self) -> None:
        """Make the list equal the tree."""
        files = "".join(f"  {path}\n" for path in self.in_tree())
        text = self.path.read_text(encoding="utf-8")
        changed = _block(self.name).sub(lambda found: found["begin"] + files + found["end"], text)
        self.path.write_text(changed, encoding="utf-8", newline="\n")


# Resources/**.py make data that ships and do not ship themselves, in the wheel neither.
FILE_LISTS = (
    FileList("MSSoftSeg", "scripts"),
    FileList("MSSoftSeg", "resources"),
    FileList("MSSoftSegLib", "scripts"),
    FileList("MSSoftSegLib", "resources"),
    FileList("Resources", "resources"),
)


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<begin>  # begin {name}\n)(?P<files>(?:.*\n)*?)(?P<end>  # end {name}\n)")


def _files(folder: Path) -> list[str]:
    """Relative paths of the files below a folder, without what Python or a system leaves there."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "CMakeLists.txt")
    relative = (path.relative_to(folder) for path in found)
    return [
        path.as_posix() for path in relative if not any(p == "__pycache__" or p.startswith(".") for p in path.parts)
    ]
