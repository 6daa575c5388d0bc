"""The extension's packaging, read without Slicer: every file is listed, and what the Extensions Index checks holds."""

from __future__ import annotations

import itertools
import json
import re
import struct
import tomllib
import xml.etree.ElementTree as ElementTree

import pytest

from Testing.MSSoftSeg.extension_files import FILE_LISTS, ROOT

TOP = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
CATALOG = json.loads((ROOT / "MSSoftSeg.json").read_text(encoding="utf-8"))
ICONS = ROOT / "MSSoftSeg" / "Resources" / "Icons"
UI_FILES = sorted((ROOT / "MSSoftSeg" / "Resources" / "UI").glob("*.ui"))
# Slicer brings these; torch comes through the PyTorch extension, which picks the build for the graphics card.
NOT_ASKED_OF_PIP = {"numpy", "scipy", "SimpleITK", "torch"}


def extension_variables():
    """Name and text of every EXTENSION_ variable of the top list, one quoted string on one line each."""
    return dict(re.findall(r'^set\((EXTENSION_[A-Z]+) "([^"\n]*)"\)$', TOP, re.MULTILINE))


@pytest.mark.parametrize("file_list", FILE_LISTS, ids=lambda each: f"{each.folder} {each.name}")
def test_the_cmake_list_names_every_file_of_the_tree_and_no_other(file_list):
    listed = file_list.listed()
    assert listed == file_list.in_tree(), "run: python -m Testing.MSSoftSeg.write_file_lists"
    assert len(set(listed)) == len(listed) > 0


def test_no_two_files_fall_on_one_place_in_the_installed_resources():
    module = [f"Resources/{each}" for each in FILE_LISTS[4].listed()]
    data = FILE_LISTS[1].listed()
    assert not set(module) & set(data)


def test_the_top_list_says_what_the_extensions_index_asks_for():
    assert TOP.startswith("cmake_minimum_required(VERSION 3.28.0...3.28.0 FATAL_ERROR)\n")
    assert "\nproject(MSSoftSeg)\n" in TOP
    assert set(extension_variables()) == {
        "EXTENSION_HOMEPAGE",
        "EXTENSION_CONTRIBUTORS",
        "EXTENSION_DESCRIPTION",
        "EXTENSION_ICONURL",
        "EXTENSION_SCREENSHOTURLS",
        "EXTENSION_DEPENDS",
    }
    assert len(re.findall(r"^\s*set\(EXTENSION_", TOP, re.MULTILINE)) == 6
    steps = ["find_package(Slicer REQUIRED)", "include(${Slicer_USE_FILE})", "add_subdirectory(MSSoftSeg)"]
    steps += ["add_subdirectory(MSSoftSegLib)", "add_subdirectory(Resources)"]
    steps += ["include(${Slicer_EXTENSION_GENERATE_CONFIG})", "include(${Slicer_EXTENSION_CPACK})"]
    places = [TOP.index(step) for step in steps]
    assert places == sorted(places)


# What the Extensions Index asks of the text of CMakeLists.txt, and refuses an extension for.
PLACEHOLDER_OWNER = "OWNER"


def test_every_address_stands_literally_and_leads_to_a_file_of_the_repository():
    variables = extension_variables()
    repository = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)\.git", CATALOG["scm_url"])
    assert repository[1] == PLACEHOLDER_OWNER
    assert repository[2].startswith("Slicer"), "extensions are named so"
    assert variables["EXTENSION_HOMEPAGE"] == f"https://github.com/{repository[1]}/{repository[2]}#readme"
    files = f"https://raw.githubusercontent.com/{repository[1]}/{repository[2]}/{CATALOG['scm_revision']}/"
    addresses = [variables["EXTENSION_ICONURL"], *variables["EXTENSION_SCREENSHOTURLS"].split()]
    assert len(addresses) >= 2
    for address in addresses:
        assert address.startswith(files)
        assert address.endswith(".png")
        assert (ROOT / address.removeprefix(files)).is_file()


def read_by_the_index(text: str, variable: str) -> list[str]:
    """What the Index's own check finds of a variable: a quoted text right after the name, in any case, on any line."""
    return re.findall(rf'set\s*\({variable}\s*"([^"]+)"[ ]*\)', text, re.IGNORECASE)


@pytest.mark.parametrize("variable", ["EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"])
def test_the_index_finds_project_icon_and_screenshots_in_the_text(variable):
    """The rules of its ``check_cmakelists_content`` and ``check_git_repository_name``, on the text as it stands."""
    name = re.findall(r"project\s*\(\s*([^\s\)]+)", TOP, re.IGNORECASE)[0].strip("\"'")
    assert name == "MSSoftSeg", "the name of the catalog's file"
    repository = CATALOG["scm_url"].rsplit("/", 1)[1].removesuffix(".git")
    assert "slicer" in repository.lower()
    found = read_by_the_index(TOP, variable)
    assert len(found) == 1
    addresses = found[0].split()
    assert addresses
    assert all(address.startswith("http") and address.endswith(".png") for address in addresses)


def test_the_rules_of_the_index_would_have_seen_a_variable_or_a_split_line():
    assert read_by_the_index('set(EXTENSION_ICONURL "${HOME}/a.png")', "EXTENSION_ICONURL") == ["${HOME}/a.png"]
    assert not read_by_the_index("set(EXTENSION_ICONURL ${URL})", "EXTENSION_ICONURL")


def test_what_the_index_reads_holds_no_variable_and_is_not_cut():
    for name, text in extension_variables().items():
        assert "${" not in text, f"{name}: the Index does not resolve variables"
        # To CMake this ends a list's entry, and Slicer's function takes the first.
        assert ";" not in text, f"{name} would be cut"
    assert extension_variables()["EXTENSION_DESCRIPTION"].endswith("not a medical device.")
    assert (ROOT / "LICENSE").is_file()


