"""What `make lint` says of file lists and documents: nothing; and it would say what it should."""

from __future__ import annotations

import pytest

from Testing.house import documents
from Testing.house.documents import citation_findings, link_findings, numbered_sections, path_findings
from Testing.house.file_lists import file_list_findings
from Testing.house.pages import page
from Testing.house.text_files import ROOT, prose, text_files


@pytest.mark.parametrize("check", [file_list_findings, citation_findings, link_findings, path_findings])
def test_nothing_in_the_house_points_to_what_is_not_there(check):
    assert check() == []


def test_the_code_cites_the_methods_it_follows():
    citing = [path for path in text_files() if path.suffix == ".py" and "Docs/methods.md section" in prose(path)]
    assert len(citing) >= 20


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("(Docs/methods.md section 3)", None),
        ("Docs/methods.md sections 3 and 4, as ever", None),
        ("Docs/methods.md section 19", "Docs/methods.md has no section 19"),
        ("Docs/methods.md sections 1, 2 and 33", "Docs/methods.md has no section 33"),
        ("Docs/madness.md section 1", "there is no Docs/madness.md"),
        ("Docs/madness.md", "there is no Docs/madness.md"),
    ],
)
def test_a_citation_of_a_page_or_section_that_there_is_not_is_found(text, problem):
    assert list(documents.citation_problems(text)) == ([problem] if problem else [])


# In two parts, so that this file does not cite so itself.
@pytest.mark.parametrize("text", ["as METH" + "ODS 3 has it", "(CONT" + "RACT)", "see PUB" + "LISHED"])
def test_a_citation_in_another_form_is_found(text):
    assert len(list(documents.other_forms(text))) == 1


@pytest.fixture
def small_project(tmp_path, monkeypatch):
    """A project of two pages and a module, which the checks take for the whole."""
    (tmp_path / "Docs").mkdir()
    (tmp_path / "MSSoftSegLib").mkdir()
    (tmp_path / "Docs" / "there.md").write_text("# There\n\n## 1 One thing, and another\n", encoding="utf-8")
    written = tmp_path / "Docs" / "page.md"
    module = tmp_path / "MSSoftSegLib" / "module.py"
    module.write_text('"""Nothing."""\n', encoding="utf-8")
    monkeypatch.setattr(documents, "ROOT", tmp_path)
    monkeypatch.setattr(documents, "text_files", lambda: (written, module))
    monkeypatch.setattr(documents, "name", lambda path: path.name)
    prose.cache_clear()
    yield written, module
    prose.cache_clear()


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("[good](there.md) ![picture](https://example.org/a.png)", []),
        ("[good](there.md#1-one-thing-and-another)", []),
        ("[bad](theer.md)", ["page.md: the link to theer.md leads nowhere"]),
        ("![bad](pictures/a.png)", ["page.md: the link to pictures/a.png leads nowhere"]),
        ("[bad](there.md#one-thing)", ["page.md: there.md has no heading #one-thing"]),
        ("```\n[code](is not a link)\n```", []),
    ],
)
def test_a_link_that_leads_nowhere_is_found(small_project, text, findings):
    small_project[0].write_text(text, encoding="utf-8")
    assert link_findings() == findings


def test_a_path_that_is_not_there_any_more_is_found_in_pages_and_in_docstrings(small_project):
    written, module = small_project
    written.write_text(
        "`MSSoftSegLib/module.py`, `MSSoftSegLib/`, `MSSoftSegLib/*.py`; `MSSoftSegLib/gone.py`", encoding="utf-8"
    )
    module.write_text('"""As in MSSoftSegLib/module.py, not in\nattic/gone.py."""\n', encoding="utf-8")
    assert path_findings() == [
        "page.md: there is no MSSoftSegLib/gone.py",
        "module.py: there is no attic/gone.py",
    ]


def test_sections_are_numbered_from_one_without_a_gap():
    for name in ("methods.md", "contract.md", "published.md"):
        numbers = list(numbered_sections(page(name)))
        assert numbers == list(range(1, len(numbers) + 1)), name


def test_the_checks_read_all_of_the_project():
    read = {path.relative_to(ROOT).parts[0] for path in text_files()}
    assert {"Docs", "MSSoftSeg", "MSSoftSegLib", "Testing", "Benchmarks", "Resources", "README.md", "Makefile"} <= read
