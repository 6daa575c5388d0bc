"""Spinal cord and optic nerve are entered in the panel, counted with the lesions in the mask, and kept with the scene."""

from __future__ import annotations

import json

from MSSoftSegLib.region.dissemination import STATEMENT
from MSSoftSegLib.stepwise import finish
from Testing.MSSoftSeg.stand_ins.made_results import flair_node


def add_memberships(folder) -> None:
    """Both lesions surely periventricular, as ``segment`` says it."""
    path = folder / "result.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    inside = {"periventricular": 1.0, "juxtacortical": 0.0, "infratentorial": 0.0}
    facts["regions"] = {"lesions": [{"id": number, "membership": inside} for number in (1, 2)]}
    path.write_text(json.dumps(facts), encoding="utf-8")


def test_what_is_entered_is_counted_beside_the_lesions_and_kept_with_the_exam(reader):
    reader.segment_made(flair_node())
    label = reader.ui("disseminationLabel")
    assert label.text == "", "a run that looked for no regions counts none"
    reader.start_run(flair_node("second", (-25.0, -15.0, -10.0)), "Bert")
    reader.worker.finish(spoil=add_memberships)
    reader.wait(lambda: reader.review.exam is not None)
    exam, cord, nerve = reader.review.exam, reader.ui("spinalCordCombo"), reader.ui("opticNerveCombo")
    assert STATEMENT in label.text
    assert [cord.itemText(n) for n in range(cord.count)] == ["not entered", "affected", "not affected"]
    assert "Definition of 2017 (Thompson et al.): probability 0.00 of at least 2 of 4 places" in label.text
    nerve.currentIndex = nerve.findData("affected")
    assert exam.opticNerve == "affected"
    assert "Definition of 2017 (Thompson et al.): probability 0.00 of at least 2 of 4 places" in label.text, (
        "2017 does not count the optic nerve"
    )
    assert "Definition of 2024 (Montalban et al.): probability 1.00 of at least 2 of 5 places" in label.text
    nerve.currentIndex = nerve.findData("not-affected")
    cord.currentIndex = cord.findData("affected")
    assert (exam.spinalCord, exam.opticNerve) == ("affected", "not-affected")
    assert label.text.count("1.00") == 2
    reader.review.close()
    assert label.text == ""
    finish(reader.review.resuming(exam))
    assert (cord.currentData, nerve.currentData) == ("affected", "not-affected")
    assert label.text.count("1.00") == 2
    reader.review.presenter.reject_all(below_mm3=1e6)
    assert label.text.count("0.00") == 2, "rejected lesions do not count"
