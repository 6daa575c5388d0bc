"""What somebody brings to a case, new or not: the same for every door into the library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from MSSoftSegLib.exam.modality import Modality
from MSSoftSegLib.library.case_record import Edits, ModelFindings, Status
from MSSoftSegLib.library.intake import Source
from MSSoftSegLib.library.layout import CaseId
from MSSoftSegLib.softlabel.settings import SoftLabelSettings


@dataclass(frozen=True)
class CaseChange:
    """Files (or images in memory) and what is known of them; what is None keeps what is there.

    images: by modality, FLAIR among them for a new case. raters: label maps on FLAIR's grid (1 = lesion, 2 = possible lesion) by
    rater. soft_label, confidence: values from 0 to 1 on FLAIR's grid. softening, made_of: how and of whose masks the soft label
    was made, where that is known. status: None gives a new case 'segmented' where it is labelled, else 'unlabelled'.
    preprocessed: the images are aligned and brain-extracted, on one grid. edited_from: the mask that the raters started from, for
    counting their edits. notes: the raters' free text, which must not name the patient. findings: of a model. by: who brings it.
    """

    case: CaseId
    images: Mapping[Modality, Source] = field(default_factory=dict)
    raters: Mapping[str, Source] = field(default_factory=dict)
    soft_label: Source | None = None
    soft_label_name: str = "soft"
    confidence: Source | None = None
    softening: SoftLabelSettings | None = None
    made_of: frozenset[str] = frozenset()
    status: Status | None = None
    preprocessed: bool | None = None
    source_model: str | None = None
    edited_from: Source | None = None
    notes: str | None = None
    findings: ModelFindings | None = None
    by: str | None = None

    @property
    def brings_soft_label(self) -> str | None:
        """The name of the soft label that is given; None where none is."""
        return None if self.soft_label is None else self.soft_label_name


@dataclass(frozen=True)
class MaskFacts:
    """What was counted in the masks that are brought, by rater."""

    edits: Mapping[str, Edits] = field(default_factory=dict)
    volumes_ml: Mapping[str, float] = field(default_factory=dict)
