"""Names of the files that a result folder holds (Docs/contract.md section 4): whoever writes or reads one takes its name here."""

from __future__ import annotations

PROBABILITY_FILE = "lesion_probability.nii.gz"
ENTROPY_FILE = "lesion_entropy.nii.gz"
MUTUAL_INFORMATION_FILE = "lesion_mutual_information.nii.gz"
MASK_FILE = "lesion_mask.nii.gz"
INSTANCES_FILE = "lesion_instances.nii.gz"
# One volume a region, in the order of region.regions.REGIONS (region/kept_regions.py).
REGION_MAPS_FILE = "region_probabilities.nii.gz"
LESIONS_FILE = "lesions.csv"
REPORT_FILE = "report.html"
FACTS_FILE = "result.json"
# Of a comparison of visits, and what its reader says of it.
CHANGE_FILE = "change.json"
CHANGE_REVIEW_FILE = "change_review.json"
# With --dicom-seg: objects of the exam's own study, the only files that carry an identity.
DICOM_MASK_FILE = "lesion_mask.dcm"
DICOM_PROBABILITY_FILE = "lesion_probability.dcm"
DICOM_REPORT_FILE = "lesion_report.dcm"
# The folder with the working images, and what lies in it beside them.
WORKING_FOLDER = "working"
WORKING_FACTS_FILE = "working.json"
BRAIN_MASK_FILE = "brain_mask.nii.gz"
