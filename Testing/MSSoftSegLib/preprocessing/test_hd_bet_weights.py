"""Which weights may be loaded: complete ones, whose checkpoint is the one that was used first, or is vouched for."""

import copy
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from MSSoftSegLib.errors import WeightsMissing
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import HdBetEnvironment
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_weights import (
    KNOWN_CHECKPOINT_SHA256,
    WeightsRefused,
    is_recorded,
    list_named_code,
    name_record_file,
    record_weights,
    require_weights,
)
from Testing.MSSoftSegLib.preprocessing.hd_bet_fakes import (
    CHECKPOINT,
    CHECKPOINT_SHA256,
    PLANS,
    fake_weights,
)


@pytest.fixture
def environment(tmp_path: Path) -> HdBetEnvironment:
    return HdBetEnvironment(tmp_path / "python", fake_weights(tmp_path / "patient-doe" / "weights"))


def test_missing_weights_name_the_files_the_command_and_the_way_without_a_network(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing) as raised:
        require_weights(HdBetEnvironment(tmp_path / "python", tmp_path / "nowhere"))
    assert "plans.json, dataset.json, fold_all/checkpoint_final.pth" in raised.value.message
    assert "`mssoftseg doctor --install-hd-bet`" in raised.value.remedy
    assert "release_v1.5.0.zip" in raised.value.remedy
    assert "mssoftseg/hd-bet/weights" in raised.value.remedy
    assert raised.value.code == "weights-missing"
    assert raised.value.exit_code == 3


def test_only_the_missing_file_is_named(environment: HdBetEnvironment) -> None:
    (environment.weights_folder / "dataset.json").unlink()
    with pytest.raises(WeightsMissing, match=r"not here: no dataset\.json —"):
        require_weights(environment)


def test_the_first_checkpoint_is_taken_and_no_other_after_it(environment: HdBetEnvironment) -> None:
    assert require_weights(environment) == CHECKPOINT_SHA256
    assert not is_recorded(environment.weights_folder), "looking is no use"
    record_weights(environment.weights_folder, CHECKPOINT_SHA256)
    assert require_weights(environment) == CHECKPOINT_SHA256
    (environment.weights_folder / "fold_all" / "checkpoint_final.pth").write_bytes(CHECKPOINT + b"!")
    with pytest.raises(WeightsRefused, match="was changed") as raised:
        require_weights(environment)
    assert CHECKPOINT_SHA256 in raised.value.message
    assert "delete weights.sha256" in raised.value.remedy
    assert "patient-doe" not in str(raised.value)
    assert raised.value.exit_code == 3
    name_record_file(environment.weights_folder).unlink()
    assert require_weights(environment) == hashlib.sha256(CHECKPOINT + b"!").hexdigest()


def test_a_record_outlives_the_folder_and_one_that_cannot_be_read_refuses(environment: HdBetEnvironment) -> None:
    record_weights(environment.weights_folder, CHECKPOINT_SHA256)
    shutil.rmtree(environment.weights_folder)
    fake_weights(environment.weights_folder)
    assert require_weights(environment) == CHECKPOINT_SHA256
    name_record_file(environment.weights_folder).write_bytes(b"\xff\xfe")
    with pytest.raises(WeightsRefused, match="nothing that can be read"):
        require_weights(environment)


def test_a_checksum_that_is_stated_counts_more_than_the_record(environment: HdBetEnvironment) -> None:
    record_weights(environment.weights_folder, "ab" * 32)
    assert require_weights(replace(environment, accepted_sha256=CHECKPOINT_SHA256)) == CHECKPOINT_SHA256


def test_a_known_checksum_is_accepted(environment: HdBetEnvironment) -> None:
    assert require_weights(environment, known={CHECKPOINT_SHA256}) == CHECKPOINT_SHA256


@pytest.mark.parametrize("stated", [CHECKPOINT_SHA256, CHECKPOINT_SHA256.upper()])
def test_the_checksum_that_the_user_states_is_accepted(environment: HdBetEnvironment, stated: str) -> None:
    assert require_weights(replace(environment, accepted_sha256=stated)) == CHECKPOINT_SHA256


def test_another_checksum_than_the_stated_one_is_refused_naming_both(environment: HdBetEnvironment) -> None:
    stated = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(WeightsRefused) as raised:
        require_weights(replace(environment, accepted_sha256=stated))
    assert stated in raised.value.message
    assert CHECKPOINT_SHA256 in raised.value.message


def test_one_changed_bit_is_refused(environment: HdBetEnvironment) -> None:
    checkpoint = environment.weights_folder / "fold_all" / "checkpoint_final.pth"
    record_weights(environment.weights_folder, CHECKPOINT_SHA256)
    checkpoint.write_bytes(bytes([CHECKPOINT[0] ^ 1]) + CHECKPOINT[1:])
    with pytest.raises(WeightsRefused):
        require_weights(environment, known={CHECKPOINT_SHA256})


@pytest.mark.parametrize("stated", ["yes", CHECKPOINT_SHA256[:-1], CHECKPOINT_SHA256 + "0", "*"])
def test_what_is_no_checksum_accepts_nothing(environment: HdBetEnvironment, stated: str) -> None:
    with pytest.raises(WeightsRefused, match="64 hexadecimal digits"):
        require_weights(replace(environment, accepted_sha256=stated))


def test_every_known_checksum_has_the_form_of_one() -> None:
    assert all(len(known) == 64 and int(known, 16) >= 0 for known in KNOWN_CHECKPOINT_SHA256)


def test_plans_name_the_network_and_what_it_is_built_from() -> None:
    assert list_named_code(PLANS) == [
        "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "torch.nn.modules.conv.Conv3d",
    ]


def with_architecture(weights: Path, **changed: object) -> None:
    plans: dict[str, Any] = copy.deepcopy(PLANS)
    plans["configurations"]["3d_fullres"]["architecture"].update(changed)
    (weights / "plans.json").write_text(json.dumps(plans))


@pytest.mark.parametrize(
    "changed",
    [
        {"network_class_name": "subprocess.Popen"},
        {"network_class_name": "torch.nnet.Evil"},
        {"arch_kwargs": {"conv_op": "os.system", "dropout_op": None}},
    ],
)
def test_plans_that_name_foreign_code_are_refused_even_with_the_right_checkpoint(
    environment: HdBetEnvironment, changed: dict[str, Any]
) -> None:
    with_architecture(environment.weights_folder, **changed)
    with pytest.raises(WeightsRefused, match="foreign code"):
        require_weights(environment, known={CHECKPOINT_SHA256})


def test_older_plans_that_name_no_class_are_accepted(environment: HdBetEnvironment) -> None:
    older = {"configurations": {"3d_fullres": {"UNet_class_name": "PlainConvUNet"}}}
    (environment.weights_folder / "plans.json").write_text(json.dumps(older))
    assert require_weights(environment, known={CHECKPOINT_SHA256}) == CHECKPOINT_SHA256


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"configurations": {"a": {"architecture": {}}}}'])
def test_plans_that_cannot_be_read_are_refused(environment: HdBetEnvironment, text: str) -> None:
    (environment.weights_folder / "plans.json").write_text(text)
    with pytest.raises(WeightsRefused, match=r"plans\.json cannot be read"):
        require_weights(environment, known={CHECKPOINT_SHA256})
