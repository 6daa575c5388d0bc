"""One row an exam and tool, with ours and the consensus; the masks beside, on the FLAIR image's grid, to review in Slicer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import SimpleITK as sitk

from MSSoftSegLib.cohort.exam_list import CohortExam
from MSSoftSegLib.cohort.fingerprint import choose_files
from MSSoftSegLib.cohort.group.exam_rows import Cell, format_tsv_line
from MSSoftSegLib.cohort.places import RESULT_FOLDER, TOOLS_FOLDER, TOOLS_TABLE, name_exam_folder, write_whole
from MSSoftSegLib.cohort.tools.fusing import Fusion, fuse
from MSSoftSegLib.cohort.tools.layouts import FoundResult, ToolSource, find_result
from MSSoftSegLib.cohort.tools.reading import ToolLesions, read_lesions
from MSSoftSegLib.errors import BadExam, MSSoftSegError, make_user_error
from MSSoftSegLib.evaluation.overlap import dice
from MSSoftSegLib.exam.geometry import Grid, voxels
from MSSoftSegLib.exam.image_file import read_image, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.exam.units import MM3_PER_ML
from MSSoftSegLib.lesion.instances import label_instances
from MSSoftSegLib.result_files import MASK_FILE, PROBABILITY_FILE

OURS, CONSENSUS = "mssoftseg", "consensus"
COLUMNS = ("participant_id", "session_id", "tool", "lesions", "volume_ml", "dsc_with_ours", "resampled", "problem")
Progress = Callable[[float, str], None]


def compare_tools(
    exams: Sequence[CohortExam],
    out: Path,
    sources: Sequence[ToolSource],
    *,
    fusion: Fusion | None = None,
    progress: Progress = lambda fraction, words: None,
) -> int:
    """Write the table and the masks; how many answers could not be read, each with its reason in the table."""
    lines, problems = [format_tsv_line(COLUMNS)], 0
    for number, exam in enumerate(exams):
        progress(number / len(exams), str(exam))
        rows = _rows(exam, out, sources, fusion)
        problems += sum(row["problem"] is not None for row in rows)
        lines += [format_tsv_line([row[name] for name in COLUMNS]) for row in rows]
    write_whole(out / TOOLS_TABLE, "".join(lines))
    return problems


def _rows(exam: CohortExam, out: Path, sources: Sequence[ToolSource], fusion: Fusion | None) -> list[dict[str, Cell]]:
    try:
        path = choose_files(exam)[Modality.FLAIR]
        flair = read_image(path)
    except MSSoftSegError as problem:
        return [_row(exam, OURS, problem=problem)]
    rows, answers = [], {}
    for name, answer in _answers(exam, out, sources, path, flair):
        if isinstance(answer, MSSoftSegError):
            rows.append(_row(exam, name, problem=answer))
        else:
            answers[name] = answer
    if fusion is not None and len(answers) > 1:
        answers[CONSENSUS] = fuse(list(answers.values()), fusion)
    ours = answers.get(OURS)
    for name, answer in answers.items():
        rows.append(_row(exam, name, answer, ours))
        if name != OURS:
            _write(exam, out, name, answer)
    return rows


def _answers(
    exam: CohortExam, out: Path, sources: Sequence[ToolSource], path: Path, flair: sitk.Image
) -> list[tuple[str, ToolLesions | MSSoftSegError]]:
    """Ours and each tool's, or why there is none."""
    result = name_exam_folder(out, exam.case) / RESULT_FOLDER
    asked: list[tuple[str, Callable[[], ToolLesions]]] = [(OURS, lambda: _ours(result, flair))]
    asked += [(source.name, lambda source=source: _theirs(source, exam, path, flair)) for source in sources]  # type: ignore[misc]
    found: list[tuple[str, ToolLesions | MSSoftSegError]] = []
    for name, read in asked:
        try:
            found.append((name, read()))
        except Exception as problem:
            found.append((name, make_user_error(problem)))
    return found


def _ours(result: Path, flair: sitk.Image) -> ToolLesions:
    if not (result / MASK_FILE).is_file():
        raise BadExam("not segmented yet", remedy="segment the cohort first")
    return read_lesions(FoundResult(result / MASK_FILE, result / PROBABILITY_FILE), None, flair)


def _theirs(source: ToolSource, exam: CohortExam, path: Path, flair: sitk.Image) -> ToolLesions:
    label = None if source.layout is None else source.layout.label
    return read_lesions(find_result(source, exam.case, path), label, flair)


def _row(
    exam: CohortExam,
    tool: str,
    answer: ToolLesions | None = None,
    ours: ToolLesions | None = None,
    problem: MSSoftSegError | None = None,
) -> dict[str, Cell]:
    session = None if exam.case.session is None else f"ses-{exam.case.session}"
    row: dict[str, Cell] = dict.fromkeys(COLUMNS)
    row |= {"participant_id": f"sub-{exam.case.patient}", "session_id": session, "tool": tool}
    row["problem"] = None if problem is None else str(problem)
    if answer is None:
        return row
    inside, voxel_mm3 = voxels(answer.mask), Grid.of(answer.mask).voxel_volume_mm3
    instances = label_instances(inside, threshold=1.0, min_lesion_mm3=0.0, voxel_volume_mm3=voxel_mm3)
    row |= {
        "lesions": int(instances.max()),
        "volume_ml": int(inside.sum(dtype=int)) * voxel_mm3 / MM3_PER_ML,
        "dsc_with_ours": None if ours is None or answer is ours else dice(inside, voxels(ours.mask)),
        "resampled": "yes" if answer.resampled else "no",
    }
    return row


def _write(exam: CohortExam, out: Path, tool: str, answer: ToolLesions) -> None:
    folder = name_exam_folder(out / TOOLS_FOLDER, exam.case) / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{exam.case}_space-FLAIR_desc-{tool}"
    write_image(answer.mask, folder / f"{stem}_dseg.nii.gz")
    write_image(answer.probability, folder / f"{stem}_probseg.nii.gz")
