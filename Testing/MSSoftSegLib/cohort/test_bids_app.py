"""``mssoftseg-bids`` and ``mssoftseg cohort`` from end to end with a little model: derivatives, tables, resume, exit codes."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from MSSoftSegLib.cli.cohorts import cohort_running
from MSSoftSegLib.cli.cohorts.bids_app import run_bids_app
from MSSoftSegLib.cli.main import run_command
from MSSoftSegLib.version import VERSION
from Testing.MSSoftSegLib.cohort.small_cohort import stand_in, write_bids_tree
from Testing.MSSoftSegLib.library.test_export_round_trips import SCHEMA, known
from Testing.MSSoftSegLib.network.bundles import write_random_bundle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A data set of three exams, one of them without FLAIR, segmented once; what the run said is in ``said``."""
    folder = tmp_path_factory.mktemp("cohort")
    write_bids_tree(folder / "bids", {"1": "a", "2": None, "bad": None}, entities="_acq-3d")
    (folder / "bids" / "sub-bad" / "anat" / "sub-bad_acq-3d_FLAIR.nii.gz").unlink()
    write_random_bundle(folder / "little")
    return folder


def options(place):
    brain = str(place / "made" / "brain.nii.gz")
    return ["--model", str(place / "little"), "--device", "cpu", "--brain", brain, "--tta", "none"]


def app(place, *more, level="participant"):
    chosen = options(place) if level == "participant" else []
    return run_bids_app([str(place / "bids"), str(place / "out"), level, *more, *chosen])


@pytest.fixture(scope="module")
def segmented(place):
    assert app(place) == 4
    return place / "out"


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_one_bad_participant_stops_no_other_and_is_named_with_what_to_do(place, segmented, capsys):
    assert app(place) == 4
    said = capsys.readouterr().err
    assert "no FLAIR image was recognized" in said
    assert (
        said.strip()
        .splitlines()[-1]
        .startswith("error: 1 of 3 exams have no result (sub-bad); the others are complete")
    )
    assert not (segmented / "sub-bad").exists()


def test_an_interruption_says_that_what_is_complete_stays_and_the_next_run_goes_on(place, monkeypatch, capsys):
    def interrupted(exam, files, settings, folder):
        if exam.case.patient == "2":
            raise KeyboardInterrupt
        stand_in(exam, files, settings, folder)

    run = [
        str(place / "bids"),
        str(place / "interrupted"),
        "participant",
        "--participant-label",
        "1",
        "2",
        *options(place),
    ]
    monkeypatch.setattr(cohort_running, "segment_into", interrupted)
    assert run_bids_app(run) == 130
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "error: cancelled — exams that are complete stay; the same command goes on with the others"
    monkeypatch.setattr(cohort_running, "segment_into", stand_in)
    assert run_bids_app(run) == 0
    said = capsys.readouterr().err
    assert "sub-1_ses-a kept" in said
    assert "sub-2 done" in said


def test_derivatives_are_bids_with_the_entities_of_the_image_they_lie_on(place, segmented):
    names = sorted(path.name for path in segmented.rglob("*.nii.gz") if path.parent.name == "anat")
    assert names == [
        f"{stem}_space-FLAIR_desc-{what}.nii.gz"
        for stem in ("sub-1_ses-a_acq-3d", "sub-2_acq-3d")
        for what in ("instances_dseg", "lesion_dseg", "lesion_probseg")
    ]
    rules = SCHEMA.rules.files.deriv.imaging
    derived = [path for path in segmented.rglob("anat/*") if path.is_file()]
    assert len(derived) == 12
    assert [path.name for path in derived if not known(path, segmented, rules)] == []
    for path in segmented.rglob("anat/*.json"):
        facts = json.loads(path.read_text())
        assert (place / "bids" / facts["SpatialReference"].removeprefix("bids:raw:")).is_file()
        assert len(facts["Sources"]) == 3
    description = json.loads((segmented / "dataset_description.json").read_text())
    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"] == [{"Name": "MSSoftSeg", "Version": VERSION}]
    assert (segmented / description["DatasetLinks"]["raw"]).samefile(place / "bids")


def test_what_is_no_bids_file_is_ignored_by_name(segmented):
    ignored = (segmented / ".bidsignore").read_text().splitlines()
    assert {"**/result/**", "**/cohort_exam.json", "**/thumbnail.png", "group_*"} <= set(ignored)


