"""The segment job says its warnings as events while it runs, in result.json and on top of the report."""

from __future__ import annotations

import json
import re

import pytest

from MSSoftSegLib.exam.image_file import write_image
from MSSoftSegLib.jobs.run import parse_job, run
from Testing.MSSoftSegLib.network.bundles import write_random_bundle
from Testing.MSSoftSegLib.quality.small_working import FLAIR, T1, T2, small_working


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    """Events and result folder of an exam whose T1 and T2 are swapped, given as preprocessed."""
    folder = tmp_path_factory.mktemp("Doe^Jane")
    write_random_bundle(folder / "little")
    images = small_working().images
    files = {}
    for slot, held in ((FLAIR, FLAIR), (T1, T2), (T2, T1)):
        files[slot.value] = str(folder / f"{slot.value}.nii.gz")
        write_image(images[held], folder / f"{slot.value}.nii.gz")
    spec = {
        "exam": files,
        "model": str(folder / "little"),
        "device": "cpu",
        "tta": "none",
        "preprocessed": True,
        "out": str(folder / "out"),
    }
    events = []
    outcome = run(parse_job({"job": "j", "kind": "segment", "spec": spec}), events.append)
    assert outcome.exit_code == 0, outcome.error
    return events, folder / "out"


def test_each_warning_is_an_event_before_inference_begins(swapped):
    events, _out = swapped
    kinds = [event.get("stage", event["event"]) for event in events]
    said = [i for i, e in enumerate(events) if e["event"] == "log" and "looks like" in e["message"]]
    assert [events[i]["level"] for i in said] == ["warning", "warning"]
    assert max(said) < kinds.index("inference")


def test_result_report_and_last_event_hold_the_same_warnings(swapped):
    events, out = swapped
    warnings = json.loads((out / "result.json").read_text())["warnings"]
    assert [text for text in warnings if "T1 slot looks like a T2" in text]
    assert [text for text in warnings if "T2 slot looks like a T1" in text]
    assert events[-1]["summary"]["warnings"] == warnings
    page = (out / "report.html").read_text(encoding="utf-8")
    listed = re.findall("<li>(.*?)</li>", page.split('<section class="warnings">')[1].split("</section>")[0])
    assert len(listed) == len(warnings)
    assert page.index('<section class="warnings">') < page.index("<h2>Overview</h2>")


def test_warnings_name_slots_and_neither_folder_nor_file(swapped):
    events, out = swapped
    texts = [*json.loads((out / "result.json").read_text())["warnings"], *(e.get("message", "") for e in events)]
    assert not [text for text in texts if "Doe" in text or ".nii" in text or str(out) in text]
