"""Writes the tree's files into the CMake lists of the extension.

python -m Testing.MSSoftSeg.write_file_lists
"""

from __future__ import annotations

from Testing.MSSoftSeg.extension_files import FILE_LISTS


def main() -> None:
    """Rewrite every list."""
    for file_list in FILE_LISTS:
        file_list.rewrite()


if __name__ == "__main__":
    main()
