"""What the panel says, and what it offers before anything was looked for."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from MSSoftSegGUI.exam.contrast_check import check_contrast
from MSSoftSegGUI.widgets.theme_colors import LIGHT

from Testing.MSSoftSeg.stand_ins.made_results import SHAPE_KJI, flair_node, matrix_of


def test_a_mask_in_the_slot_of_an_image_is_warned_of_however_sparse_it_is():
    sparse = np.zeros((60, 60, 60), np.float32)
    sparse[31, 17:20, 44] = 1
    warning = check_contrast("flair", sparse, (1.0, 1.0, 1.0))
    assert "FLAIR" in warning
    assert "mask" in warning
    assert check_contrast("flair", np.arange(1000).reshape(10, 10, 10), (1.0, 1.0, 1.0)) == ""


def test_a_warning_about_one_slot_goes_when_that_slot_is_mended(reader):
    from MSSoftSegGUI.scene.volume_nodes import makeVolumeNode

    mask = makeVolumeNode((np.indices(SHAPE_KJI).sum(axis=0) > 40).astype(np.uint8), matrix_of(), "T1")
    flair = flair_node()
    reader.workbench.exam.choose({"flair": flair.GetID(), "t1": mask.GetID()}, "Anna")
    reader.wait(lambda: "mask" in reader.ui("examMessage").text)
    reader.ui("t1Selector").setCurrentNodeID("")
    reader.wait(lambda: not reader.ui("examMessage").visible)


def test_what_went_wrong_while_loading_a_folder_stays_to_be_read(reader, tmp_path):
    from MSSoftSegGUI.scene.volume_files import write_volume

    rng = np.random.default_rng(0)
    write_volume(rng.normal(100, 10, SHAPE_KJI).astype(np.float32), matrix_of(), tmp_path / "FLAIR.nii.gz")
    (tmp_path / "T2.nii.gz").write_bytes(b"cut off")
    reader.load_exam(tmp_path)
    reader.rest(0.2)
    assert "T2.nii.gz could not be loaded" in reader.ui("examMessage").text
    assert reader.ui("flairSelector").currentNode() is not None


def test_the_processor_can_be_chosen_before_any_check_and_keeps_being_called_so(reader):
    combo = reader.ui("deviceCombo")
    assert [combo.itemText(n) for n in range(combo.count)] == ["Automatic", "CPU"]
    reader.workbench.segment.setDevices([("cpu", "x86_64"), ("cuda:0", "H100, 70 of 78 GiB free")], "cpu")
    texts = [combo.itemText(n) for n in range(combo.count)]
    assert texts == ["Automatic", "CPU: x86_64", "cuda:0: H100, 70 of 78 GiB free"]
    assert reader.workbench.segment.choices()["device"] == "cpu"


def test_find_looks_for_devices_with_the_workers_python(reader):
    reader.click("devicesButton")
    assert not reader.ui("devicesButton").enabled
    reader.wait(lambda: reader.ui("devicesButton").enabled)
    assert any(text.startswith("CPU: ") for text in _texts(reader.ui("deviceCombo")))


def _texts(combo):
    return [combo.itemText(n) for n in range(combo.count)]


def test_the_message_of_one_exam_is_gone_with_the_next(reader):
    anna, berta = flair_node("Anna FLAIR"), flair_node("Berta FLAIR", (-20.0, -15.0, -9.0))
    reader.start_run(anna)
    reader.worker.tell("failed", code="out-of-memory", message="memory ran out", remedy="")
    assert reader.ui("segmentMessage").visible
    reader.choose(berta, "Berta")
    assert not reader.ui("segmentMessage").visible
    assert not reader.ui("copyDetailsButton").visible


def test_what_is_missing_stands_first_and_what_one_can_do_without_is_not_red(reader):
    from MSSoftSegGUI.environment.view import EnvironmentRow, EnvironmentView

    rows = (
        EnvironmentRow("python", "3.12"),
        EnvironmentRow("HD-BET", "not installed", "Optional.", is_optional=True),
        EnvironmentRow("torch", "not installed", "Install it."),
    )
    reader.workbench.environment.show(EnvironmentView(rows=rows))
    table = reader.ui("findingsTable")
    assert [table.item(row, 0).text() for row in range(3)] == ["HD-BET", "torch", "python"]
    colors = [table.item(row, 0).foreground().color().name() for row in range(3)]
    assert colors[1] == LIGHT["error"]
    assert colors[0] == colors[2]


def test_every_column_of_the_lesion_table_says_what_it_is_and_in_which_unit(reader):
    table = reader.ui("lesionTable")
    hints = [table.horizontalHeaderItem(column).toolTip() for column in range(table.columnCount)]
    heads = [table.horizontalHeaderItem(column).text() for column in range(table.columnCount)]
    assert [head.split("\n")[1] for head in heads] == ["", "mm³", "mm", "0–1", "nats", "0–1", "", "mm", "mm", ""]
    assert all(hints)
    assert "structural uncertainty" in hints[5]
    assert "single pass" in reader.ui("summaryLabel").toolTip


def test_the_log_is_folded_away_until_it_is_asked_for(reader):
    assert not reader.ui("logEdit").visible
    reader.click("logButton")
    assert reader.ui("logEdit").visible
    reader.click("logButton")
    assert not reader.ui("logEdit").visible


def test_the_line_about_research_use_is_as_dark_as_any_other(reader):
    assert reader.ui("researchLabel").enabled


def test_a_disk_that_is_full_is_an_error_although_itk_says_nothing(tmp_path):
    from MSSoftSegGUI.scene.volume_files import write_volume

    full = tmp_path / "FLAIR.nii"
    try:
        full.symlink_to("/dev/full")
        full.write_bytes(b"x")
    except OSError as problem:
        if shutil.disk_usage(tmp_path).free == 0 or problem.errno not in (28,):
            pytest.skip("no full device here")
    with pytest.raises(OSError, match="space"):
        write_volume(np.ones((20, 30, 40), np.float32), np.eye(4), full)


def test_images_of_a_folder_are_called_after_it_and_are_guessed_whatever_it_is_called(reader, tmp_path):
    from MSSoftSegGUI.scene.volume_files import write_volume

    rng = np.random.default_rng(0)
    for case in ("T1 study", "Berta"):
        (tmp_path / case).mkdir()
        for slot in ("FLAIR", "T1"):
            array = rng.normal(100, 10, SHAPE_KJI).astype(np.float32)
            write_volume(array, matrix_of(), tmp_path / case / f"{slot}.nii.gz")
    reader.load_exam(tmp_path / "T1 study")
    reader.load_exam(tmp_path / "Berta")
    names = [reader.ui(f"{slot}Selector").currentNode().GetName() for slot in ("flair", "t1")]
    assert names == ["Berta FLAIR", "Berta T1"]
    import slicer

    reader.workbench.exam.guess(slicer.util.getNode("T1 study T1"))
    names = [reader.ui(f"{slot}Selector").currentNode().GetName() for slot in ("flair", "t1")]
    assert names == ["T1 study FLAIR", "T1 study T1"]
