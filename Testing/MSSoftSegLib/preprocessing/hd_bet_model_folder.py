"""Writes two model folders in HD-BET's own format; run by the interpreter of HD-BET's environment.

    python hd_bet_model_folder.py FOLDER Z,Y,X-SPACING

nnU-Net's own trainer writes the checkpoint, so that it holds everything that a trained one holds (optimizer state,
training log with numpy numbers, settings with a device). `random`: a tiny network after one step of training,
saved under the names of numpy 1. `bright`: the same network with weights set by hand so that a voxel is brain
when it is brighter than the mean of the image, saved under the names of numpy 2.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

DATASET = {
    "channel_names": {"0": "MRI"},
    "labels": {"background": 0, "brain": 1},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}


def plans(spacing_mm: list[float]) -> dict[str, Any]:
    """The plans of a network of two levels with 2 and 4 features."""
    resampling = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    return {
        "dataset_name": "Dataset001_Made",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "original_median_spacing_after_transp": spacing_mm,
        "original_median_shape_after_transp": [32, 32, 32],
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": {"mean": 0.0, "std": 1.0}},
        "configurations": {
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": [32, 32, 32],
                "median_image_size_in_voxels": [32, 32, 32],
                "spacing": spacing_mm,
                "normalization_schemes": ["ZScoreNormalization"],
                "use_mask_for_norm": [False],
                "resampling_fn_data": "resample_data_or_seg_to_shape",
                "resampling_fn_seg": "resample_data_or_seg_to_shape",
                "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
                "resampling_fn_data_kwargs": resampling,
                "resampling_fn_seg_kwargs": {**resampling, "is_seg": True, "order": 1},
                "resampling_fn_probabilities_kwargs": {**resampling, "order": 1},
                "batch_dice": False,
                "architecture": {
                    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                    "arch_kwargs": {
                        "n_stages": 2,
                        "features_per_stage": [2, 4],
                        "conv_op": "torch.nn.modules.conv.Conv3d",
                        "kernel_sizes": [[3, 3, 3], [3, 3, 3]],
                        "strides": [[1, 1, 1], [2, 2, 2]],
                        "n_conv_per_stage": [1, 1],
                        "n_conv_per_stage_decoder": [1],
                        "conv_bias": True,
                        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                        "dropout_op": None,
                        "dropout_op_kwargs": None,
                        "nonlin": "torch.nn.LeakyReLU",
                        "nonlin_kwargs": {"inplace": True},
                    },
                    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
                },
            }
        },
    }


def set_bright_weights(torch: Any, network: Any) -> None:
    """Pass the image through to the last level's skip connection; brain is what lies above the mean.

    The instance normalization in each block subtracts the mean; the leaky ReLU keeps the sign.
    """
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(1.0 if name.endswith("norm.weight") else 0.0)
        network.encoder.stages[0][0].convs[0].conv.weight[0, 0, 1, 1, 1] = 1.0
        # The decoder sees two upsampled features first, then the two of the skip connection.
        network.decoder.stages[0].convs[0].conv.weight[0, 2, 1, 1, 1] = 1.0
        for layer in network.decoder.seg_layers:
            layer.weight[0, 0], layer.weight[1, 0] = -1.0, 1.0


def rename_as_numpy_1(checkpoint: Path) -> None:
    """Call numpy's rebuilding function by the name that it had before numpy 2."""
    with zipfile.ZipFile(checkpoint) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(checkpoint, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n"))


def write_model(folder: Path, kind: str, spacing_mm: list[float]) -> None:
    """A model folder of one kind, its checkpoint saved by nnU-Net's trainer."""
    numpy: Any = import_module("numpy")
    torch: Any = import_module("torch")
    module: Any = import_module("nnunetv2.training.nnUNetTrainer.nnUNetTrainer")
    settings = plans(spacing_mm)
    (folder / "fold_all").mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(settings))
    (folder / "dataset.json").write_text(json.dumps(DATASET))
    module.infer_dataset_class = lambda folder: None  # there is no training data
    torch.manual_seed(5)
    trainer = module.nnUNetTrainer(
        {**copy.deepcopy(settings), "continue_training": False},
        "3d_fullres",
        "all",
        DATASET,
        torch.device("cpu"),
    )
    trainer.initialize()
    if kind == "bright":
        set_bright_weights(torch, trainer.network)
    else:  # one step of training, so that the optimizer has a state
        sum(level.mean() for level in trainer.network(torch.rand(1, 1, 32, 32, 32))).backward()
        trainer.optimizer.step()
    trainer._best_ema = numpy.float64(0.5)
    for key in ("mean_fg_dice", "train_losses"):
        trainer.logger.log(key, numpy.float32(0.5), 0)
    trainer.logger.log("dice_per_class_or_region", [numpy.float64(0.5)], 0)
    trainer.inference_allowed_mirroring_axes = (0, 1, 2)
    checkpoint = folder / "fold_all" / "checkpoint_final.pth"
    trainer.save_checkpoint(str(checkpoint))
    if kind == "random":
        rename_as_numpy_1(checkpoint)


def main() -> None:
    folder = Path(sys.argv[1])
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ[name] = str(folder / "training")
    os.environ["nnUNet_compile"] = "F"  # noqa: SIM112 (nnU-Net's own spelling)
    for kind in ("random", "bright"):
        write_model(folder / kind, kind, [float(value) for value in sys.argv[2].split(",")])


if __name__ == "__main__":
    main()