def test_the_catalog_entry_has_the_fields_of_its_schema_and_no_other():
    assert CATALOG.pop("$schema").endswith("/slicer-extension-catalog-entry-schema-v1.0.1.json#")
    assert CATALOG.pop("scm_url").startswith("https://")
    assert CATALOG == {
        "build_dependencies": ["PyTorch"],
        "build_subdirectory": ".",
        "category": "Segmentation",
        "scm_revision": "main",
        "tier": 1,
    }
    assert extension_variables()["EXTENSION_DEPENDS"] == "PyTorch"


@pytest.mark.parametrize("suffix", ["txt", "json", "ui", "py", "svg", "ctbl", "md"])
def test_text_files_end_their_lines_with_a_line_feed_only(suffix):
    folders = (ROOT / "MSSoftSeg", ROOT / "Resources", ROOT / "MSSoftSegLib")
    paths = [path for folder in folders for path in folder.rglob(f"*.{suffix}")]
    assert paths or suffix == "md"
    for path in [*paths, ROOT / "CMakeLists.txt", ROOT / "MSSoftSeg.json"]:
        content = path.read_bytes()
        assert b"\r" not in content, path.name
        assert not content or content.endswith(b"\n"), path.name


@pytest.mark.parametrize("source", sorted(ICONS.glob("*.svg")), ids=lambda path: path.stem)
def test_every_icon_has_its_rendering_at_the_size_of_its_place(source):
    header = source.with_suffix(".png").read_bytes()[:26]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    assert (width, height) == ((128, 128) if source.stem == "MSSoftSeg" else (48, 48))
    assert header[25] == 6, "with transparency"


def test_every_rendering_has_its_source():
    assert {path.stem for path in ICONS.glob("*.png")} == {path.stem for path in ICONS.glob("*.svg")}


def test_the_requirements_are_the_ranges_of_the_package_without_what_slicer_brings():
    lines = (ROOT / "MSSoftSeg" / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    asked = {line for line in lines if line and not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = [*project["dependencies"], *project["optional-dependencies"]["dicom"]]
    wanted = {text for text in packages if re.split(r"[<>=]", text)[0] not in NOT_ASKED_OF_PIP}
    assert asked == wanted
    assert not any("==" in line for line in asked), "ranges, not pins"


def test_the_terminology_holds_the_two_segments_with_colors_that_the_color_blind_tell_apart():
    document = json.loads((ROOT / "Resources" / "Terminology" / "MSSoftSeg.term.json").read_text(encoding="utf-8"))
    (category,) = document["SegmentationCodes"]["Category"]
    assert (category["CodingSchemeDesignator"], category["CodeValue"]) == ("SCT", "49755003")
    types = {each["CodeMeaning"]: each for each in category["Type"]}
    assert set(types) == {"MS lesion", "Possible MS lesion"}
    colors = [types[name]["recommendedDisplayRGBValue"] for name in ("MS lesion", "Possible MS lesion")]
    # Blue against the mean of red and green is the axis that red-green blindness leaves.
    axis = [color[2] - (color[0] + color[1]) / 2 for color in colors]
    assert axis[0] - axis[1] > 200


@pytest.mark.parametrize("name", ["MSSoftSegProbability", "MSSoftSegEntropy"])
def test_a_color_table_rises_in_lightness_all_the_way(name):
    lines = (ROOT / "Resources" / "Colors" / f"{name}.ctbl").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    assert [int(row[0]) for row in rows] == list(range(256))
    lightness = [0.2126 * int(r) + 0.7152 * int(g) + 0.0722 * int(b) for _, _, r, g, b, _ in rows]
    assert all(later >= earlier - 0.8 for earlier, later in itertools.pairwise(lightness))
    assert lightness[-1] - lightness[0] > 180


def shown_widgets(path):
    for widget in ElementTree.parse(path).iter("widget"):
        texts = {each.get("name"): "".join(each.itertext()).strip() for each in widget.findall("property")}
        yield widget.get("class"), widget.get("name"), texts


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_whatever_can_be_operated_says_what_it_does(path):
    operable = {"QPushButton", "QToolButton", "QCheckBox", "QComboBox", "QLineEdit", "QTableWidget"}
    operable |= {"ctkSliderWidget", "qMRMLNodeComboBox", "ctkPathLineEdit"}
    silent = [name for kind, name, texts in shown_widgets(path) if kind in operable and not texts.get("toolTip")]
    assert not silent


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_a_panel_names_each_widget_once_and_tabs_through_widgets_that_exist(path):
    names = [name for _, name, _ in shown_widgets(path)]
    assert len(names) == len(set(names))
    tabs = [each.text for each in ElementTree.parse(path).iter("tabstop")]
    assert set(tabs) <= set(names)
    assert len(tabs) == len(set(tabs))


# File, Edit, View, Help.
SLICERS_MENUS = "fevh"


def test_no_two_widgets_that_are_seen_together_share_a_letter():
    letters = {}
    for path in UI_FILES:
        page = "page" if path.stem == "MSSoftSegEnvironment" else "workflow"
        for _, name, texts in shown_widgets(path):
            if found := re.search(r"&(\w)", texts.get("text", "")):
                assert found[1].lower() not in SLICERS_MENUS, f"{name}: the letter opens a menu of Slicer"
                letters.setdefault((page, found[1].lower()), []).append(name)
    assert {letter: names for letter, names in letters.items() if len(names) > 1} == {}


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_icons_that_a_panel_names_exist(path):
    for icon in ElementTree.parse(path).iter("iconset"):
        assert (path.parent / icon.findtext("normaloff")).resolve().is_file()
