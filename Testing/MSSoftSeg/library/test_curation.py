"""The learning loop up to the library, in the panel with the real desk worker: segment, paint, approve, save, list, close,
open again, soft label, export. On an oblique, lopsided patient, so that left stays left."""

from __future__ import annotations

from types import SimpleNamespace

import nibabel
import numpy as np
import pytest

from Testing.MSSoftSeg.people.curator import LEFT_KJI, lopsided_maps, oblique_matrix

PAINTED_KJI = (15, 22, 30)


@pytest.fixture(scope="module")
def loop(curator, tmp_path_factory):
    """The whole loop once; what was seen after each step is kept for the sentences below."""
    library = tmp_path_factory.mktemp("share") / "library"
    return _walk(curator, library, tmp_path_factory.mktemp("out") / "pairs")


def _walk(person, library, out):
    import slicer

    seen = SimpleNamespace(library=library, out=out)
    person.choose_library(library)
    seen.before = person.ui("librarySummary").text
    person.log_in("anna")
    person.segment_oblique()
    seen.prefilled = (person.ui("patientEdit").text, person.ui("sessionEdit").text)
    person.type("patientEdit", "P17")
    person.type("sessionEdit", "02")
    person.ui("notesEdit").plainText = "thalamus unsure"
    person.click("paintPossibleButton")
    person.paint((oblique_matrix() @ [*reversed(PAINTED_KJI), 1.0])[:3])
    seen.saved = person.drawing()
    person.save()
    seen.message = person.ui("libraryMessage").text
    person.ui("statusFilterCombo").currentIndex = person.ui("statusFilterCombo").findData("all")
    person.wait(lambda: person.worklist.view.rows, "the saved case in the list")
    seen.row = person.worklist.view.rows[0]
    seen.summary = person.ui("librarySummary").text
    person.host.close_scene()
    person.rest(0.2)
    seen.emptied = len(slicer.util.getNodesByClass("vtkMRMLVolumeNode"))
    person.open("sub-P17_ses-02")
    seen.opened, seen.notes = person.drawing(), person.ui("notesEdit").plainText
    seen.unsaved = person.unsaved()
    flair = person.curation.exam().flair
    seen.flair = slicer.util.arrayFromVolume(flair).copy()
    seen.storage = flair.GetStorageNode()
    _preview(person, seen)
    _export(person, seen)
    return seen


def _preview(person, seen):
    import slicer

    crosshair = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCrosshairNode")
    person.click("softPreviewButton")
    person.wait(lambda: person.curation.softLabel.view.is_shown, "the soft label")
    overlay = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed").GetForegroundVolumeID()
    seen.overlay = slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(overlay)).copy()
    seen.soft_summary = person.ui("softSummaryLabel").text
    crosshair.SetCursorPositionRAS(list((oblique_matrix() @ [*reversed(LEFT_KJI), 1.0])[:3]))
    seen.value = person.ui("softValueLabel").text
    person.ui("softGammaSlider").value = 0.25
    person.wait(lambda: person.curation.softLabel.view.is_shown, "the next soft label")
    seen.softer = slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(overlay)).copy()
    person.save("saveSoftLabelButton")
    seen.soft_message = person.ui("libraryMessage").text
    person.click("softPreviewButton")
    person.rest(0.1)
    seen.overlay_after = slicer.util.getNode("vtkMRMLSliceCompositeNodeRed").GetForegroundVolumeID()


def _export(person, seen):
    person.ui("exportFolderEdit").currentPath = str(seen.out)
    person.click("exportButton")
    person.wait(lambda: not person.curation.export.view.is_busy, "the export")
    seen.export_message = person.ui("exportMessage").text


def _stored(library, ending):
    (path,) = library.rglob(f"*{ending}")
    return nibabel.load(path)


def _centroid_ras(image, inside):
    return (image.affine @ [*np.argwhere(inside).mean(axis=0), 1.0])[:3]


def test_a_folder_that_is_not_there_yet_is_said_to_become_a_library(loop):
    assert loop.before.startswith("No library yet")


