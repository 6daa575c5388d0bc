"""The worklist: what nobody approved yet and the model doubted most comes first, from the records alone."""

from __future__ import annotations

import json

import pytest
import SimpleITK as sitk

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library import worklist
from MSSoftSegLib.library.case_record import ModelFindings
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from MSSoftSegLib.library.status import set_status
from MSSoftSegLib.report.lesion_table import COLUMNS
from Testing.MSSoftSegLib.library.adding import add_case
from Testing.MSSoftSegLib.library.made_cases import SIZE, flair_only, gray, labels, new_library, soft, written
from Testing.MSSoftSegLib.library.saves import ask, opened, save


def found(psu, lsu=0.5, entropy=0.2):
    return ModelFindings(
        model="starter",
        psu=psu,
        worst_lesion_lsu=lsu,
        mean_entropy_nats=entropy,
        lesions=0 if lsu is None else 3,
        volume_ml=2.5,
        soft_volume_ml=3.5,
        threshold=0.5,
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = new_library(tmp_path_factory.mktemp("listed"))
    for patient, findings in {
        "sure": found(0.1),
        "torn": found(0.4, 0.7),
        "worse": found(0.4, 0.9),
        "empty": found(0.0, None, None),
        "done": found(0.9, 1.0),
    }.items():
        add_case(
            made, patient=patient, images=flair_only(), soft_label=soft(), soft_label_name="starter", findings=findings
        )
    add_case(made, patient="new", images={Modality.FLAIR: gray(), Modality.T1: gray(1)})
    add_case(made, patient="done", raters={"anna": labels()}, status="approved", notes="fine")
    return made


def listed(library, **more):
    return [row["case"].removeprefix("sub-") for row in ask("worklist", library=library, **more)["cases"]]


def test_the_most_uncertain_open_case_is_first_and_approved_ones_are_last(library):
    assert listed(library) == ["worse", "torn", "sure", "empty", "new", "done"]


def test_other_orders_and_a_choice_of_statuses(library):
    assert listed(library, order="case") == sorted(["worse", "torn", "sure", "empty", "new", "done"])
    assert listed(library, order="status") == ["new", "empty", "sure", "torn", "worse", "done"]
    assert listed(library, statuses=["approved", "unlabelled"]) == ["new", "done"]
    with pytest.raises(RequestError, match="statuses"):
        listed(library, statuses=["fine"])


def test_a_row_says_what_the_model_found_and_what_was_drawn(library):
    told = ask("worklist", library=library)
    assert told["counts"] == {"unlabelled": 1, "segmented": 4, "corrected": 0, "approved": 1, "excluded": 0}
    rows = {row["case"]: row for row in told["cases"]}
    done = rows["sub-done"]
    numbers = {key: done[key] for key in ("psu", "worst_lesion_lsu", "mean_entropy", "soft_volume_ml")}
    assert numbers == {"psu": 0.9, "worst_lesion_lsu": 1.0, "mean_entropy": 0.2, "soft_volume_ml": 3.5}
    ones = int((sitk.GetArrayFromImage(labels()) == 1).sum())
    assert done["volume_ml"] == pytest.approx(ones * 3.75 / 1000)  # of the drawing, no more of the model's
    assert rows["sub-torn"]["volume_ml"] == 2.5
    assert (done["raters"], done["soft_label"], done["notes"]) == (["anna"], "starter", "fine")
    assert done["changed"].endswith("+00:00")
    assert rows["sub-new"]["images"] == ["flair", "t1"]
    assert rows["sub-new"]["psu"] is None


def test_a_record_that_cannot_be_read_hides_no_other_case(library):
    path = resolve_inside(library, CaseId("torn").record)
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-20])
        told = ask("worklist", library=library)
        assert len(told["cases"]) == 5
        (problem,) = told["problems"]
        assert problem["case"] == "sub-torn"
        assert "sub-torn_case.json" in problem["message"]
    finally:
        path.write_bytes(content)


def test_the_list_looks_at_records_only(tmp_path):
    library = new_library(tmp_path)
    add_case(library, patient="1", images=flair_only(), raters={"A": labels()})
    for path in library.rglob("*.nii.gz"):
        path.unlink()
    assert listed(library) == ["1"]


