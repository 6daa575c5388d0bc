"""The words by which scanners, converters and BIDS name contrasts, masks and derivatives.

All patterns expect `spaced` text: lower case, words divided by single blanks. Whole words count: ``sub-T1000`` is no T1.
"""

from __future__ import annotations

import re

from MSSoftSegLib.exam.contrast_agent import END
from MSSoftSegLib.exam.plain_text import plain_letters

# Before a weighting: an orientation, a dimension, or Philips' "s", as in "sT1W", "ax3DT2".
START = r"(?<![a-z0-9])(?:s|ax|tra|sag|cor)?(?:[23]d)?"

FLAIR = re.compile(r"flair|dark ?fluid|fluid ?(?:att|sup)|(?<![a-z])(?:tirm|da ?fl)" + END)
T1 = re.compile(START + r"t1(?!\d)")
T2 = re.compile(START + r"t2(?!\d)")
T1_SEQUENCE = re.compile(r"mp2?[ ]?rage|bravo|spgr|(?<![a-z])(?:tfe|unit1)" + END)
T2_STAR = re.compile(
    r"(?<![a-z0-9])t2(?:\*|s(?![a-z])| ?star)|(?<![a-z])(?:swi|swan|gre|ffe|medic|hemo)(?:[23]d)?" + END
)

# What follows "reg to" or "in" is where the image lies, not what it is: "FLAIR_reg_to_T1", "T1_2_FLAIR".
_TARGET = rf"(?:t1|t2|flair)w?(?: ?space)?{END}"
TARGETS = (
    re.compile(rf"(?<![a-z])()(?:co)?(?:reg|register|registered|aligned|resampled|warped) ?(?:to|2|in|on) ?{_TARGET}"),
    re.compile(rf"(flair|t1w?|t2w?|rage|bravo|spgr|tse) ?(?:to|2|in) ?{_TARGET}"),
)

# T2 after an inversion, by no other word: a FLAIR, STIR, DIR.
INVERSION = re.compile(r"(?<![a-z])ir" + END)
# What SPM puts before the name of an image that it warped to its template.
_WARPED = r"^m?w[mr]?(?=flair)"

SUBJECT_AND_SESSION = re.compile(r"(?:^|(?<=_))(?:sub|ses)-[^_]*_?")
# The labels that people are free to describe an acquisition with ("bp" is no entity of BIDS, and is used as one).
BIDS_FREE_LABEL = re.compile(r"_(?:acq|rec|bp)-([^_]*)")
BIDS_WITHOUT_AGENT = re.compile(r"_ce-(?:none|no|pre|without|nativ[a-z]*|0)(?=_)")
BIDS_ENTITY = re.compile(
    r"(?:^|_)(?:acq|ce|rec|run|dir|echo|part|space|desc|res|den|label|task|mod|inv|flip|chunk|proc|split|mt)-[^_]*"
)

# Looked for in file names only: what a series description says in passing must not hide an image. First hit counts.
NOT_A_RAW_IMAGE = (
    (re.compile(r"(?<![a-z])filled|in ?paint"), "an image with its lesions filled in"),
    (re.compile(r"probseg|probability|entropy|(?<![a-z])(?:prob|pve)"), "a probability map"),
    (re.compile(r"heat ?map|uncertaint|soft ?(?:seg|mask|label)|(?<![a-z])(?:std|stdev|variance)" + END),
     "a map that was computed from an image"),
    (re.compile(
        r"lesion|l(?:a|ae)sion|lesao|lesoes|plaque|hyperintens|black ?hole"
        r"|consensus|annotation|ground ?truth|gold ?standard|病灶|病変|병변|очаг|ognisk"
        r"|(?<![a-z])(?:gt|p?les|wmhs?|wml|lst|lpa|lga|rater|rater\d*|hyper)" + END), "a lesion mask"),
    (re.compile(
        r"mask|masque|mascar|mascher|label|segment|dseg|parcel"
        r"|(?<![a-z])(?:segm?|aseg|aparc|[rv]oi ?\d*|pred|prediction|manual|expert|parc|nawm|5tt|tissues?|lobes?|atlas|binary|bin"
        r"|thr|thresh[a-z0-9]*|outline|contours?|edges?|distance|ventric[a-z]*|vessels?)" + END + r"|(?<![a-z])(?:gm|wm|csf)$"),
     "a mask or label map"),
    (re.compile(
        r"(?<![a-z])(?:warp|xfm|affine|jacobian|transform|displacement|bias ?field)" + END
        + r"|generic ?affine|inverse ?warp|^i?y (?=.*(?:t1|t2|flair|rage))"), "a transform"),
    (re.compile(r"template|(?<![a-z])(?:mni|icbm)[a-z0-9]*|(?<![a-z])talairach|" + _WARPED), "an image in a template's space"),
    (re.compile(r"flipped|mirrored|(?<![a-z])(?:mirror|(?:lr|rl) ?flip|flip ?(?:lr|rl))" + END), "a mirrored image"),
    (re.compile(r"(?<![a-z])inverted" + END), "an image of inverted gray values"),
    (re.compile(r"skull ?strip|stripped|desc brain|(?<![a-z])bet" + END), "a brain-extracted derivative"),
    # Alone at the end they are dcm2niix's, with a letter where several were.
    (re.compile(r"(?<![a-z])part (?:phase|real|imag)" + END + r"|(?<![a-z])(?:(?:ph|real|imaginary)[a-f]?|imag)$"),
     "a phase or complex part"),
)  # fmt: skip
CUT_OUT_BRAIN = re.compile(r"(?:flair|t1|t2|rage|bravo|spgr).* brain" + END)

