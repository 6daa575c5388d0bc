"""The panel on a small screen: nothing is wider than its dock, and what is folded takes the height of its head."""

from __future__ import annotations

SECTIONS = ("exam", "segment", "review", "edit", "prior", "softLabel", "library", "train", "environment")
PAGES = SECTIONS[4:]
# Of 1366 pixels Slicer's views keep about two thirds; the dock's scroll bar and margins take some of the rest.
WIDEST_PX = 385
HEAD_PX = 40


def test_no_section_is_wider_than_the_dock_on_a_screen_of_1366_pixels_and_folded_it_is_its_head(reader):
    from Testing.SlicerHost.pythonqt import unwrap

    sections = {name: reader.ui(f"{name}Section") for name in SECTIONS}
    wide, high = {}, {}
    for name, section in sections.items():
        for other in sections.values():
            other.collapsed = True
        section.collapsed = False
        reader.host.process_events()
        assert [each for each in SECTIONS if not sections[each].collapsed] == [name]
        wide[name] = unwrap(section).minimumSizeHint().width()
        high |= {each: unwrap(other).sizeHint().height() for each, other in sections.items() if each != name}
    assert {name: width for name, width in wide.items() if width > WIDEST_PX} == {}
    assert {name: height for name, height in high.items() if height > HEAD_PX} == {}


def test_what_is_shown_at_times_only_is_not_wider_than_the_dock_either(reader):
    """Questions, messages and bars that wait for their moment: a scroll bar that comes with them is as bad."""
    from PySide6 import QtWidgets

    from Testing.SlicerHost.pythonqt import unwrap

    wide = {}
    for name in SECTIONS:
        section = reader.ui(f"{name}Section")
        section.collapsed = False
        for widget in unwrap(section).findChildren(QtWidgets.QWidget):
            # Qt's own parts of a widget are its business.
            if widget.objectName() and not widget.objectName().startswith("qt_"):
                widget.setVisible(True)
        reader.host.process_events()
        wide[name] = unwrap(section).minimumSizeHint().width()
        section.collapsed = True
    assert {name: width for name, width in wide.items() if width > WIDEST_PX} == {}


def test_opening_a_page_folds_the_one_before_and_leaves_the_review_open(reader):
    for name in PAGES:
        reader.ui(f"{name}Section").collapsed = False
        assert [each for each in PAGES if not reader.ui(f"{each}Section").collapsed] == [name]
    assert not reader.ui("reviewSection").collapsed


def test_an_empty_field_for_python_says_whose_is_used(reader):
    edit = reader.ui("pythonEdit")
    assert edit.currentPath == ""
    assert edit.comboBox().lineEdit().placeholderText == "Slicer’s own"
