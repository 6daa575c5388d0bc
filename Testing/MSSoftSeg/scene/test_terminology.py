"""What a segment of ours means, as Slicer's own terminology logic reads it; wrong here, a DICOM SEG would carry wrong codes."""

from __future__ import annotations

import pytest
from MSSoftSegGUI.scene.segments import SEGMENTS


def said(concept) -> tuple[str, str, str]:
    return concept.GetCodingSchemeDesignator(), concept.GetCodeValue(), concept.GetCodeMeaning()


@pytest.mark.parametrize("spec", SEGMENTS, ids=lambda spec: spec.id)
def test_slicer_reads_scheme_and_code_where_they_stand(host, spec):
    import slicer

    entry = slicer.vtkSlicerTerminologyEntry()
    assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(spec.terminology, entry)
    assert said(entry.GetCategoryObject()) == ("SCT", "49755003", "Morphologically Altered Structure")
    scheme, code, _ = said(entry.GetTypeObject())
    assert scheme == "99MSSOFTSEG"
    assert code in ("MSLESION", "POSSIBLEMSLESION")
    assert said(entry.GetRegionObject()) == ("SCT", "12738006", "Brain")


def test_a_segment_of_a_result_carries_it(reader):
    import slicer
    import vtk

    from Testing.MSSoftSeg.stand_ins.made_results import flair_node

    exam = reader.segment_made(flair_node())
    segment = exam.segmentation.GetSegmentation().GetSegment("MSLesion")
    entry = slicer.vtkSlicerTerminologyEntry()
    text = vtk.reference("")
    assert segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
    assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(str(text), entry)
    assert said(entry.GetTypeObject()) == ("99MSSOFTSEG", "MSLESION", "MS lesion")
