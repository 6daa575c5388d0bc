"""Whether words say that a contrast agent was given: in the usual languages, by trade name, and by signs such as "C+".

All patterns expect `spaced` text (recognition_words). "T1 sans gado" is a plain T1 and "T1 avec gado" is none, so what is denied
is struck out before anything is looked for; "pre and post contrast" denies nothing.
"""

from __future__ import annotations

import re

from MSSoftSegLib.exam.plain_text import plain_letters

END = r"(?![a-z0-9])"
WORD = r"(?<![a-z])"

# Substances, trade names and the words for a contrast agent, an injection or an enhancement. Stems end in a star.
_LATIN = """
gad gd gado* gada* dotarem dotagraf clariscan prohance magnevist magnegita magnograf multihance omniscan optimark vueway elucirem
primovist eovist ablavar vasovist cyclolux artirem dtpa gddtpa dota gddota bopta gdbopta do3a ferumoxytol feraheme teslascan
contrast* kontrast* kontraszt* km ivkm mdc pdc civ enh enhanc* enhanced inj inject* injekt* inyec* iniez* injec* realce realzad*
wzmocn* varjoaine* tehosteaine* opakli opakla skiagrafik* cusa
"""
# Written without blanks between words, or in letters that no Latin word can hold.
_OTHER_SCRIPTS = (
    *("контраст", "гадо", "усилен", "введени", "σκιαγραφικ", "γαδολιν"),
    *("增强", "增強", "造影", "对比剂", "對比劑", "钆", "釓", "ガドリニウム", "ガドビスト", "조영"),
    *("תזריק", "ניגוד", "הזרקה", "تباين", "صبغة", "حقن", "تزریق", "کنتراست"),
)
_DENIALS = """
pre non no not without w/o wo before ohne vor kein keine sans avant aucun sin antes senza prima sem zonder voor geen bez przed
pred uten uden utan innan for ilman ennen brez fara inainte oncesi χωρις πριν без до
"""
# What may stand between a denial and the agent: "sans injection de produit de contraste".
_BETWEEN = (
    "de di d del della du des of any the von gabe produit mezzo medio meio substanta podania srodka media medium iv i v"
)


def _words(text: str) -> str:
    """Alternatives of whole words; a star stands for any ending."""
    return "|".join(
        re.escape(word.rstrip("*")) + (r"[a-z0-9]*" if word.endswith("*") else "")
        for word in dict.fromkeys(text.split())
    )


_SCRIPTS = "|".join(plain_letters(word) for word in _OTHER_SCRIPTS)
_AGENT = rf"(?:{_words(_LATIN)}){END}|(?<!\d)(?<!\d )(?:cm|ku){END}|(?:{_SCRIPTS})\w*|(?<!\w)ку(?!\w)"
_SIGNS = (
    rf"t1w? ?(?:c|ce|ceg|cm|gd|gad|ku|post|km|inj|k){END}|{WORD}(?:ce|i ?v){END}|\+ ?c{END}|(?<![a-z0-9])c ?\+|t1w? ?\+ ?$"
    rf"|(?<![a-z0-9])c/c{END}"
)
# "After" alone: of a T1, there is only one thing that it can be after.
_AFTER = (
    rf"{WORD}(?:post|apres|nach|dopo|despues|depois|apos|after|etter|efter|po|jalkeen|sonrasi|"
    rf"delayed|late|tardiv[aeo]?|tardif|spat){END}(?! ?process)"
)
GIVEN_AGENT = re.compile(
    rf"{_SIGNS}|{_AFTER}|{WORD}(?:{_AGENT})|{WORD}post ?(?:{_AGENT})|\+ ?(?:{_AGENT})|t1w?(?:{_AGENT})"
)
DENIED_AGENT = re.compile(
    rf"(?<![a-z])(?:{_words(_DENIALS)})(?: ?(?:(?:{_words(_BETWEEN)}){END}|(?:c|ce){END}|{_AGENT}))+"
    rf"|(?<![a-z])(?:pre|non|un|nicht|bez)(?:contrast|kontrast|enhanc|gad|inj)[a-z]*"
    rf"|(?<![a-z])(?:k|c)ontrast(?:siz|los|loos|fri)[a-z]*|(?<![a-z0-9])s/c{END}|бесконтраст\w*"
    + "".join(
        rf"|{plain_letters(word)}\w*"
        for word in (
            "非增强",
            "未增强",
            "增强前",
            "增強前",
            "非造影",
            "造影前",
            "造影なし",
            "비조영",
            "조영전",
            "平扫",
            "平掃",
        )
    )
)


def names_contrast_agent(said: str) -> bool:
    """Whether spaced text says that a contrast agent was given."""
    return bool(GIVEN_AGENT.search(DENIED_AGENT.sub(" ", said)))
