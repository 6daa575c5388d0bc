"""The documents in ``Docs`` and who cites them: every citation, link and path leads somewhere.

A citation is ``Docs/methods.md section 3``, or ``sections 3 and 4``; numbered headings are sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from Testing.house.text_files import FOLDERS, ROOT, name, prose, text_files

_CITATION = re.compile(r"\bDocs/(?P<file>[\w./-]+\.(?:md|ipynb))(?: sections? (?P<numbers>\d+(?:(?:, | and )\d+)*))?")
_OLD_FORM = re.compile(r"\b(?:METHODS|CONTRACT|PUBLISHED|ARCHITECTURE|HOUSE|STYLE)\b(?! =)")
_HEADING = re.compile(r"^#{1,6} (?P<title>.+?)\s*$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_PATH = re.compile(rf"`(?P<path>(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*)`")
# Names that whoever follows a list of ours is to choose: "MSSoftSegLib/training/losses/NAME.py".
_TO_CHOOSE = re.compile(r"NAME|FAMILY")
# A module that a page names by its file alone: "`test_radiologist.py`".
_BARE_MODULE = re.compile(r"`(?P<path>\w+\.py)`")
# A module that a comment or docstring names by file, as in "see network/activation.py".
_MODULE = re.compile(r"(?<![\w./…-])(?P<path>(?:\w+/)+\w+\.py)\b")


def citation_findings() -> list[str]:
    """Citations of a document or section that there is not, and citations in another form."""
    found = []
    for path in text_files():
        found += [f"{name(path)}: {problem}" for problem in citation_problems(prose(path))]
        if path.suffix == ".py":
            found += [f"{name(path)}: {problem}" for problem in other_forms(prose(path))]
    return found


def citation_problems(text: str) -> Iterator[str]:
    """What is wrong with the citations of a text on one line."""
    for citation in _CITATION.finditer(text):
        document = ROOT / "Docs" / citation["file"]
        if not document.is_file():
            yield f"there is no Docs/{citation['file']}"
            continue
        there = numbered_sections(document)
        for number in re.findall(r"\d+", citation["numbers"] or ""):
            if int(number) not in there:
                yield f"Docs/{citation['file']} has no section {number}"


def other_forms(text: str) -> Iterator[str]:
    """Documents that a text cites by a name of their own, which nobody could follow."""
    for old in _OLD_FORM.finditer(text):
        yield f"{old[0]!r} is no citation: write it as Docs/methods.md section 3"


def numbered_sections(document: Path) -> dict[int, str]:
    """Title by number of the headings that begin with one, with what stands under each heading up to the next of its kind."""
    text = document.read_text(encoding="utf-8")
    parts = re.split(r"^## (\d+) .*$", text, flags=re.MULTILINE)
    return {int(number): body for number, body in zip(parts[1::2], parts[2::2], strict=True)}


def link_findings() -> list[str]:
    """Relative links and pictures of the pages that lead nowhere, in this file or another."""
    found = []
    for path in text_files():
        if path.suffix != ".md":
            continue
        for link in _LINK.finditer(_FENCE.sub("", path.read_text(encoding="utf-8"))):
            target, _, anchor = link["target"].partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            there = (path.parent / target).resolve() if target else path
            if not there.exists():
                found.append(f"{name(path)}: the link to {target} leads nowhere")
            elif anchor and anchor not in anchors(there):
                found.append(f"{name(path)}: {name(there)} has no heading #{anchor}")
    return found


def anchors(page: Path) -> set[str]:
    """What a link can name in a page: its headings as web hosts spell them."""
    titles = (heading["title"] for heading in _HEADING.finditer(_FENCE.sub("", page.read_text(encoding="utf-8"))))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def path_findings() -> list[str]:
    """Paths in pages, and modules in comments and docstrings, that are not there (any more)."""
    found, modules = [], {path.name for path in text_files()}
    for path in text_files():
        if path.suffix == ".md":
            named = (each["path"] for each in _PATH.finditer(prose(path)) if not _TO_CHOOSE.search(each["path"]))
            found += [f"{name(path)}: there is no {each}" for each in named if not any(ROOT.glob(each.rstrip("/")))]
            bare = (each["path"] for each in _BARE_MODULE.finditer(prose(path)))
            found += [f"{name(path)}: no file is called {each}" for each in bare if each not in modules]
        elif path.suffix == ".py":
            named = (each["path"] for each in _MODULE.finditer(prose(path)) if not _TO_CHOOSE.search(each["path"]))
            found += [f"{name(path)}: there is no {each}" for each in named if not _is_there(each, path)]
    return found


def _is_there(module: str, cited_in: Path) -> bool:
    """Whether a file lies where its citation says: from the root, from a package, or from the citing file's folders."""
    places = (ROOT, ROOT / "MSSoftSegLib", ROOT / "MSSoftSeg" / "MSSoftSegGUI", *cited_in.parents[:3])
    return any((place / module).is_file() for place in places)
