"""What is left of a run whose standard error goes into a file: a line per stage, and everything that the job said."""

from __future__ import annotations

from MSSoftSegLib.cli.display import show_events


def test_a_run_that_is_piped_leaves_a_line_per_stage_and_what_was_said(capsys):
    with show_events(json_events=False) as show:
        for stage, overall in (("alignment", 0.0), ("alignment", 0.2), ("inference", 0.5), ("inference", 0.9)):
            show({"event": "progress", "stage": stage, "fraction": 0.0, "overall": overall, "message": ""})
        show({"event": "log", "level": "warning", "message": "T1 is [missing]"})
        show({"event": "progress", "stage": "report", "fraction": 0.0, "overall": 0.99, "message": ""})
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert [line.split()[-1] for line in lines] == ["alignment", "inference", "[missing]", "report"]
    assert "50%" in lines[1]
    assert lines[2] == "warning: T1 is [missing]"
    assert "\x1b" not in told.err, "no colors in a file"
