"""Bundles: read, checked, refused by the name of what does not hold."""

import json

import pytest
import torch

from MSSoftSegLib.errors import BadBundle, RequestError
from MSSoftSegLib.network.bundle import read_bundle, verify
from MSSoftSegLib.network.catalog import find_bundle
from MSSoftSegLib.network.weights import load_networks
from Testing.MSSoftSegLib.network.bundles import write_random_bundle


@pytest.fixture
def folder(tmp_path):
    return write_random_bundle(tmp_path / "little")


def edit(folder, change):
    path = folder / "model.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_written_bundle_comes_back_with_its_weights(folder):
    bundle = read_bundle(folder)
    (network,) = load_networks(bundle)
    assert not network.training
    assert all(p.dtype is torch.float32 for p in network.parameters())
    assert bundle.description.name == "little"


def test_two_folds_are_two_networks(tmp_path):
    bundle = read_bundle(write_random_bundle(tmp_path / "pair", folds=2))
    first, second = load_networks(bundle)
    assert not torch.equal(first.head.weight, second.head.weight)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.update(threshold=1.5), "threshold"),
        (lambda d: d.update(extra=1), "extra"),
        (lambda d: d.pop("licence"), "licence"),
        (lambda d: d["network"].update(widths=[8]), "network.widths"),
        (lambda d: d["files"][0].update(name="../weights.safetensors"), "files.0.name"),
        (lambda d: d.update(schema_version=2), "schema_version"),
        (lambda d: d["calibration"].update(temperature=0), "calibration.temperature"),
        (lambda d: d.update(name="../../evil"), "name"),
    ],
)
def test_a_field_that_does_not_hold_is_refused_by_name(folder, change, named):
    edit(folder, change)
    with pytest.raises(BadBundle, match=named.replace(".", r"\.")) as caught:
        read_bundle(folder)
    assert caught.value.exit_code == 2
    assert str(folder.parent) not in str(caught.value)


def test_one_flipped_bit_in_the_weights_is_refused(folder):
    path = folder / "weights.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BadBundle, match=r"checksum of weights\.safetensors"):
        load_networks(read_bundle(folder))


def test_missing_weights_card_or_description_are_named(folder):
    (folder / "weights.safetensors").unlink()
    with pytest.raises(BadBundle, match=r"weights\.safetensors is missing"):
        verify(read_bundle(folder))
    (folder / "card.md").unlink()
    with pytest.raises(BadBundle, match=r"no card\.md"):
        read_bundle(folder)
    (folder / "model.json").unlink()
    with pytest.raises(BadBundle, match="not a model bundle"):
        read_bundle(folder)


def test_weights_of_another_shape_are_refused_although_their_checksum_holds(folder, tmp_path):
    import hashlib

    other = write_random_bundle(tmp_path / "other", widths=(4, 8))
    raw = (other / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(raw)
    edit(folder, lambda d: d["files"][0].update(sha256=hashlib.sha256(raw).hexdigest()))
    with pytest.raises(BadBundle, match="does not fit the network"):
        load_networks(read_bundle(folder))


def test_a_pickle_in_the_place_of_weights_is_never_unpickled(folder):
    import hashlib
    import pickle

    class Bomb:
        def __reduce__(self):
            return (exec, ("raise SystemExit('unpickled')",))

    raw = pickle.dumps(Bomb())
    (folder / "weights.safetensors").write_bytes(raw)
    edit(folder, lambda d: d["files"][0].update(sha256=hashlib.sha256(raw).hexdigest()))
    with pytest.raises(BadBundle):
        load_networks(read_bundle(folder))


def test_an_unknown_model_is_refused_with_the_names_that_are_known(monkeypatch, tmp_path):
    write_random_bundle(tmp_path / "models" / "mine")
    monkeypatch.setenv("MSSOFTSEG_MODELS", str(tmp_path / "models"))
    assert find_bundle("mine").description.name == "mine"
    with pytest.raises(RequestError, match="mine") as caught:
        find_bundle("yours")
    assert caught.value.exit_code == 2
