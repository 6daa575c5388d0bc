"""The recipes that ship: valid, as published, and twins that differ in the named things only."""

import tomllib

import pytest

from MSSoftSegLib.errors import BadRecipe, RequestError
from MSSoftSegLib.training import recipe as recipes
from MSSoftSegLib.training.recipe import find_recipe, find_recipes_folder, list_recipe_names, parse_recipe
from MSSoftSegLib.training.recipe_text import differences, make_document, render_toml

# From the publications (Docs/published.md), not from our files.
PUBLISHED = {
    "kats2019": {
        "labels.method": "kats",
        "labels.size_percent": 120.0,
        "labels.gamma": 0.3,
        "data.raters": "first",
        "data.validation": 0.2,
        "network.kind": "unet-2d",
        "network.widths": [32, 64, 128, 256],
        "network.norm": "none",
        "activation.name": "sigmoid",
        "sampling.mode": "slice",
        "sampling.lesion_share": 1.0,
        "augmentation.rotation_deg": 5.0,
        "training.models": 5,
        "postprocessing.drop_up_to_mm3": 18.0,
        "postprocessing.threshold": None,
        "loss": ["soft-dice"],
    },
    "softseg2020": {
        "labels.binarize": False,
        "activation.name": "normalized-relu",
        "loss": ["adaptive-wing"],
    },
    "groza2020": {
        "network.kind": "linknet-2d",
        "network.layers": [3, 4, 6, 3],
        "augmentation.quarter_turns": True,
        "training.phases.0.epochs": 100,
        "training.phases.0.optimizer": "adam",
        "training.phases.0.rate": 1e-4,
        "training.phases.0.schedule": "plateau",
        "training.phases.1.epochs": 20,
        "training.phases.1.optimizer": "sgd",
        "training.phases.1.schedule": "cyclic",
        "training.phases.1.lowest_rate": 5e-7,
        "training.phases.1.rate": 1e-3,
    },
    "barilan-sl": {
        "labels.merge": "soft-union",
        "labels.method": "barilan",
        "labels.radius_mm": 1.0,
        "labels.gamma": 0.5,
        "data.raters": "all",
        "network.kind": "dynunet",
        "network.filters": [32, 64, 128, 256, 320, 320],
        "network.deep_supervision": True,
        "sampling.size": [128, 128, 128],
        "sampling.batch": 2,
        "training.phases.0.epochs": 50,
        "training.phases.0.rate": 3e-3,
        "training.steps_per_epoch": 250,
        "postprocessing.tta": "flips8",
    },
    "barilan-ssl": {
        "pseudo_labels.mode": "binary+soft",
        "pseudo_labels.alpha": 0.3,
        "pseudo_labels.vpt": 0.3,
        "pseudo_labels.vpt_on": "omega*probability",
        "pseudo_labels.tst": 100.0,
        "pseudo_labels.radius_mm": 1.0,
        "pseudo_labels.gamma": 0.5,
    },
    "mssoftseg": {
        "labels.merge": "soft-union",
        "labels.method": "voxelwise",
        "network.kind": "lesion-unet",
        "loss": ["dice-semimetric", "soft-bce"],
        "postprocessing.calibrate": True,
    },
}
# Twin → the recipe that it belongs to, and all that may differ.
TWINS = {
    "kats2019-binary": ("kats2019", {"labels.method": "none"}),
    "softseg2020-binary": (
        "softseg2020",
        {"labels.binarize": True, "activation.name": "sigmoid", "loss.0.name": "soft-dice"},
    ),
    "softseg2020-without-soft-labels": ("softseg2020", {"labels.binarize": True}),
    "softseg2020-without-normalized-relu": ("softseg2020", {"activation.name": "sigmoid"}),
    "softseg2020-without-adaptive-wing": ("softseg2020", {"loss.0.name": "soft-dice"}),
    "groza2020-binary": ("groza2020", {"labels.method": "none"}),
    "groza2020-spleen-binary": ("groza2020-spleen", {"labels.method": "none", "labels.binarize": True}),
    "barilan-intersection": ("barilan-sl", {"labels.merge": "intersection", "labels.method": "none"}),
    "barilan-union": ("barilan-sl", {"labels.merge": "union", "labels.method": "none"}),
    "barilan-intersection-soft": ("barilan-sl", {"labels.merge": "intersection"}),
    "barilan-union-soft": ("barilan-sl", {"labels.merge": "union"}),
}


def value_at(recipe, key):
    if key == "loss":
        return [term["name"] for term in make_document(recipe)["loss"]]
    value = make_document(recipe)
    for part in key.split("."):
        value = value[int(part)] if isinstance(value, list) else value.get(part)
    return value


@pytest.mark.parametrize("name", list_recipe_names())
def test_every_recipe_that_ships_is_valid_named_as_its_file_and_says_what_was_chosen(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.title
    assert recipe.source
    assert recipe.notes


def test_the_recipes_of_the_four_publications_and_ours_ship():
    ours = {"barilan-sl-small", "groza2020-spleen", "mssoftseg-adapt", "mssoftseg-fullres", "mssoftseg-synthetic"}
    assert set(PUBLISHED) | set(TWINS) | ours == set(list_recipe_names())


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, values in PUBLISHED.items() for key in values])
def test_a_recipe_has_the_published_value(name, key):
    assert value_at(find_recipe(name), key) == PUBLISHED[name][key]