def test_an_exam_is_segmented_bit_for_bit_as_alone(place, segmented, tmp_path):
    exam = ["--exam", str(place / "bids" / "sub-2" / "anat")]
    assert run_command(["segment", *exam, *options(place), "--no-keep-working", "--out", str(tmp_path / "alone")]) == 0
    ours = segmented / "sub-2" / "result"
    assert {path.name for path in ours.iterdir()} == {path.name for path in (tmp_path / "alone").iterdir()}
    for name in ("lesion_mask.nii.gz", "lesion_probability.nii.gz", "lesion_entropy.nii.gz", "lesions.csv"):
        assert (ours / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name
    derived = segmented / "sub-2" / "anat" / "sub-2_acq-3d_space-FLAIR_desc-lesion_probseg.nii.gz"
    assert derived.read_bytes() == (ours / "lesion_probability.nii.gz").read_bytes()
    alone = json.loads((tmp_path / "alone" / "result.json").read_text())
    assert app(place, level="group") == 0
    row = next(row for row in table(segmented / "group_exams.tsv") if row["participant_id"] == "sub-2")
    for column, value in (
        ("lesions", alone["lesions"]["count"]),
        ("volume_ml", alone["lesions"]["volume_ml"]),
        ("volume_low_ml", alone["lesions"]["volume_interval_ml"][0]),
        ("soft_volume_ml", alone["lesions"]["soft_volume_ml"]),
        ("psu", alone["uncertainty"]["psu"]),
    ):
        assert float(row[column]) == value, column


def test_the_group_level_has_every_exam_with_a_picture(place, segmented, capsys):
    assert app(place, level="group") == 0
    assert capsys.readouterr().out.strip() == str(segmented / "group_report.html")
    assert [row["status"] for row in table(segmented / "group_exams.tsv")] == ["ok", "ok", "failed"]
    for exam in ("sub-1/ses-a", "sub-2"):
        assert (segmented / exam / "thumbnail.png").read_bytes()[:4] == b"\x89PNG"
        assert f'src="{exam}/thumbnail.png"' in (segmented / "group_report.html").read_text()
        assert (segmented / exam / "result" / "report.html").is_file()


def test_running_again_does_only_what_is_not_complete(place, segmented):
    record = segmented / "sub-1" / "ses-a" / "cohort_exam.json"
    before = record.stat().st_mtime_ns
    assert app(place, "--participant-label", "1") == 0
    assert record.stat().st_mtime_ns == before


def test_the_same_through_the_cohort_command_with_events(place, segmented, tmp_path, capfd):
    shutil.copytree(place / "out", tmp_path / "out")
    (tmp_path / "c.csv").write_text(f"participant,session,exam\n1,a,{place / 'bids' / 'sub-1' / 'ses-a' / 'anat'}\n")
    command = ["cohort", str(tmp_path / "c.csv"), "--out", str(tmp_path / "out"), *options(place), "--workers", "1"]
    assert run_command([*command, "--json-events"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [event["event"] for event in events if event["event"] not in ("log", "progress")] == ["started", "result"]
    assert events[-1]["summary"] == {"done": 0, "kept": 1, "failed": []}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--participant-label", "9"], "there is no sub-9"),
        (["--session-label", "a", "--participant-label", "2"], "no exam has both"),
        (["--part", "4"], "is not a part"),
        (["--workers", "0"], "must be at least 1"),
        (["--threshold", "2"], "threshold"),
        (["--model", "nothing"], "no model is called"),
        (["--cluster", "gone.yaml"], "not readable YAML"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_a_wrong_request_is_exit_code_2_and_says_what(place, capsys, more, said):
    assert run_bids_app([str(place / "bids"), str(place / "out2"), "participant", *more]) == 2
    assert said in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (place / "out2").exists()


def test_version_and_help_are_exit_code_0(capsys):
    assert run_bids_app(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"mssoftseg-bids {VERSION}"
    assert run_bids_app(["--help"]) == 0


def test_an_undescribed_data_set_is_refused_unless_asked_otherwise(place, segmented, tmp_path, capsys):
    shutil.copytree(place / "bids", tmp_path / "bids")
    (tmp_path / "bids" / "dataset_description.json").unlink()
    given = [str(tmp_path / "bids"), str(place / "out"), "group"]
    assert run_bids_app(given) == 2
    assert "no BIDS data set" in capsys.readouterr().err
    assert run_bids_app([*given, "--skip-bids-validation"]) == 0


def test_an_output_folder_with_other_things_is_refused(place, tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("")
    assert run_bids_app([str(place / "bids"), str(tmp_path), "participant"]) == 2
    assert run_bids_app([str(place / "bids"), str(place / "bids"), "participant"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_job_array_runs_parts_of_what_was_asked(place, capsys):
    assert app(place, "--print-slurm-array", "--session-label", "a") == 0
    script = capsys.readouterr().out
    assert script.startswith("#!/bin/bash\n")
    assert "#SBATCH --array=1-1\n" in script
    assert f"{place / 'bids'} {place / 'out'} participant --session-label a" in script
    assert script.rstrip().endswith('--part "${SLURM_ARRAY_TASK_ID}/1"')
