"""Slicer's Python modules: the stand-ins have its names and signatures, record, and install nothing."""

from __future__ import annotations

import inspect
import os

import pytest

from Testing.SlicerHost import api

STAND_INS = ("i18n", "packaging")


def without_annotations(function):
    return str(inspect.signature(function)).split(" ->")[0]


@pytest.mark.parametrize("name", STAND_INS)
def test_functions_have_slicers_names_and_signatures(host, slicer, name):
    facts = api.python_modules()[f"slicer.{name}"]["functions"]
    if not hasattr(slicer, name) and os.environ.get("SLICER_BASE_PYTHON"):
        pytest.skip(f"the Slicer that is named has no slicer.{name}")
    module = getattr(slicer, name)
    own = {
        n: f
        for n, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and n[0] != "_"
    }
    own = own or {n: getattr(module, n) for n in facts}
    assert set(own) == set(facts)
    for known, signature in facts.items():
        assert without_annotations(own[known]) == signature, known


def test_base_classes_have_slicers_methods_and_signatures(slicer):
    facts = api.python_modules()["slicer.ScriptedLoadableModule"]["classes"]
    for name, fact in facts.items():
        cls = getattr(slicer.ScriptedLoadableModule, name)
        for method, signature in fact["methods"].items():
            own = str(inspect.signature(getattr(cls, method))).replace("(self, ", "(").replace("(self)", "()")
            assert own == signature, f"{name}.{method}"
        invented = {n for n in vars(cls) if not n.startswith("_")} - set(fact["methods"]) - set(fact["attributes"])
        assert invented == set(), name


def test_the_wrapper_module_offers_only_what_slicers_does(slicer):
    facts = set(api.python_modules()["slicer.parameterNodeWrapper"]["public_names"])
    assert (
        set(slicer.parameterNodeWrapper.__all__) - facts == set()
        if hasattr(slicer.parameterNodeWrapper, "__all__")
        else True
    )


@pytest.mark.parametrize("name", ["WithinRange", "Minimum", "Maximum", "Choice", "Exclude", "IsInstance"])
def test_validators_take_slicers_arguments(slicer, name):
    signature = api.python_modules()["slicer.parameterNodeWrapper.validators"]["classes"][name]["methods"]["__init__"]
    assert str(inspect.signature(getattr(slicer.parameterNodeWrapper, name))) == signature


def test_a_string_comes_back_untranslated(slicer):
    from slicer.i18n import tr

    assert tr("Threshold:") == "Threshold:"


@pytest.fixture
def packaging(slicer):
    """The stand-in that records."""
    if os.environ.get("SLICER_BASE_PYTHON"):
        pytest.skip("Slicer's own packaging would install")
    requested = slicer.packaging.REQUESTED
    requested.__init__()
    yield slicer.packaging
    requested.__init__()


def test_a_request_is_recorded_and_nothing_is_installed(packaging, monkeypatch):
    import subprocess

    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("something was run"))
    packaging.pip_ensure(["monai>=1.5"], requester="MSSoftSeg")
    assert packaging.REQUESTED.ensured == [(["monai>=1.5"], "MSSoftSeg")]
    assert packaging.pip_check("monai>=1.5")
    assert not packaging.pip_check("lightning")


def test_a_user_who_says_no_gets_nothing(packaging):
    packaging.REQUESTED.user_agrees = False
    with pytest.raises(RuntimeError, match="agree"):
        packaging.pip_ensure("monai")
    assert not packaging.pip_check("monai")


def test_requirements_are_read_without_comments(packaging, tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("# for inference\n--extra-index-url x\nmonai>=1.5\n\nscipy\n")
    assert [str(each) for each in packaging.load_requirements(path)] == ["monai>=1.5", "scipy"]
    path.write_text("monai>=1.5  # networks\n")
    with pytest.raises(ValueError, match="monai"):
        packaging.load_requirements(path)
