"""Stand-ins for HD-BET's interpreter and weights, for everything that does not need the real ones."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_environment import HdBetEnvironment
from MSSoftSegLib.preprocessing.brain_extraction.hd_bet_weights import CHECKPOINT_FILE

PLANS = {
    "configurations": {
        "3d_fullres": {
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                "arch_kwargs": {"conv_op": "torch.nn.modules.conv.Conv3d", "dropout_op": None},
                "_kw_requires_import": ["conv_op", "dropout_op"],
            }
        }
    }
}
CHECKPOINT = b"stands for a checkpoint"
CHECKPOINT_SHA256 = hashlib.sha256(CHECKPOINT).hexdigest()

# Where the programs below find what they were asked for.
READ_OPTIONS = "import sys\noption = dict(zip(sys.argv, sys.argv[1:]))\n"


def fake_interpreter(path: Path, body: str) -> Path:
    """A program that does what body says, whatever script it is asked to interpret."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


def fake_weights(folder: Path) -> Path:
    """A folder of weights with all three files."""
    (folder / CHECKPOINT_FILE).parent.mkdir(parents=True)
    (folder / CHECKPOINT_FILE).write_bytes(CHECKPOINT)
    (folder / "plans.json").write_text(json.dumps(PLANS))
    (folder / "dataset.json").write_text("{}")
    return folder


def fake_environment(folder: Path, body: str) -> HdBetEnvironment:
    """An environment whose interpreter does what body says, with weights that are vouched for."""
    return HdBetEnvironment(
        interpreter=fake_interpreter(folder / "bin" / "python", body),
        weights_folder=fake_weights(folder / "weights"),
        accepted_sha256=CHECKPOINT_SHA256,
    )
