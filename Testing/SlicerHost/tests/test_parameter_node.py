"""Fields of a parameter node: typed, checked, and there again when a saved scene is opened."""

import contextlib
import enum
import pathlib
from typing import Annotated, Optional

import pytest

# Not a module's own name: parameter nodes of modules outlive the closing of a scene.
NAME = "Parameters of a test"


class Brain(enum.Enum):
    AUTO = "auto"
    HD_BET = "hd-bet"


@pytest.fixture
def wrapped(host, slicer):
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper

    @parameterNodeWrapper
    class PanelState:
        flair: slicer.vtkMRMLScalarVolumeNode
        t1: Optional[slicer.vtkMRMLScalarVolumeNode]  # noqa: UP045
        threshold: Annotated[float, WithinRange(0, 1)] = 0.5
        device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
        model: str = ""
        live: bool = True
        tries: int = 3
        brain: Brain = Brain.AUTO
        folder: pathlib.Path = pathlib.Path("a")
        rejected: Annotated[list[int], Default(generator=list)]
        notes: Annotated[dict[str, str], Default(generator=dict)]

    return PanelState


def new_node(slicer):
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", NAME)


def test_fields_start_with_their_defaults(slicer, wrapped):
    state = wrapped(new_node(slicer))
    assert (state.threshold, state.device, state.live, state.tries) == (0.5, "auto", True, 3)
    assert state.flair is None
    assert state.brain is Brain.AUTO
    assert list(state.rejected) == []


def test_values_that_are_there_win_over_defaults(slicer, wrapped):
    node = new_node(slicer)
    wrapped(node).threshold = 0.25
    assert wrapped(node).threshold == 0.25


def test_a_value_out_of_range_is_refused_and_changes_nothing(slicer, wrapped):
    state = wrapped(new_node(slicer))
    with pytest.raises(ValueError):  # noqa: PT011 - Slicer's own wrapper words it otherwise
        state.threshold = 1.5
    with pytest.raises(ValueError):  # noqa: PT011 - Slicer's own wrapper words it otherwise
        state.device = "cuda"
    assert (state.threshold, state.device) == (0.5, "auto")


def test_a_value_of_another_type_is_refused(slicer, wrapped):
    state = wrapped(new_node(slicer))
    for name, value in (("model", 3), ("tries", "3"), ("live", "yes"), ("flair", new_node(slicer))):
        with pytest.raises((TypeError, ValueError)):
            setattr(state, name, value)


def test_an_unknown_field_never_reaches_the_node(slicer, wrapped):
    node = new_node(slicer)
    # The stand-in refuses it; Slicer's own wrapper takes it as an ordinary attribute.
    with contextlib.suppress(AttributeError):
        wrapped(node).treshold = 0.3
    assert not node.HasParameter("treshold")
    assert not hasattr(wrapped(node), "treshold")


def test_a_list_changed_in_place_is_written_back(slicer, wrapped):
    node = new_node(slicer)
    wrapped(node).rejected.append(4)
    wrapped(node).notes["4"] = "vessel"
    assert list(wrapped(node).rejected) == [4]
    assert dict(wrapped(node).notes) == {"4": "vessel"}


def test_two_states_do_not_share_a_default(slicer, wrapped):
    first, second = wrapped(new_node(slicer)), wrapped(new_node(slicer))
    first.rejected.append(1)
    assert list(second.rejected) == []


def test_a_change_is_told_to_observers_of_the_node(slicer, wrapped):
    state, seen = wrapped(new_node(slicer)), []
    tag = state.AddObserver("ModifiedEvent", lambda *_: seen.append(1))
    state.threshold = 0.75
    state.RemoveObserver(tag)
    assert seen


def test_a_node_with_a_removed_reference_reads_none(slicer, wrapped):
    state = wrapped(new_node(slicer))
    state.flair = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    slicer.mrmlScene.RemoveNode(state.flair)
    assert state.flair is None


@pytest.mark.parametrize("extension", ["mrml", "mrb"])
def test_a_saved_scene_restores_every_field(slicer, wrapped, tmp_path, extension):
    import numpy as np

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair of Doe")
    slicer.util.updateVolumeFromArray(volume, np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    state = wrapped(new_node(slicer))
    state.flair, state.threshold, state.model, state.live = volume, 0.3, "starter & é", False
    state.brain, state.folder = Brain.HD_BET, pathlib.Path("b/c")
    state.rejected.extend([3, 5])
    state.notes["3"] = "vessel"
    path = tmp_path / f"scene.{extension}"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(False)
    assert slicer.mrmlScene.GetFirstNodeByName(NAME) is None
    slicer.util.loadScene(str(path))
    restored = wrapped(slicer.mrmlScene.GetFirstNodeByName(NAME))
    assert (restored.threshold, restored.model, restored.live) == (0.3, "starter & é", False)
    assert (restored.brain, restored.folder) == (Brain.HD_BET, pathlib.Path("b/c"))
    assert list(restored.rejected) == [3, 5]
    assert dict(restored.notes) == {"3": "vessel"}
    assert restored.flair.GetName() == "flair of Doe"
    if extension == "mrb":
        assert slicer.util.arrayFromVolume(restored.flair)[1, 2, 3] == 23


def test_a_pack_keeps_its_fields_under_its_own_name(slicer):
    from slicer.parameterNodeWrapper import parameterNodeWrapper, parameterPack

    @parameterPack
    class View:
        opacity: float = 0.5

    @parameterNodeWrapper
    class State:
        opacity: float = 1.0
        view: View

    node = new_node(slicer)
    State(node).view.opacity = 0.25
    assert State(node).getValue("view.opacity") == 0.25
    assert State(node).opacity == 1.0


def test_widgets_that_name_a_field_are_connected_with_it(slicer, qt, ctk, wrapped):
    state = wrapped(new_node(slicer))
    parent = qt.QWidget()
    slider, box = ctk.ctkSliderWidget(), qt.QCheckBox()
    slider.setParent(parent)
    box.setParent(parent)
    slider.maximum = 1.0
    slider.setProperty("SlicerParameterName", "threshold")
    box.setProperty("SlicerParameterName", "live")
    # Slicer's own gives no tag here, so that nothing can be disconnected that was connected this way.
    assert state.connectGui(parent) is None
    slider.value = 0.75
    box.click()
    assert (state.threshold, state.live) == (0.75, False)


def test_widgets_and_fields_follow_each_other_until_disconnected(slicer, qt, ctk, wrapped):
    state = wrapped(new_node(slicer))
    slider, box = ctk.ctkSliderWidget(), qt.QCheckBox()
    slider.maximum = 1.0
    tag = state.connectParametersToGui({"threshold": slider, "live": box})
    assert (slider.value, box.checked) == (0.5, True)
    slider.value = 0.75
    box.click()
    assert (state.threshold, state.live) == (0.75, False)
    state.threshold = 0.25
    assert slider.value == 0.25
    state.disconnectGui(tag)
    slider.value = 0.5
    assert state.threshold == 0.25


def test_the_parameter_node_of_a_logic_is_one_and_belongs_to_its_module(slicer):
    class WobbleLogic(slicer.ScriptedLoadableModule.ScriptedLoadableModuleLogic):
        pass

    node = WobbleLogic().getParameterNode()
    assert node is WobbleLogic().getParameterNode()
    assert node.GetSingletonTag() == "Wobble"
