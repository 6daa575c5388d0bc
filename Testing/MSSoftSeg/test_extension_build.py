"""CMake itself configures, builds and installs the extension, with a stand-in for Slicer's macros; the result is used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from Testing.MSSoftSeg.extension_files import FILE_LISTS, ROOT
from Testing.patience import HANGING_S

SCRIPTED = "lib/Slicer-5.12/qt-scripted-modules"
# What the extension uses of Slicer: only listed files are copied, the folder is installed as a whole.
SLICER_CONFIG = f"""
set(Slicer_USE_FILE "${{CMAKE_CURRENT_LIST_DIR}}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${{CMAKE_CURRENT_LIST_DIR}}/Nothing.cmake")
set(Slicer_EXTENSION_CPACK "${{CMAKE_CURRENT_LIST_DIR}}/Nothing.cmake")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "{SCRIPTED}")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "{SCRIPTED}")
"""
USE_SLICER = """
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS OR NOT MY_NAME)
    message(FATAL_ERROR "unknown arguments: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  set(target "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  if(MY_WITH_SUBDIR)
    get_filename_component(subdir "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
    set(target "${target}/${subdir}")
  endif()
  foreach(file IN LISTS MY_SCRIPTS MY_RESOURCES)
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "${file} does not exist")
    endif()
    configure_file("${CMAKE_CURRENT_SOURCE_DIR}/${file}" "${target}/${file}" COPYONLY)
  endforeach()
  install(DIRECTORY "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}/" DESTINATION "${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
endfunction()
function(slicer_add_python_unittest)
endfunction()
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of scripted modules after `cmake --install`."""
    folder = tmp_path_factory.mktemp("extension")
    source = folder / "source"
    for name in ("MSSoftSeg", "MSSoftSegLib", "Resources"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    top = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    # The version that Slicer asks for may be newer than the CMake that happens to be here.
    top = re.sub(r"VERSION 3\.28\.0\.\.\.3\.28\.0", "VERSION 3.20", top).replace(
        "project(MSSoftSeg)", "project(MSSoftSeg NONE)"
    )
    (source / "CMakeLists.txt").write_text(top, encoding="utf-8")
    slicer = folder / "slicer"
    slicer.mkdir()
    (slicer / "SlicerConfig.cmake").write_text(SLICER_CONFIG, encoding="utf-8")
    (slicer / "UseSlicer.cmake").write_text(USE_SLICER, encoding="utf-8")
    (slicer / "Nothing.cmake").write_text("", encoding="utf-8")
    build, target = folder / "build", folder / "installed"
    for command in (
        ["-S", source, "-B", build, f"-DSlicer_DIR={slicer}", f"-DCMAKE_INSTALL_PREFIX={target}"],
        ["--build", build],
        ["--install", build],
    ):
        done = subprocess.run(
            ["cmake", *map(str, command)], capture_output=True, text=True, check=False, timeout=HANGING_S
        )
        assert done.returncode == 0, done.stderr
    return target / SCRIPTED


def test_every_listed_file_is_installed_beside_the_others_and_nothing_else(installed):
    places = {("MSSoftSeg", "scripts"): "", ("MSSoftSeg", "resources"): "", ("Resources", "resources"): "Resources/"}
    expected = {
        places.get((each.folder, each.name), f"{each.folder}/") + path for each in FILE_LISTS for path in each.listed()
    }
    found = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert found == expected


def test_the_installed_library_finds_its_data_and_its_model(installed):
    code = (
        "from MSSoftSegLib.network.bundle import verify; from MSSoftSegLib.network.catalog import find_bundle; "
        "from MSSoftSegLib.resources import find_resources; verify(find_bundle('starter')); print(find_resources())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=installed,
        env={"PYTHONPATH": str(installed), "PATH": "", "HOME": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGING_S,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == installed / "Resources"