def test_five_hundred_cases_are_listed_by_reading_each_record_once(tmp_path, monkeypatch):
    library = new_library(tmp_path)
    add_case(library, patient="p0", session="1", images=flair_only(), raters={"A": labels()}, findings=found(0.5))
    for _ in range(20):
        for status in ("corrected", "approved"):
            set_status(library, CaseId("p0", "1"), status)
    text = resolve_inside(library, CaseId("p0", "1").record).read_text()
    for number in range(1, 500):
        path = resolve_inside(library, CaseId(f"p{number}", "1").record)
        path.parent.mkdir(parents=True)
        path.write_text(
            text.replace("sub-p0_", f"sub-p{number}_")
            .replace("sub-p0/", f"sub-p{number}/")
            .replace('"patient": "p0"', f'"patient": "p{number}"')
        )
    read, whole = [], worklist.read_case
    monkeypatch.setattr(worklist, "read_case", lambda library, case: read.append(case) or whole(library, case))
    told = ask("worklist", library=library)
    assert len(told["cases"]) == 500
    assert told["problems"] == []
    assert sorted(map(str, read)) == sorted(row["case"] for row in told["cases"])


def result_folder(folder, *, size=SIZE, spacing_mm=(1.0, 1.25, 3.0), lsus=(0.25, 0.75)):
    """The two files of a result that the library reads."""
    folder.mkdir()
    document = {
        "software": {"version": "1", "python": "3", "torch": "2"},
        "inputs": [
            {
                "modality": "flair",
                "path_name": "f.nii.gz",
                "sha256": None,
                "shape": size,
                "spacing_mm": spacing_mm,
                "orientation": "LPS",
            }
        ],
        "reference_modality": "flair",
        "alignment_target": "flair",
        "brain_extraction": "atlas",
        "model": {"name": "mine-2", "version": "1", "sha256": "0", "recipe": "r"},
        "device": "cpu",
        "tta": "flips8",
        "threshold": 0.4,
        "min_lesion_mm3": 3.0,
        "connectivity": 26,
        "lesions": {"count": len(lsus), "volume_ml": 1.5, "soft_volume_ml": 1.75, "volume_interval_ml": (1, 2)},
        "uncertainty": {"mean_entropy_in_lesions": 0.3, "psu": 0.2},
        "stages": [],
        "peak_memory_mb": 1.0,
    }
    (folder / "result.json").write_text(json.dumps(document))
    rows = [
        ",".join({"id": str(n + 1), "lsu": str(lsu)}.get(name, "1") for name in COLUMNS) for n, lsu in enumerate(lsus)
    ]
    (folder / "lesions.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return folder


def test_what_segment_found_is_kept_with_the_drawing(tmp_path):
    flair, mask = written(gray(), tmp_path / "f.nrrd"), written(labels(), tmp_path / "m.nrrd")
    told = save(
        tmp_path / "library", mask, images={"flair": flair}, result=result_folder(tmp_path / "r"), status="corrected"
    )
    case = opened(tmp_path / "library", told["case"])
    assert case["source_model"] == "mine-2"
    assert (case["uncertainty"]["psu"], case["uncertainty"]["worst_lesion_lsu"]) == (0.2, 0.75)
    save(tmp_path / "library", mask, result=result_folder(tmp_path / "none", lsus=()), status="corrected")
    assert opened(tmp_path / "library")["uncertainty"]["worst_lesion_lsu"] is None


@pytest.mark.parametrize("other", [{"size": (7, 6, 6)}, {"spacing_mm": (1.0, 1.25, 3.1)}])
def test_the_result_of_another_exam_is_refused(tmp_path, other):
    flair, mask = written(gray(), tmp_path / "f.nrrd"), written(labels(), tmp_path / "m.nrrd")
    with pytest.raises(RequestError, match="another exam"):
        save(tmp_path / "library", mask, images={"flair": flair}, result=result_folder(tmp_path / "r", **other))
    assert not (tmp_path / "library").exists()
