"""Whole visits as scanners of several makers would store them, small: what each series is, and which one should be taken.

Times, techniques and names are those that public protocols of these makers print; the voxels are noise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset

from Testing.MSSoftSegLib.dicom.made_series import IDENTITY, head, write_series

VOLUME, SLICES, SLAB = "volume", "slices", "slab"
GRIDS = {
    # A head of 12 × 13 × 14 cm in a few voxels; slices, and a slab that is no head.
    VOLUME: {"size": (14, 15, 16), "spacing_mm": (9.0, 9.0, 9.0)},
    SLICES: {"size": (20, 21, 8), "spacing_mm": (6.0, 6.0, 16.0)},
    SLAB: {"size": (20, 21, 5), "spacing_mm": (6.0, 6.0, 8.0)},
}
AGENT = {"ContrastBolusAgent": "Gadovist", "ContrastBolusVolume": "7.5"}
EVERY_TIME = (None, None, None)


@dataclass(frozen=True)
class Made:
    """A series. times: TR, TE, TI in ms. taken: the part that it should play, None for none. more: other elements."""

    name: str
    technique: str
    times: tuple[float | None, float | None, float | None]
    taken: str | None = None
    grid: str = VOLUME
    sequence: str = ""
    types: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "M", "ND")
    more: dict[str, object] = field(default_factory=dict)
    echoes_ms: tuple[float, ...] = ()
    contrast: str = ""


DERIVED = ("DERIVED", "SECONDARY", "MPR")
SIEMENS = (
    Made("localizer", "GR", (8.6, 4.0, None), grid=SLAB, sequence="*fl2d1"),
    Made("t1_mprage_sag_p2_iso_ND", "GR\\IR", (2300, 2.98, 900), sequence="*tfl3d1_16ns"),
    Made(
        *("t1_mprage_sag_p2_iso", "GR\\IR", (2300, 2.98, 900), "t1"),
        sequence="*tfl3d1_16ns",
        types=("ORIGINAL", "PRIMARY", "M", "NORM", "DIS3D"),
    ),
    Made("t2_space_dark-fluid_sag_p2_iso", "SE\\IR", (5000, 388, 1800), "flair", sequence="*spcir_242ns"),
    Made("t2_tirm_tra_dark-fluid", "SE\\IR", (9000, 81, 2500), grid=SLICES, sequence="*tir2d1_16"),
    Made("t2_space_dark-fluid_MPR_tra", "SE\\IR", (5000, 388, 1800), sequence="*spcir_242ns", types=DERIVED),
    Made("t2_tse_tra", "SE", (5000, 100, None), "t2", grid=SLICES, sequence="*tse2d1_13"),
    Made("t2_fl2d_tra_hemo", "GR", (630, 20, None), grid=SLICES, sequence="*fl2d1"),
    Made("ep2d_diff_3scan_trace_TRACEW", "EP\\SE", (6000, 90, None), grid=SLICES, sequence="*ep_b1000t"),
    Made("SWI_Images", "GR", (28, 20, None), sequence="*swi3d1r"),
    Made("t2_tse_sag_HWS", "SE", (3500, 95, None), grid=SLAB, sequence="*tse2d1_17"),
    Made("t1_mprage_sag_p2_iso_KM", "GR\\IR", (2300, 2.98, 900), sequence="*tfl3d1_16ns", more=AGENT),
    # Nobody wrote down that it came after the injection.
    Made("t1_tse_tra", "SE", (500, 9, None), grid=SLICES, sequence="*tse2d1_3"),
    Made("t1_mprage_SUB", "GR\\IR", (2300, 2.98, 900), types=("DERIVED", "PRIMARY", "M", "SUB")),
)
GE_TYPES = ("ORIGINAL", "PRIMARY", "OTHER")
GE = (
    Made("3-Plane Loc SSFSE", "SE", (1100, 80, None), grid=SLAB, types=GE_TYPES),
    Made("Sag FSPGR BRAVO", "GR", (8.2, 3.2, 450), "t1", types=GE_TYPES),
    Made("Ax T1 FLAIR", "SE\\IR", (2500, 20, 900), grid=SLICES, types=GE_TYPES),
    Made("Sag CUBE T2 FLAIR FS", "SE\\IR", (6300, 120, 1700), types=GE_TYPES),
    Made("Sag CUBE T2 FLAIR", "SE\\IR", (6300, 120, 1700), "flair", types=GE_TYPES),
    Made("Ax T2 PROPELLER", "SE", (4500, 102, None), "t2", grid=SLICES, types=GE_TYPES),
    Made("Ax SWAN", "GR", (40, 23, None), types=GE_TYPES),
    Made("Ax 3D TOF MRA", "GR", (23, 3.4, None), types=GE_TYPES),
    Made("Ax DWI ASSET", "EP\\SE", (8000, 75, None), grid=SLICES, types=GE_TYPES),
    Made(
        "Apparent Diffusion Coefficient", "EP\\SE", (8000, 75, None), grid=SLICES, types=("DERIVED", "SECONDARY", "ADC")
    ),
    Made("Sag FSPGR BRAVO +C", "GR", (8.2, 3.2, 450), types=GE_TYPES, more={"ContrastBolusAgent": "10ML GADAVIST"}),
)
PHILIPS_TYPES = ("ORIGINAL", "PRIMARY", "M_SE", "M", "SE")
PHILIPS_FIELD = ("ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE")
PHILIPS = (
    Made("SURVEY", "GR", (11, 4.6, None), grid=SLAB, types=PHILIPS_FIELD),
    Made("sT1W_3D_TFE", "GR", (8.1, 3.7, None), "t1", types=PHILIPS_FIELD),
    Made("3D_Brain_VIEW_FLAIR_SHC", "IR", (4800, 340, 1650), "flair", types=("ORIGINAL", "PRIMARY", "M_IR", "M", "IR")),
    Made("PD/T2_TSE_tra", "SE", (3000, 100, None), "t2", grid=SLICES, types=PHILIPS_TYPES, echoes_ms=(16.0, 100.0)),
    Made("DWI_3b", "SE\\EP", (4000, 80, None), grid=SLICES, types=PHILIPS_TYPES),
    Made("VEN_BOLD_SWI", "GR", (31, 23, None), types=("ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE")),
    Made("sT1W_3D_TFE_GADO", "GR", (8.1, 3.7, None), types=PHILIPS_FIELD),
)
BARE = (
    Made("", "GR\\IR", (2000, 3, 900), "t1"),
    Made("", "SE\\IR", (9000, 100, 2500), "flair", grid=SLICES),
    Made("", "SE", (5000, 100, None), "t2", grid=SLICES),
    Made("", "SE", (2800, 14, None), grid=SLICES),
    Made("", "GR", (600, 22, None), grid=SLICES),
    Made("", "EP", (6000, 90, None), grid=SLICES),
)
# Tags that lie: protocol names of a whole visit, techniques against names, another body part.
KNEE = {"BodyPartExamined": "KNEE", "ProtocolName": "MS BRAIN T1 T2 FLAIR"}
LYING = (
    Made("T1 3D", "GR\\IR", (2300, 3, 900), "t1", more=KNEE),
    Made("T2 ax", "GR", (700, 20, None), grid=SLICES, more=KNEE),
    Made("T2 ax", "SE", (4500, 100, None), "t2", grid=SLICES, more=KNEE),
    Made("FLAIR ax", "SE\\IR", (2200, 12, 860), grid=SLICES, more=KNEE),
    Made("FLAIR", "SE\\IR", (9000, 120, 2400), "flair", grid=SLICES, more=KNEE),
    Made("T1 ax", "SE", (4500, 15, None), grid=SLICES, more=KNEE),
)
WORDS = (
    Made("T1 EG 3D SANS INJECTION", "GR\\IR", (2300, 3, 900), "t1"),
    Made("AX FLAIR", "SE\\IR", (9000, 120, 2500), "flair", grid=SLICES),
    Made("AX T2 FSE", "SE", (4500, 100, None), "t2", grid=SLICES),
    Made("T2 RACHIS CERVICAL SAG", "SE", (3500, 100, None), grid=SLICES),
    Made("T1 EG 3D APRES INJECTION", "GR\\IR", (2300, 3, 900)),
    Made("T1 nach KM tra", "SE", (500, 10, None), grid=SLICES),
    Made("T1 con contraste", "SE", (500, 10, None), grid=SLICES),
    Made("T1 造影", "SE", (500, 10, None), grid=SLICES),
    Made("T1 dopo mdc", "SE", (500, 10, None), grid=SLICES),
)
ENHANCED = (
    Made("3D T1 TFE", "GRADIENT", (8.1, 3.7, 900), "t1", contrast="T1", more={"planned": True}),
    Made("", "SPIN", (4800, 340, 1650), "flair", contrast="FLUID_ATTENUATED"),
    Made("", "SPIN", (3000, 90, None), "t2", grid=SLICES, contrast="T2"),
    Made("", "SPIN", (3000, 15, None), grid=SLICES, contrast="PROTON_DENSITY"),
    Made("", "GRADIENT", (600, 20, None), grid=SLICES, contrast="T2_STAR"),
    Made("", "SPIN", (4000, 80, None), grid=SLICES, contrast="DIFFUSION"),
    Made("3D T1 TFE", "GRADIENT", (8.1, 3.7, 900), contrast="T1", more={"given": True}),
)
DIALECTS = {
    "Siemens": SIEMENS,
    "GE": GE,
    "Philips": PHILIPS,
    "enhanced": ENHANCED,
    "times only": BARE,
    "lying tags": LYING,
    "languages": WORDS,
}


def write_visit(folder: Path, dialect: str, *, identity: dict[str, str] = IDENTITY, **common) -> dict[str, str]:
    """A visit in a folder without order: a series a subfolder. Returns the series number that each contrast should be."""
    expected = {}
    frame = f"1.2.3.{len(dialect)}.9"
    for number, made in enumerate(DIALECTS[dialect], start=1):
        if made.taken is not None:
            expected[made.taken] = str(number)
        place = folder / f"S{(number * 7) % 16:02d}"
        for echo in made.echoes_ms or (made.times[1],):
            write_made(made, place, number, echo_ms=echo, dialect=dialect, identity=identity, frame=frame, **common)
    return expected


def write_made(made, place, number, *, echo_ms, dialect, identity=IDENTITY, frame="1.2.3.9", **common):
    """One series, or one echo of it."""
    enhanced = dialect == "enhanced"
    repetition, _, inversion = made.times
    fields = {
        "SeriesNumber": number,
        "SeriesInstanceUID": f"1.2.840.77.{sum(map(ord, dialect))}.{number}",
        "SeriesDescription": made.name,
        "FrameOfReferenceUID": frame,
        "ImageType": list(made.types),
        "AcquisitionTime": f"10{number:02d}00.000",
        **common,
    }
    if enhanced:
        image = head(**GRIDS[made.grid], seed=number)
        return write_series(
            image,
            place,
            identity=identity,
            enhanced=True,
            change=lambda dataset, plane: enhance(dataset, made),
            **fields,
        )
    fields |= {"ScanningSequence": made.technique.split("\\"), "SequenceName": made.sequence, **made.more}
    fields |= {"RepetitionTime": repetition, "EchoTime": echo_ms}
    if inversion is not None:
        fields["InversionTime"] = inversion
    shuffled = {"seed": int(echo_ms or 0)}
    image = head(**GRIDS[made.grid], seed=number)
    folder = place / f"echo{echo_ms:g}" if made.echoes_ms else place
    return write_series(image, folder, identity=identity, **shuffled, **fields)


def enhance(dataset, made):
    """Move what a classic object says at its top into the functional groups of an enhanced one."""
    repetition, echo, inversion = made.times
    for keyword in ("ScanningSequence", "SequenceVariant"):
        delattr(dataset, keyword)
    dataset.EchoPulseSequence = made.technique
    dataset.AcquisitionContrast = made.contrast
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.MRTimingAndRelatedParametersSequence = [_item(RepetitionTime=repetition)]
    shared.MREchoSequence = [_item(EffectiveEchoTime=float(echo))]
    modifier = _item(InversionRecovery="YES" if inversion else "NO")
    if inversion:
        modifier.InversionTimes = [float(inversion)]
    shared.MRModifierSequence = [modifier]
    shared.MRImageFrameTypeSequence = [
        _item(
            FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"],
            ComplexImageComponent="MAGNITUDE",
            AcquisitionContrast=made.contrast,
        )
    ]
    if made.contrast == "DIFFUSION":
        shared.MRDiffusionSequence = [_item(DiffusionBValue=1000.0)]
    if made.more:
        dataset.ContrastBolusAgentSequence = [_item(ContrastBolusAgentNumber=1)]
        given = "YES" if made.more.get("given") else "NO"
        shared.ContrastBolusUsageSequence = [_item(ContrastBolusAgentNumber=1, ContrastBolusAgentAdministered=given)]


def _item(**fields):
    item = Dataset()
    for key, value in fields.items():
        setattr(item, key, value)
    return item