def test_no_pseudonym_is_taken_from_a_name_in_the_scene(loop):
    assert loop.prefilled == ("", "")


def test_the_case_is_saved_as_approved_and_said_so(loop):
    assert loop.message.startswith("sub-P17_ses-02 is saved as approved")
    assert loop.summary == "one case: 1 approved"


def test_the_worklist_shows_it_with_what_the_model_found(loop):
    assert (loop.row.case, loop.row.status, loop.row.raters) == ("sub-P17_ses-02", "approved", ("anna",))
    assert (loop.row.psu, loop.row.worst) == (0.42, 0.2)
    assert loop.row.notes == "thalamus unsure"


def test_the_opened_case_has_the_labels_voxel_by_voxel_in_both_segments_and_the_notes(loop):
    assert loop.emptied == 0
    assert (loop.saved == 2).any()
    assert (loop.saved == 1).sum() == 5**3 + 3**3
    assert np.array_equal(loop.opened, loop.saved)
    assert loop.notes == "thalamus unsure"


def test_what_was_just_opened_counts_as_saved_and_has_no_file_that_saving_the_scene_could_write_to(loop):
    assert loop.unsaved == ""
    assert loop.storage is None


def test_left_is_left_in_the_file_as_another_program_reads_it(loop):
    mask = _stored(loop.library, "desc-anna_dseg.nii.gz")
    lesion = np.asarray(mask.dataobj) == 1
    left = lopsided_maps()[0].transpose(2, 1, 0) > 0
    left[: left.shape[0] // 2] = False
    expected = (oblique_matrix() @ [*reversed(LEFT_KJI), 1.0])[:3]
    assert _centroid_ras(mask, lesion & left) == pytest.approx(expected, abs=0.01)
    assert expected[0] < -5, "RAS: the patient's left is negative"
    flair = _stored(loop.library, "_FLAIR.nii.gz")
    assert mask.affine == pytest.approx(flair.affine, abs=1e-4)
    assert flair.affine == pytest.approx(oblique_matrix(), abs=1e-4)


def test_the_soft_label_lies_on_the_drawing_and_its_value_is_told_under_the_mouse(loop):
    assert (loop.overlay[loop.opened == 1] == 1.0).all()
    assert loop.overlay[loop.opened == 2].min() >= 0.5
    assert 0 < loop.overlay.min(where=loop.overlay > 0, initial=1) < 1
    assert "Soft volume" in loop.soft_summary
    assert "1.00 at R, A, S " in loop.value
    assert loop.value.endswith(" mm")


def test_the_preview_follows_another_gamma(loop):
    assert loop.softer[loop.opened == 2].max() < 0.5
    assert (loop.softer[loop.opened == 1] == 1.0).all()


def test_the_soft_label_is_kept_beside_the_drawing_as_it_was_shown_and_the_case_stays_approved(loop):
    soft = _stored(loop.library, "desc-voxelwise_probseg.nii.gz")
    assert np.asarray(soft.dataobj).transpose(2, 1, 0) == pytest.approx(loop.softer, abs=1e-6)
    assert loop.soft_message.startswith("sub-P17_ses-02 is saved as approved")
    assert loop.overlay_after is None


def test_the_export_tells_how_much_it_wrote_and_nibabel_reads_it(loop):
    assert loop.export_message.startswith("one case,")
    masks = [
        path
        for path in loop.out.rglob("*.nii.gz")
        if "dseg" in path.name or "mask" in path.name or "label" in path.name
    ]
    assert masks


def test_the_library_is_clean_and_knows_the_soft_label_to_be_current(loop):
    from MSSoftSegLib.library.check import check_library
    from MSSoftSegLib.library.layout import parse_case
    from MSSoftSegLib.library.reading import read_case

    assert list(check_library(loop.library)) == []
    record = read_case(loop.library, parse_case("sub-P17_ses-02"))
    assert record.soft_label_is_current
    assert record.status == "approved"


def test_nothing_in_the_library_says_how_the_patient_is_called_in_the_scene(loop):
    import gzip

    for path in loop.library.rglob("*"):
        if path.is_file():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert b"Anna" not in content, path.name
