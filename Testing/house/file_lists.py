"""CMake's lists of files against the tree: what is not listed is not packaged."""

from __future__ import annotations

from Testing.MSSoftSeg.extension_files import FILE_LISTS


def file_list_findings() -> list[str]:
    """Files that a list lacks, and names in a list that no file has."""
    found = []
    for each in FILE_LISTS:
        listed, there = each.listed(), each.in_tree()
        where = f"{each.folder}/CMakeLists.txt, {each.name}"
        remedy = "run: python -m Testing.MSSoftSeg.write_file_lists"
        found += [f"{where}: {path} is not listed; {remedy}" for path in sorted(set(there) - set(listed))]
        found += [f"{where}: there is no {path}; {remedy}" for path in sorted(set(listed) - set(there))]
        if sorted(listed) != listed or len(set(listed)) < len(listed):
            found.append(f"{where}: not in order, or a file twice; {remedy}")
    return found
