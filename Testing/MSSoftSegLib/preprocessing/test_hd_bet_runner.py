"""The program that runs in HD-BET's environment: what it refuses, here with our own interpreter and torch."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from MSSoftSegLib.preprocessing.brain_extraction import hd_bet_runner
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet import RUNNER
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_process import RUNNER_PREFIX
from Testing.patience import HANGING_S

LOAD_RUNNER = f"""
import runpy, sys
runner = runpy.run_path({str(RUNNER)!r}, run_name="runner")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", *arguments], capture_output=True, text=True, check=False)


def test_runner_and_caller_agree_on_the_mark_of_a_line_for_the_user() -> None:
    assert hd_bet_runner.PREFIX == RUNNER_PREFIX


def test_the_runner_imports_nothing_of_ours() -> None:
    finished = run("-c", LOAD_RUNNER + "print(sorted(name for name in sys.modules if 'MSSoftSeg' in name))")
    assert finished.stdout == "[]\n"


def test_where_hd_bet_is_not_installed_the_check_fails_with_one_line() -> None:
    finished = run(str(RUNNER), "--check")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.strip().startswith("hd-bet: ModuleNotFoundError")


def test_the_options_of_a_run_are_all_needed() -> None:
    assert run(str(RUNNER), "--weights", "folder").returncode == 2


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(hd_bet_runner.Refused, match="no device cuda:97"):
        hd_bet_runner.require_device(torch, "cuda:97")
    with pytest.raises(hd_bet_runner.Refused, match="no device called abacus"):
        hd_bet_runner.require_device(torch, "abacus")
    assert hd_bet_runner.require_device(torch, "cpu") == torch.device("cpu")


def test_no_connection_leaves_the_runner() -> None:
    program = """
import socket, urllib.request
with socket.socket() as listening:
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    address = listening.getsockname()
    socket.create_connection(address).close()  # allowed so far
    runner["refuse_network"]()
    for attempt in (
        lambda: socket.create_connection(address),
        lambda: socket.socket().connect(address),
        lambda: urllib.request.urlopen("https://zenodo.org/records/14445620", timeout=5),
    ):
        try:
            attempt()
        except runner["Refused"] as error:
            print(error)
"""
    finished = run("-c", LOAD_RUNNER + program)
    assert finished.stdout == "a connection to the network was attempted and refused\n" * 3


def test_the_runner_ends_when_whoever_started_it_is_gone() -> None:
    program = LOAD_RUNNER + "runner['end_with_stdin']()\nimport time\nprint('up', flush=True)\ntime.sleep(86400)"
    process = subprocess.Popen([sys.executable, "-I", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    output = process.stdout
    assert output is not None
    try:
        assert process.stdin is not None
        assert output.readline() == b"up\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(timeout=HANGING_S) == 1
    finally:
        process.kill()
        process.wait()
        output.close()


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a checkpoint may be put; the torch.load that the runner replaces is put back afterwards."""
    monkeypatch.setattr(torch, "load", torch.load)
    return tmp_path / "checkpoint_final.pth"


def load_as_nnunet_does(checkpoint: Path, *, sha256: str) -> object:
    hd_bet_runner.load_only_checked_weights(torch, sha256=sha256)
    return torch.load(str(checkpoint), map_location=torch.device("cpu"), weights_only=False)


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_a_checkpoint_of_nnunet_holds_is_loaded(checkpoint: Path) -> None:
    content = {
        "network_weights": {"layer.weight": torch.arange(6.0).reshape(2, 3)},
        "logging": {"mean_fg_dice": [np.float64(0.25), np.float32(0.5)], "counts": np.arange(3)},
        "init_args": {"device": torch.device("cuda", 0), "fold": "all"},
        "grad_scaler_state": None,
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    torch.save(content, checkpoint)
    loaded = load_as_nnunet_does(checkpoint, sha256=sha256_of(checkpoint).upper())
    assert isinstance(loaded, dict)
    assert torch.equal(loaded["network_weights"]["layer.weight"], torch.arange(6.0).reshape(2, 3))
    assert loaded["logging"]["mean_fg_dice"] == [0.25, 0.5]
    assert loaded["logging"]["counts"].tolist() == [0, 1, 2]
    assert loaded["init_args"] == content["init_args"]


def test_a_file_that_was_swapped_after_the_check_is_not_loaded(checkpoint: Path) -> None:
    torch.save({"network_weights": {}}, checkpoint)
    accepted = sha256_of(checkpoint)
    torch.save({"network_weights": {"other": torch.zeros(1)}}, checkpoint)
    with pytest.raises(hd_bet_runner.Refused, match="not the one whose checksum was accepted"):
        load_as_nnunet_does(checkpoint, sha256=accepted)


def test_no_other_file_is_loaded_even_with_the_same_content(checkpoint: Path) -> None:
    torch.save({"network_weights": {}}, checkpoint)
    accepted = sha256_of(checkpoint)
    other = checkpoint.rename(checkpoint.with_name("checkpoint_best.pth"))
    with pytest.raises(hd_bet_runner.Refused):
        load_as_nnunet_does(other, sha256=accepted)


@pytest.mark.parametrize("version", ["2.5.1", "1.13.0+cpu", "2.5.1+cu121", "unknown"])
def test_a_torch_whose_unpickler_can_be_tricked_is_refused(
    monkeypatch: pytest.MonkeyPatch, checkpoint: Path, version: str
) -> None:
    torch.save({"network_weights": {}}, checkpoint)
    monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(hd_bet_runner.Refused, match="too old"):
        load_as_nnunet_does(checkpoint, sha256=sha256_of(checkpoint))


class LeavesATrace:
    """Unpickling this runs a command."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.trace),)


def test_code_in_an_accepted_checkpoint_is_not_run(checkpoint: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    torch.save({"network_weights": {}, "logging": LeavesATrace(trace)}, checkpoint)
    with pytest.raises(hd_bet_runner.Refused, match=r"\(posix\.mkdir\)|\(nt\.mkdir\)"):
        load_as_nnunet_does(checkpoint, sha256=sha256_of(checkpoint))
    assert not trace.exists()
    pickle.loads(pickle.dumps(LeavesATrace(trace)))  # what an unguarded loader would have done
    assert trace.exists()


def test_the_failure_of_a_run_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    finished = run(
        str(RUNNER),
        *("--weights", str(tmp_path), "--sha256", "00", "--image", "i.nii", "--mask", "m.nii"),
        *("--device", "cuda:97"),
    )
    assert finished.returncode == 1
    assert finished.stderr.strip() == "hd-bet: the torch of HD-BET's environment sees no device cuda:97"


def test_versions_are_printed_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(hd_bet_runner, "refuse_network", lambda: None)  # it would last beyond this test
    monkeypatch.setattr(hd_bet_runner, "list_installed_versions", lambda: {"hd-bet": "2.0.1"})
    assert hd_bet_runner.main(["--check"]) == 0
    assert json.loads(capsys.readouterr().out) == {"hd-bet": "2.0.1"}