def test_kats_takes_proton_density_where_there_is_one():
    inputs = {entry.modality.value: entry.required for entry in find_recipe("kats2019").data.inputs}
    assert inputs == {"flair": True, "t1": True, "t2": True, "pd": False}


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_differs_from_its_recipe_in_exactly_the_named_things(twin):
    base, named = TWINS[twin]
    found = differences(find_recipe(base), find_recipe(twin))
    assert {each.key: each.second for each in found} == named
    assert all(each.first != each.second for each in found)


def test_the_semi_supervised_recipe_adds_pseudo_labels_and_nothing_else():
    found = differences(find_recipe("barilan-sl"), find_recipe("barilan-ssl"))
    assert found
    assert all(each.key.startswith("pseudo_labels.") and each.first is None for each in found)


def test_the_small_preset_differs_in_size_only():
    keys = {each.key for each in differences(find_recipe("barilan-sl"), find_recipe("barilan-sl-small"))}
    assert keys == {"network.filters", "sampling.size", "training.steps_per_epoch", "training.phases.0.epochs"}


def test_grozas_spleen_differs_from_the_brain_in_what_a_ct_asks_for_only():
    spleen = find_recipe("groza2020-spleen")
    assert [(entry.modality.value, entry.required) for entry in spleen.data.inputs] == [("flair", True)]
    keys = {each.key for each in differences(find_recipe("groza2020"), spleen)}
    assert {key for key in keys if not key.startswith("data.inputs.")} == {"data.spacing_mm", "labels.sigma_mm"}


@pytest.mark.parametrize("name", list_recipe_names())
def test_what_is_shown_reads_back_as_the_same_recipe(name):
    recipe = find_recipe(name)
    assert parse_recipe(tomllib.loads(render_toml(recipe)), file_name="shown.toml") == recipe


def test_a_recipe_is_the_same_as_itself():
    assert differences(find_recipe("mssoftseg"), find_recipe("mssoftseg")) == []


@pytest.fixture
def own_file(tmp_path):
    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("[labels]\nradius = 2", r"labels\.radius"),
        ("[training]\nseed = -1", r"training\.seed"),
        ("[training]\nphases = [{ epochs = 1, rate = inf }]", r"training\.phases\.0\.rate"),
        ('loss = [{ name = "soft-dice", weight = inf }]', r"loss\.0\.weight"),
        ("[network]\nfilters = [8]", r"network\.filters"),
        ("[network]\nkind = 'resnet'", "network"),
        ("[training]\nspeed = 3", r"training\.speed"),
        ("[[loss]]\nname = 'hinge'", r"loss\.0\.name"),
        ("[sampling]\nmode = 'slice'\nsize = [64, 64]", "slice"),
        ("colour = 'red'", "colour"),
    ],
)
def test_what_does_not_hold_is_refused_with_key_and_file_name_but_no_path(own_file, tmp_path, change, named):
    path = own_file(f"extends = 'barilan-sl'\nname = 'mine'\n{change}\n")
    with pytest.raises(BadRecipe, match=named) as caught:
        find_recipe(path)
    assert "mine.toml" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.exit_code == 2


def test_patches_that_the_lesion_unet_cannot_halve_are_refused(own_file):
    path = own_file("extends = 'mssoftseg'\n[sampling]\nsize = [96, 100, 96]\n")
    with pytest.raises(BadRecipe, match="multiples of 16"):
        find_recipe(path)


def test_an_unknown_base_is_refused_with_those_that_are_known(own_file):
    with pytest.raises(BadRecipe, match=r"mine\.toml: extends: 'nobody2021'.*kats2019"):
        find_recipe(own_file("extends = 'nobody2021'\n"))


def test_recipes_that_extend_each_other_are_refused(tmp_path, monkeypatch):
    shipped = (find_recipes_folder() / "mssoftseg.toml").read_text()
    (tmp_path / "one.toml").write_text("extends = 'two'\n")
    (tmp_path / "two.toml").write_text("extends = 'one'\n")
    (tmp_path / "self.toml").write_text("extends = 'self'\n")
    (tmp_path / "whole.toml").write_text(shipped)
    (tmp_path / "child.toml").write_text("extends = 'whole'\nname = 'child'\n")
    (tmp_path / "grandchild.toml").write_text("extends = 'child'\nname = 'grandchild'\n")
    monkeypatch.setattr(recipes, "find_recipes_folder", lambda: tmp_path)
    for name in ("one", "two", "self"):
        with pytest.raises(BadRecipe, match="extends"):
            find_recipe(name)
    assert find_recipe("grandchild").name == "grandchild"


def test_a_change_of_network_kind_replaces_the_network_and_keeps_the_rest(own_file):
    changed = find_recipe(own_file("extends = 'kats2019'\n[network]\nkind = 'linknet-2d'\n"))
    keys = {each.key.split(".")[0] for each in differences(find_recipe("kats2019"), changed)}
    assert keys == {"network"}


@pytest.mark.parametrize("text", ["name = ", b"\xff\xfe".decode("latin-1") + "="])
def test_a_file_that_is_not_toml_is_refused(own_file, text):
    with pytest.raises(BadRecipe, match=r"mine\.toml is not TOML"):
        find_recipe(own_file(text))


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(RequestError, match=r"kats2020.*barilan-sl"):
        find_recipe("kats2020")