PROTON_DENSITY = "a proton-density image"
NOT_UNI = "an MP2RAGE image other than UNI"
CONTRAST_ENHANCED_T1 = "contrast-enhanced T1, not used"
# Looked for in names and in series descriptions.
OTHER_CONTRASTS = (
    (re.compile(r"(?<![a-z])(?:e?dwi|e?adc|dti|tracew?|diff|diffusion|dki|noddi|ivim|b1000|b0)" + END), "a diffusion image"),
    (re.compile(r"locali[sz]|scout|topogram|(?<![a-z])(?:survey|loc|3 ?plane?|planos? loc)" + END), "a localizer"),
    (re.compile(r"(?<![a-z])(?:q?[tr][12] ?map(?:s|ping)?|[tr]1 ?rho|mtr|mtsat|qsm)" + END), "a parameter map"),
    (re.compile(r"mp2rage(?!.* uni)(?<!uni mp2rage)|(?<![a-z])inv ?[12]" + END), NOT_UNI),
    (re.compile(r"flair ?(?:star|\*)|flair.* t2 ?(?:star|\*)|t2 ?(?:star|\*).*flair"), "a FLAIR* image"),
    (re.compile(r"(?<![a-z])(?:wmn|fgatir)" + END), "an image that nulls white matter"),
    (re.compile(r"(?<![a-z])(?:bold|fmri|ep2d|asl|perf|perfusion|dce|dsc|cbf|cbv|mtt)" + END),
     "a functional or perfusion image"),
    (re.compile(r"(?<![a-z])(?:tof|mra|mrv|angio|mip|minip|phase|pha|field ?map)" + END),
     "an angiogram, projection or phase image"),
    (re.compile(r"(?<![a-z])(?:dir|psir|stir)" + END), "an inversion-recovery contrast other than FLAIR"),
    (re.compile(
        r"subtra|subtract|soustract|sottraz|substra[ck]|sustrac|вычитан|差分|减影"
        r"|(?<=[a-z0-9+] )subt?(?! ?\d)" + END + r"|^subt? (?=t1|mp)"), "a subtraction image"),
    (re.compile(r"synth|syntet|sintet|(?<![a-z])(?:symri|magic|simulated|generated|fake|gan)" + END),
     "a synthetic image"),
    (re.compile(
        r"spin(?:e(?!cho)|al(?!is))|cervic|thorac|lumb|myel|rachis|moelle|medul|medull|wirbel|ruckenmark|rueckenmark|colonna"
        r"|columna|rdzen|kregosl|позвоноч|脊|頚椎|頸椎|경추|(?<![a-z])(?:hws|bws|lws|cspine|tspine|lspine|rm|cord)" + END),
     "an image of the spine"),
    (re.compile(
        r"orbit|innenohr|felsenbein|inner ?ear"
        r"|(?<![a-z])(?:neck|hals|cou|cuello|collo|pituitary|hypophys\w*|sella|iac|kidney|liver|abdomen|knee|knie|hip)"
        + END), "an image of another part of the body"),
    (re.compile(r"(?<![a-z])(?:ciss|fiesta|drive|trufi|bssfp)" + END), "a cisternogram"),
    (re.compile(r"(?<![a-z])(?:m?dixon|flex|ideal)(?=.* (?:f|fat|in|ip|opp?|out)" + END + ")"),
     "a fat, in-phase or opposed-phase image"),
    # The last: a phase image of a proton-density sequence is a phase image.
    (re.compile(r"(?<![a-z])(?:pdw?|proton ?density)" + END), PROTON_DENSITY),
)  # fmt: skip

# Reasons to doubt an image that somebody names in so many words; brains that are cut out are given knowingly.
DOUBTED_AS_IMAGE = frozenset(
    {CONTRAST_ENHANCED_T1, *(reason for _, reason in OTHER_CONTRASTS if reason != PROTON_DENSITY)}
    | {reason for _, reason in NOT_A_RAW_IMAGE if reason != "a brain-extracted derivative"}
)

_DENIED_BY_A_DASH = re.compile(r"(?<![^\W_])(c|gd|km|iv|gado)-(?=[\s_.]|$)")


def space_words(text: str) -> str:
    """Lower-case words without accents, divided by single blanks; + * and / carry meaning and stay."""
    plain = _DENIED_BY_A_DASH.sub(r" without \1 ", plain_letters(text))
    return re.sub(r"(?:[^\w+*/]|_)+", " ", plain).strip()


def remove_targets(said: str) -> str:
    """Spaced text without the names of the images that this one was registered to."""
    for pattern in TARGETS:
        said = pattern.sub(r"\1 ", said)
    return said
