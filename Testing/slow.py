"""Which tests are slow: those that need a panel, a training, a registration, or processes of their own.

``make test-quick`` leaves them out; ``make test`` runs everything. Whoever adds a test that takes seconds names its file here, or
marks it with ``@pytest.mark.slow``; ``make test-quick`` ends with the slowest it met.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
# A test that asks for one of these starts the host with its scene and views.
SLOW_FIXTURES = frozenset({"host", "session_host", "office", "morning"})
SLOW = (
    "campaigns",
    "real",
    "SlicerHost",
    "MSSoftSeg/test_extension_build.py",
    "MSSoftSeg/test_presenters_stand_alone.py",
    "MSSoftSeg/test_radiologist.py",
    "MSSoftSeg/segment/test_real_runs.py",
    "MSSoftSeg/worker/test_client.py",
    "MSSoftSegLib/api/test_quickstart_page.py",
    "MSSoftSegLib/api/test_segment.py",
    "MSSoftSegLib/cli/test_commands.py",
    "MSSoftSegLib/cli/test_evaluate_command.py",
    "MSSoftSegLib/cli/test_evaluate_compare.py",
    "MSSoftSegLib/cli/test_synthesize_command.py",
    "MSSoftSegLib/cohort/test_engine.py",
    "MSSoftSegLib/dicom/test_segmentation_round_trip.py",
    "MSSoftSegLib/inference/test_orientation.py",
    "MSSoftSegLib/inference/test_other_networks.py",
    "MSSoftSegLib/jobs/test_adaptation.py",
    "MSSoftSegLib/jobs/test_detached_jobs.py",
    "MSSoftSegLib/jobs/test_model_comparison.py",
    "MSSoftSegLib/jobs/test_model_promotion.py",
    "MSSoftSegLib/jobs/test_preflight.py",
    "MSSoftSegLib/jobs/test_pseudolabel.py",
    "MSSoftSegLib/jobs/test_segment_dicom.py",
    "MSSoftSegLib/jobs/test_train.py",
    "MSSoftSegLib/jobs/test_worker.py",
    "MSSoftSegLib/library/test_deidentification.py",
    "MSSoftSegLib/library/test_export_round_trips.py",
    "MSSoftSegLib/library/test_many_writers.py",
    "MSSoftSegLib/library/test_rough_disks.py",
    "MSSoftSegLib/network/test_networks.py",
    "MSSoftSegLib/phantom/test_digital_patient.py",
    "MSSoftSegLib/preprocessing/test_alignment.py",
    "MSSoftSegLib/preprocessing/test_atlas_brain_extraction.py",
    "MSSoftSegLib/preprocessing/test_bias_correction.py",
    "MSSoftSegLib/preprocessing/test_hd_bet.py",
    "MSSoftSegLib/preprocessing/test_hd_bet_install.py",
    "MSSoftSegLib/preprocessing/test_hd_bet_process.py",
    "MSSoftSegLib/preprocessing/test_hd_bet_real.py",
    "MSSoftSegLib/preprocessing/test_hd_bet_runner.py",
    "MSSoftSegLib/preprocessing/test_pipeline.py",
    "MSSoftSegLib/quality/test_exam_checks.py",
    "MSSoftSegLib/quality/test_in_the_job.py",
    "MSSoftSegLib/region/test_registration.py",
    "MSSoftSegLib/report/test_html.py",
    "MSSoftSegLib/study/test_study.py",
    "MSSoftSegLib/test_packaging.py",
    "MSSoftSegLib/training/data/test_prepared.py",
    "MSSoftSegLib/training/test_engine.py",
    "MSSoftSegLib/training/test_freezing.py",
    "MSSoftSegLib/training/test_shipped.py",
    "MSSoftSegLib/training/test_spleen.py",
    "MSSoftSegLib/training/test_synthesis.py",
    "MSSoftSegLib/training/test_validation_picture.py",
)
_PLACES = frozenset(HERE / name for name in SLOW)


def is_slow(path: Path, fixtures: list[str]) -> bool:
    """Whether a test of a file, with the fixtures that it asks for, is left out of the quick run."""
    return not SLOW_FIXTURES.isdisjoint(fixtures) or not _PLACES.isdisjoint({path, *path.parents})
