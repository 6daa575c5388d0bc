"""Two people under one name save the same case again and again: no mask is lost, and no conflict goes untold.

Twelve saves in ``make test``, a hundred by each in ``make campaigns``.
"""

from __future__ import annotations

import collections
import json
import multiprocessing
import random
import time

import numpy as np

from MSSoftSegLib.exam.image_file import compute_sha256
from MSSoftSegLib.library.check import check_library
from MSSoftSegLib.library.layout import CaseId, resolve_inside
from MSSoftSegLib.library.reading import read_case
from Testing.campaigns.record import CAMPAIGN, record
from Testing.MSSoftSegLib.library.made_cases import array, gray, labels, written
from Testing.MSSoftSegLib.library.saves import opened, save
from Testing.patience import HANGING_S

FORK = multiprocessing.get_context("fork")
SAVES = 100 if CAMPAIGN else 6
CASE = CaseId("1")


def numbered_mask(number):
    """A mask that says which one it is, in its voxels."""
    image = labels() * 0
    for bit in range(10):
        image[bit % 7, bit // 7, 0] = number >> bit & 1
    return image


def number_of(path):
    values = array(path)
    return sum(int(values[0, bit // 7, bit % 7]) << bit for bit in range(10))


def drawing(person, library, folder, *, together):
    """Open, draw, save; sometimes going on from what was saved before. Every answer is noted."""
    rng = random.Random(person)
    flair = written(gray(), folder / f"flair{person}.nii.gz")
    answers, mine = [], None
    together.wait(HANGING_S)
    for number in range(SAVES):
        known = mine
        if mine is None or rng.random() < 0.6:
            there = opened(library)["raters"] if answers else {}
            known = there["anna"]["sha256"] if "anna" in there else None
        time.sleep(rng.uniform(0, 0.02))
        mask = written(numbered_mask(1 + 2 * number + person), folder / f"mask{person}-{number}.nii.gz")
        summary = save(library, mask, images={"flair": flair}, based_on=known, notes=f"by {person}")
        answers.append({"drawn": 1 + 2 * number + person, "based_on": known, **summary})
        mine = summary["sha256"]
    (folder / f"answers{person}.json").write_text(json.dumps(answers))


def test_two_people_saving_one_case_as_one_rater_lose_nothing_and_are_told_of_every_conflict(tmp_path):
    library, together = tmp_path / "library", FORK.Event()
    people = [
        FORK.Process(target=drawing, args=(person, library, tmp_path), kwargs={"together": together})
        for person in (0, 1)
    ]
    for process in people:
        process.start()
    together.set()
    for process in people:
        process.join(HANGING_S)
    assert [process.exitcode for process in people] == [0, 0]
    answers = [each for person in (0, 1) for each in json.loads((tmp_path / f"answers{person}.json").read_text())]
    case_record = read_case(library, CASE)
    chains = collections.defaultdict(dict)
    for mask in case_record.earlier:
        chains[mask.rater][mask.version] = resolve_inside(library, CASE.earlier_mask(mask.rater, mask.version))
    for rater, entry in case_record.raters.items():
        chains[rater][entry.version] = resolve_inside(library, CASE.rater_mask(rater))
    # Every mask that anybody saved is there, under the name and version that she was told.
    lost = set(range(1, 2 * SAVES + 1)) - {number_of(path) for chain in chains.values() for path in chain.values()}
    assert lost == set()
    for answer in answers:
        path = chains[answer["rater"]][int(answer["version"])]
        assert number_of(path) == answer["drawn"]
        assert compute_sha256(path) == answer["sha256"]
        if int(answer["version"]) > 1:
            # Whoever replaced a mask had seen it: nobody was overwritten unawares.
            assert compute_sha256(chains[answer["rater"]][int(answer["version"]) - 1]) == answer["based_on"]
        # And whoever could not have the name was told so.
        took_a_new_name = answer["rater"] != "anna" and answer["version"] == "1"
        assert answer["conflict"] == took_a_new_name
        assert ("kept as " + answer["rater"] in answer["message"]) == answer["conflict"]
    assert check_library(library) == []
    conflicts = sum(answer["conflict"] for answer in answers)
    assert len(case_record.raters) == 1 + conflicts
    assert np.all([len(chain) == max(chain) for chain in chains.values()])
    record("one case saved by two processes", {"saves": len(answers), "conflicts told": conflicts, "lost": len(lost)})
