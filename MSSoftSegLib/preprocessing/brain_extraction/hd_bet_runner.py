"""HD-BET, as a program: run by the interpreter of HD-BET's own environment, never imported by MSSoftSeg.

It imports nothing of MSSoftSegLib, which that environment does not have. Two uses:

    python hd_bet_runner.py --check
    python hd_bet_runner.py --weights FOLDER --sha256 HEX --image IMAGE --mask MASK --device cpu [--tta]

Success is exit code 0; a failure is exit code 1 and one line on stderr that begins with "hd-bet: ".
What HD-BET and nnU-Net print besides is theirs. Their packages are imported by name, inside functions, so that no
tool takes torch for a dependency of MSSoftSeg's preprocessing.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import pickle
import platform
import sys
import threading
from importlib import import_module, metadata
from typing import Any

PREFIX = "hd-bet: "
CHECKPOINT_NAME = "checkpoint_final.pth"
# Before it, torch's restricted unpickler could be made to run code (CVE-2025-32434).
SAFE_UNPICKLER = (2, 6)
NETWORK_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")


class Refused(Exception):
    """A failure whose text is meant for the user."""


def main(arguments: list[str] | None = None) -> int:
    """Run, and turn every failure into one line and exit code 1."""
    options = parse_arguments(arguments)
    if options.end_with_stdin:
        end_with_stdin()
    refuse_network()
    try:
        if options.check:
            sys.stdout.write(json.dumps(list_installed_versions()) + "\n")
        else:
            write_brain_mask(options)
    except Refused as error:
        return report_failure(str(error))
    except Exception as error:
        if "out of memory" in str(error).lower() or isinstance(error, MemoryError):
            return report_failure("out of memory")
        return report_failure(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
    return 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="HD-BET brain mask of one image, without any download.")
    parser.add_argument("--check", action="store_true", help="only print the versions, as JSON")
    parser.add_argument("--weights", help="folder of plans.json, dataset.json and fold_all/checkpoint_final.pth")
    parser.add_argument("--sha256", help="checksum that the checkpoint must have")
    parser.add_argument("--image", help="the image, NIfTI")
    parser.add_argument("--mask", help="where the mask is written, NIfTI: 0 or 1")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    parser.add_argument("--tta", action="store_true", help="average over mirrored images: better, 8 times slower")
    parser.add_argument("--end-with-stdin", action="store_true", help="end when the caller is gone")
    options = parser.parse_args(arguments)
    if not options.check and None in (options.weights, options.sha256, options.image, options.mask):
        parser.error("--weights, --sha256, --image and --mask are needed")
    return options


def report_failure(line: str) -> int:
    sys.stderr.write(f"\n{PREFIX}{line}\n")
    return 1


def end_with_stdin() -> None:
    """End when our stdin ends: whoever holds its other end was killed, and nobody waits for the mask any more."""

    def watch() -> None:
        # Not sys.stdin: a thread that waits inside of it would disturb the interpreter's own end.
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def refuse_network() -> None:
    """Let no code of this process reach the network: weights are fetched elsewhere, after asking."""

    def refuse(event: str, arguments: tuple) -> None:
        if event in NETWORK_EVENTS:
            raise Refused("a connection to the network was attempted and refused")

    sys.addaudithook(refuse)


def list_installed_versions() -> dict[str, Any]:
    """Versions of what matters, after importing it; HD-BET replaces sys.stdout on import and puts it back."""
    torch: Any = import_module("torch")
    import_module("HD_BET.hd_bet_prediction")
    versions = {name: metadata.version(name) for name in ("hd-bet", "nnunetv2", "torch")}
    return {**versions, "python": platform.python_version(), "cuda": torch.cuda.is_available()}


def write_brain_mask(options: argparse.Namespace) -> None:
    """The brain mask of one image, in one process: HD-BET's own command starts twelve more for one image."""
    torch: Any = import_module("torch")
    device = require_device(torch, options.device)
    load_only_checked_weights(torch, sha256=options.sha256)
    os.environ.pop("nnUNet_extTrainer", None)  # a folder of foreign training code that nnU-Net would import
    paths: Any = import_module("HD_BET.paths")
    paths.folder_with_parameter_files = options.weights  # before the next import, which copies the name
    prediction: Any = import_module("HD_BET.hd_bet_prediction")
    predictor = prediction.get_hdbet_predictor(use_tta=options.tta, device=device)
    # The reader that HD-BET was trained with: it decides on the order of the axes that the network sees.
    reader_writer = predictor.plans_manager.image_reader_writer_class()
    voxels, properties = reader_writer.read_images([options.image])
    mask = predictor.predict_single_npy_array(voxels, properties)
    reader_writer.write_seg((mask > 0).astype("uint8"), options.mask, properties)


def require_device(torch: Any, name: str) -> Any:
    """The torch device, or Refused when this environment cannot use it."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise Refused(f"there is no device called {name}") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise Refused(f"the torch of HD-BET's environment sees no device {name}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise Refused(f"the torch of HD-BET's environment sees no device {name}")
    return device


def load_only_checked_weights(torch: Any, *, sha256: str) -> None:
    """Replace torch.load, in this process, by one that hashes what it loads and builds nothing but data.

    nnU-Net asks for weights_only=False. The bytes are read once, hashed, and loaded from memory: there is no
    moment at which another file could be put in place.
    """
    if parse_release(torch.__version__) < SAFE_UNPICKLER:
        raise Refused("the torch of HD-BET's environment is too old to read a checkpoint safely: install HD-BET again")
    original = torch.load

    def load(file: Any, map_location: Any = None, **_: Any) -> Any:
        with open(file, "rb") as stream:
            content = stream.read()
        if os.path.basename(file) != CHECKPOINT_NAME or hashlib.sha256(content).hexdigest() != sha256.lower():
            raise Refused("the checkpoint is not the one whose checksum was accepted")
        try:
            with torch.serialization.safe_globals(list_plain_data_classes()):
                return original(io.BytesIO(content), map_location=map_location, weights_only=True)
        except pickle.UnpicklingError as error:
            raise Refused(
                f"the checkpoint holds more than weights, numbers and settings ({find_first_global(error)})"
            ) from None

    torch.load = load


def parse_release(version: str) -> tuple[int, int]:
    """The first two numbers of a version; (0, 0) where there are none."""
    numbers = version.split("+")[0].split(".")[:2]
    return (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 and all(map(str.isdigit, numbers)) else (0, 0)


def list_plain_data_classes() -> list[Any]:
    """What nnU-Net's checkpoints hold besides tensors: numpy numbers (its training log), by both names."""
    numpy: Any = import_module("numpy")
    multiarray: Any = import_module("numpy._core.multiarray" if hasattr(numpy, "_core") else "numpy.core.multiarray")
    rebuilders = [
        (getattr(multiarray, function), f"{module}.{function}")
        for module in ("numpy._core.multiarray", "numpy.core.multiarray")
        for function in ("scalar", "_reconstruct")
    ]
    dtypes = {type(numpy.dtype(code)) for code in ("?", "i4", "i8", "u8", "f2", "f4", "f8")}
    return [*rebuilders, numpy.ndarray, numpy.dtype, *dtypes, import_module("_codecs").encode]


def find_first_global(error: Exception) -> str:
    """The class or function that torch refused to build, from its message."""
    words = str(error).split()
    return words[words.index("GLOBAL") + 1] if "GLOBAL" in words[:-1] else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
