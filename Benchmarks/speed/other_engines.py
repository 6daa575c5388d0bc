"""One network handed to other engines, each on one thread: ONNX Runtime, and OpenVINO in float32, bfloat16 and int8."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from answers import Ask
from torch import Tensor, nn


def exported(network: nn.Module, images: Tensor, folder: Path) -> Path:
    """The network as ONNX for brains of any size."""
    path = folder / "network.onnx"
    sides = {2: "z", 3: "y", 4: "x"}
    torch.onnx.export(
        network,
        (images,),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["images"],
        output_names=["logits"],
        dynamic_axes={"images": sides, "logits": sides},
    )
    return path


def in_onnx_runtime(path: Path) -> Ask:
    """ONNX Runtime, float32."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def in_openvino(path: Path, precision: str) -> Ask:
    """OpenVINO. precision: f32 or bf16."""
    import openvino

    return _compiled(openvino.Core().read_model(str(path)), precision)


def in_int8(path: Path, brains: Sequence[np.ndarray]) -> Ask:
    """OpenVINO after NNCF's quantization of weights and activations, whose ranges are seen on brains (1, c, z, y, x)."""
    import nncf
    import openvino

    # Asymmetric activations, as NNCF advises for leaky ReLUs; symmetric ones were further from the answer.
    preset = nncf.QuantizationPreset.MIXED
    model = openvino.Core().read_model(str(path))
    return _compiled(nncf.quantize(model, nncf.Dataset(brains), preset=preset, subset_size=len(brains)), "f32")


def _compiled(model: Any, precision: str) -> Ask:
    """Asked on one thread; compiled anew for every size of brain."""
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1}
    by_size: dict[tuple[int, ...], Any] = {}

    def ask(images: Tensor) -> Tensor:
        size = tuple(images.shape)
        if size not in by_size:
            sized = model.clone()
            sized.reshape(list(size))
            by_size[size] = openvino.Core().compile_model(sized, "CPU", settings)
        return torch.from_numpy(np.array(by_size[size]([images.numpy()])[0]))

    return ask
