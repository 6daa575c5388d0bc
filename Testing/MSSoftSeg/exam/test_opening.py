"""A folder from a scanner, or with several images of a kind, opened in the panel by clicks, with the real worker."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from MSSoftSegLib.dicom.reading import read_dicom_exam
from MSSoftSegLib.exam.modality import Modality
from Testing.MSSoftSegLib.dicom.made_exams import write_visit
from Testing.MSSoftSegLib.dicom.made_series import IDENTITY

OTHER = {**IDENTITY, "PatientName": "Other^One", "PatientID": "PID-2", "StudyInstanceUID": "1.2.3.4.6"}


def pick(person, name, beginning):
    combo = person.ui(name)
    index = next(index for index in range(combo.count) if combo.itemText(index).startswith(beginning))
    combo.currentIndex = index
    person.host.process_events()


def wait_for_choice(person):
    person.wait(lambda: person.workbench.opener.chooser.view.phase == "choosing", "the folder's images")


def test_a_visit_is_picked_from_a_messy_folder_and_loaded_where_the_scanner_put_it(radiologist, tmp_path):
    import slicer

    write_visit(tmp_path / "CD" / "one", "GE")
    expected = write_visit(tmp_path / "CD" / "two", "Siemens", identity=OTHER)
    radiologist.workbench.opener.openDicom(tmp_path / "CD")
    wait_for_choice(radiologist)
    assert not radiologist.ui("takeButton").enabled
    pick(radiologist, "visitCombo", "Visit 2 (patient 2")
    assert "Other One" in radiologist.ui("visitCombo").currentText
    assert radiologist.ui("chosenFlairCombo").currentText.startswith(f"series {expected['flair']}:")
    assert "rather than" in radiologist.ui("chosenFlairReason").text
    pick(radiologist, "chosenFlairCombo", "series 5:")
    pick(radiologist, "chosenT2Combo", "None")
    radiologist.click("takeButton")
    radiologist.wait(lambda: radiologist.workbench.exam.node("flair") is not None, "the exam in the scene")
    exam = radiologist.workbench.exam
    assert exam.caseName == "DICOM exam"
    assert exam.node("t2") is None
    assert exam.node("t1") is not None
    wanted = {Modality.FLAIR: "5", Modality.T1: "none", Modality.T2: "none"}
    original = read_dicom_exam(tmp_path / "CD" / "two", wanted).exam.image(Modality.FLAIR)
    flair = exam.node("flair")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(flair), sitk.GetArrayFromImage(original))
    np.testing.assert_allclose(np.array(flair.GetOrigin()) * [-1, -1, 1], original.GetOrigin(), atol=1e-4)
    # The files were the worker's; the scene is saved with the voxels themselves.
    assert flair.GetStorageNode() is None
    assert not radiologist.ui("chooserFrame").visible
    assert "Other" not in flair.GetName()


def test_an_exam_folder_with_two_t1s_is_asked_about(radiologist, tmp_path):
    for number, name in enumerate(("FLAIR", "T1_sag", "T1_tra_fs")):
        array = np.random.default_rng(number).normal(100, 20, (12, 11, 10)).astype(np.float32)
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((12.0, 13.0, 14.0))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    radiologist.load_exam(tmp_path)
    wait_for_choice(radiologist)
    assert radiologist.workbench.exam.node("flair") is None
    assert radiologist.ui("chosenT1Combo").currentText.startswith("T1_sag.nii.gz: 3D, 12 × 13 × 14 mm")
    assert "without fat saturation" in radiologist.ui("chosenT1Reason").text
    assert "T1_tra_fs.nii.gz" in radiologist.ui("unusedEdit").plainText
    pick(radiologist, "chosenT1Combo", "T1_tra_fs.nii.gz")
    radiologist.click("takeButton")
    assert "T1 too" not in radiologist.ui("chooserMessage").text
    node = radiologist.workbench.exam.node("t1")
    assert node is not None
    assert node.GetStorageNode().GetFileName().endswith("T1_tra_fs.nii.gz")


def test_cancel_leaves_the_panel_as_it_was(radiologist, tmp_path):
    write_visit(tmp_path, "times only")
    radiologist.workbench.opener.openDicom(tmp_path)
    wait_for_choice(radiologist)
    radiologist.click("closeChooserButton")
    assert not radiologist.ui("chooserFrame").visible
    assert radiologist.workbench.exam.node("flair") is None
    assert radiologist.ui("openDicomButton").enabled
