"""Where HD-BET is looked for."""

from pathlib import Path

import platformdirs
import pytest

from MSSoftSegLib.errors import PackageMissing
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import (
    HdBetEnvironment,
    find_configured_hd_bet,
    name_interpreter,
    require_interpreter,
)


def test_by_default_everything_lies_in_the_users_data_folder_and_not_in_the_home() -> None:
    environment = find_configured_hd_bet({})
    hd_bet = platformdirs.user_data_path("mssoftseg") / "hd-bet"
    assert hd_bet / "environment" in environment.interpreter.parents
    assert environment.weights_folder == hd_bet / "weights"
    assert environment.completion_marker == hd_bet / "environment" / "mssoftseg-hd-bet.json"
    assert environment.accepted_sha256 is None


def test_variables_name_another_interpreter_other_weights_and_a_checksum(tmp_path: Path) -> None:
    environment = find_configured_hd_bet(
        {
            "MSSOFTSEG_HD_BET_PYTHON": str(tmp_path / "python"),
            "MSSOFTSEG_HD_BET_WEIGHTS": "~/weights",
            "MSSOFTSEG_HD_BET_SHA256": "ab" * 32,
        }
    )
    assert environment == HdBetEnvironment(tmp_path / "python", Path.home() / "weights", None, "ab" * 32)


def test_an_interpreter_that_is_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "real-python"
    real.write_text("")
    link = tmp_path / "environment" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    environment = find_configured_hd_bet({"MSSOFTSEG_HD_BET_PYTHON": str(link)})
    assert require_interpreter(environment) == link


def test_an_environment_without_its_marker_counts_as_absent(tmp_path: Path) -> None:
    interpreter = name_interpreter(tmp_path)
    interpreter.parent.mkdir()
    interpreter.write_text("")
    marker = tmp_path / "mssoftseg-hd-bet.json"
    environment = HdBetEnvironment(interpreter, tmp_path / "weights", marker)
    with pytest.raises(PackageMissing, match="was not installed completely"):
        require_interpreter(environment)
    marker.write_text("{}")
    assert require_interpreter(environment) == interpreter


def test_a_variable_that_names_no_file_is_named_in_the_error(tmp_path: Path) -> None:
    environment = find_configured_hd_bet({"MSSOFTSEG_HD_BET_PYTHON": str(tmp_path / "patient-doe" / "python3")})
    with pytest.raises(PackageMissing, match="MSSOFTSEG_HD_BET_PYTHON") as raised:
        require_interpreter(environment)
    assert "python3" in raised.value.message
    assert "patient-doe" not in str(raised.value)


def test_the_interpreter_of_an_environment_has_its_place_on_each_system(tmp_path: Path) -> None:
    assert name_interpreter(tmp_path, windows=False) == tmp_path / "bin" / "python"
    assert name_interpreter(tmp_path, windows=True) == tmp_path / "Scripts" / "python.exe"
