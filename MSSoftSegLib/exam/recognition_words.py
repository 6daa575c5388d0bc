"""The words by which scanners, converters and BIDS name contrasts, masks and derivatives.

All patterns expect `spaced` text: lower case, words divided by single blanks. Whole words count: ``sub-T1000`` is no T1.
"""

from __future__ import annotations

import re

END = r"(?![a-z0-9])"
# Before a weighting: an orientation, a dimension, or Philips' "s", as in "sT1W", "ax3DT2".
START = r"(?<![a-z0-9])(?:s|ax|tra|sag|cor)?(?:[23]d)?"

FLAIR = re.compile(r"flair|dark ?fluid|(?<![a-z])tirm" + END)
T1 = re.compile(START + r"t1(?!\d)")
T2 = re.compile(START + r"t2(?!\d)")
T1_SEQUENCE = re.compile(r"mp2?[ ]?rage|bravo|spgr|(?<![a-z])(?:tfe|unit1)" + END)
T2_STAR = re.compile(
    r"(?<![a-z0-9])t2(?:\*|s(?![a-z])| ?star)|(?<![a-z])(?:swi|swan|gre|ffe|medic|hemo)(?:[23]d)?" + END
)

_AGENT = r"(?:gadolinium|gado|gad|gd|km|contrast|enhanced)"
CONTRAST_AGENT = re.compile(
    rf"t1w? ?(?:c|ce|ceg|gd|gad|post|km){END}|(?<![a-z])(?:ce|post|post ?{_AGENT}|{_AGENT}){END}"
    rf"|\+ ?(?:c|{_AGENT}){END}|(?<![a-z0-9])c ?\+"
)
# Struck out before looking for the agent.
DENIED_AGENT = re.compile(rf"(?<![a-z])(?:pre|non|no|not|without|w/o|wo|ohne) ?(?:c|{_AGENT}){END}")

# What follows "reg to" or "in" is where the image lies, not what it is: "FLAIR_reg_to_T1", "T1_2_FLAIR".
_TARGET = rf"(?:t1|t2|flair)w?(?: ?space)?{END}"
TARGETS = (
    re.compile(rf"(?<![a-z])()(?:co)?(?:reg|register|registered|aligned|resampled|warped) ?(?:to|2|in|on) ?{_TARGET}"),
    re.compile(rf"(flair|t1w?|t2w?|rage|bravo|spgr|tse) ?(?:to|2|in) ?{_TARGET}"),
)

SUBJECT_AND_SESSION = re.compile(r"(?:^|(?<=_))(?:sub|ses)-[^_]*_?")
BIDS_ENTITY = re.compile(
    r"(?:^|_)(?:acq|ce|rec|run|dir|echo|part|space|desc|res|den|label|task|mod|inv|flip|chunk|proc|split|mt)-[^_]*"
)

# Looked for in file names only: what a series description says in passing must not hide an image. First hit counts.
NOT_A_RAW_IMAGE = (
    (re.compile(r"probseg|probability|entropy|(?<![a-z])(?:prob|pve)"), "a probability map"),
    (re.compile(r"lesion|consensus|annotation|ground ?truth|gold ?standard|(?<![a-z])(?:gt|rater\d*)" + END), "a lesion mask"),
    (re.compile(r"mask|label|segment|dseg|parcel|(?<![a-z])(?:seg|aseg|aparc|roi)" + END), "a mask or label map"),
    (re.compile(r"(?<![a-z])(?:warp|xfm|affine|jacobian|transform|displacement|bias ?field)" + END), "a transform"),
    (re.compile(r"skull ?strip|stripped|desc brain|(?<![a-z])bet" + END), "a brain-extracted derivative"),
    (re.compile(r"(?<![a-z])part (?:phase|real|imag)" + END), "a phase or complex part"),
)  # fmt: skip
CUT_OUT_BRAIN = re.compile(r"(?:flair|t1|t2|rage|bravo|spgr).* brain" + END)

# Looked for in names and in series descriptions.
OTHER_CONTRASTS = (
    (re.compile(r"(?<![a-z])(?:dwi|adc|dti|tracew?|diff|diffusion)" + END), "a diffusion image"),
    (re.compile(r"locali[sz]er|scout|(?<![a-z])survey" + END), "a localizer"),
    (re.compile(r"(?<![a-z])(?:q?[tr][12] ?map(?:s|ping)?|[tr]1 ?rho)" + END), "a parameter map"),
    (re.compile(r"mp2rage(?!.* uni)(?<!uni mp2rage)|(?<![a-z])inv ?[12]" + END), "an MP2RAGE image other than UNI"),
    (re.compile(r"(?<![a-z])(?:bold|fmri|ep2d|asl|perf|perfusion)" + END), "a functional or perfusion image"),
    (re.compile(r"(?<![a-z])(?:tof|mra|angio|mip|phase|field ?map)" + END), "an angiogram, projection or phase image"),
    (re.compile(r"(?<![a-z])(?:dir|stir)" + END), "an inversion-recovery contrast other than FLAIR"),
    (re.compile(r"(?<![a-z])(?:pdw?|proton ?density)" + END), "a proton-density image"),
)  # fmt: skip


def spaced(text: str) -> str:
    """Lower-case words divided by single blanks; + * and / carry meaning and stay."""
    return re.sub(r"[^a-z0-9+*/]+", " ", text.lower()).strip()


def names_contrast_agent(said: str) -> bool:
    """Whether spaced text says that a contrast agent was given."""
    return bool(CONTRAST_AGENT.search(DENIED_AGENT.sub(" ", said)))


def without_targets(said: str) -> str:
    """Spaced text without the names of the images that this one was registered to."""
    for pattern in TARGETS:
        said = pattern.sub(r"\1 ", said)
    return said
