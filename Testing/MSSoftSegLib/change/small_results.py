"""A small visit as a result folder, as ``segment`` leaves it."""

from __future__ import annotations

from pathlib import Path

from MSSoftSegLib.change.visit import Visit
from MSSoftSegLib.exam.image_file import compute_sha256, write_image
from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.preprocessing.working_folder import write_working_folder
from MSSoftSegLib.region.kept_regions import write_region_maps
from MSSoftSegLib.region.region_map import RegionMap
from MSSoftSegLib.report.region_facts import RegionFacts
from MSSoftSegLib.report.result import (
    InputFacts,
    LesionFacts,
    ModelFacts,
    Result,
    SoftwareFacts,
    UncertaintyFacts,
)


def write_result_of(visit: Visit, folder: Path, regions: RegionMap | None = None) -> Path:
    """Write what a comparison reads of a result. regions: on the working grid; its lesions have no places yet."""
    folder.mkdir(parents=True)
    write_image(visit.native_probability, folder / "lesion_probability.nii.gz")
    write_image(visit.native_instances, folder / "lesion_instances.nii.gz")
    write_working_folder(visit.working, folder / "working")
    write_image(visit.probability, folder / "working" / "lesion_probability.nii.gz")
    facts = _facts(visit)
    if regions is not None:
        path = folder / "region_probabilities.nii.gz"
        write_region_maps(regions, visit.native_from_working, path)
        (folder / "lesions.csv").write_text("id,region,ventricle_distance_mm,cortex_distance_mm\n", encoding="utf-8")
        facts = facts.model_copy(
            update={"regions": _region_facts(regions), "region_probabilities_sha256": compute_sha256(path)}
        )
    (folder / "result.json").write_text(facts.model_dump_json(), encoding="utf-8")
    return folder


def _region_facts(regions: RegionMap) -> RegionFacts:
    return RegionFacts(
        regions=regions.source,
        count_by_place={},
        volume_ml_by_place={},
        volume_ml={},
        fractions={},
        dissemination_in_space=(),
        lesions=(),
    )


def _facts(visit: Visit) -> Result:
    native = visit.working.native_grids[Modality.FLAIR]
    name, version, sha256 = visit.model
    return Result(
        software=SoftwareFacts(version="0", python="0", torch="0"),
        inputs=tuple(
            InputFacts(
                modality=modality.value,
                path_name=f"{modality.upper()}.nii.gz",
                sha256=image.sha256,
                shape=native.size,
                spacing_mm=image.spacing_mm,
                orientation="LPS",
            )
            for modality, image in visit.native_images.items()
        ),
        reference_modality="flair",
        alignment_target="flair",
        brain_extraction="none",
        model=ModelFacts(name=name, version=version, sha256=sha256, recipe=""),
        device="cpu",
        tta="none",
        threshold=visit.threshold,
        min_lesion_mm3=3.0,
        connectivity=26,
        lesions=LesionFacts(
            count=visit.lesion_count,
            volume_ml=visit.volume_ml,
            soft_volume_ml=visit.soft_volume_ml,
            volume_interval_ml=(visit.volume_ml, visit.volume_ml),
        ),
        uncertainty=UncertaintyFacts(mean_entropy_in_lesions=None, psu=0.0),
        stages=(),
        peak_memory_mb=0.0,
    )
