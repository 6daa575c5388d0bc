"""The shipped recipe as its like is written with MONAI and Lightning, in turns; started by training.py.

    python Benchmarks/speed/training_monai.py CASES COUNT PRECISION

The same network, patch, batch, deep supervision, optimizer and prepared cases. Data as MONAI's pages have it: cases cached in
memory, patches by RandCropByPosNegLabeld, its own augmentations by the recipe's numbers, but for elastic deformation and thick
slices, which are left out. PRECISION: 32-true, Lightning's default, or bf16-mixed.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from monai import transforms as monai
from monai.data import CacheDataset, DataLoader
from monai.losses import DiceCELoss
from monai.networks.nets.dynunet import DynUNet
from patients import prepared_patients
from torch import Tensor
from torch.utils.data import RandomSampler
from turns import Turn

from MSSoftSegLib.training.recipe import Recipe, find_recipe
from MSSoftSegLib.training.shipped.plan import RECIPE

BOTH = ("image", "label")


class Plain(lightning.LightningModule):
    """MONAI's network under MONAI's loss; coarser heads count half as much, as in MONAI's tutorial of this network."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        filters = list(recipe.network.filters)  # type: ignore[union-attr]
        levels = len(filters)
        self.phase = recipe.training.phases[0]
        self.network = DynUNet(
            spatial_dims=3,
            in_channels=len(recipe.data.inputs),
            out_channels=1,
            kernel_size=[3] * levels,
            strides=[1] + [2] * (levels - 1),
            upsample_kernel_size=[2] * (levels - 1),
            filters=filters,
            norm_name=("INSTANCE", {"affine": True}),
            deep_supervision=True,
            deep_supr_num=levels - 3,
        )
        self.loss = DiceCELoss(sigmoid=True)

    def training_step(self, batch: dict[str, Tensor], _number: int) -> Tensor:
        """The loss of one batch."""
        heads = torch.unbind(self.network(batch["image"]), dim=1)
        losses = [0.5**number * self.loss(head, batch["label"]) for number, head in enumerate(heads)]
        return torch.stack(losses).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's."""
        return torch.optim.AdamW(self.parameters(), lr=self.phase.rate, weight_decay=self.phase.weight_decay)


class InTurns(lightning.Callback):
    """Tells the turn of steps and of what lies between them."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.ended_at: float | None = None

    def on_train_batch_start(self, *_: Any) -> None:
        """Its samples are there."""
        if self.ended_at is not None:
            self.turn.waited_s += time.monotonic() - self.ended_at

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """From now on the next is waited for."""
        trainer.should_stop = self.turn.stepped()
        self.ended_at = time.monotonic()


def augmented(recipe: Recipe) -> monai.Compose:
    """Patches of cached cases: first what is the same each time, which the cache keeps, then what is drawn."""
    asked, size = recipe.augmentation, recipe.sampling.size
    share = recipe.sampling.lesion_share
    return monai.Compose(
        [
            monai.EnsureTyped(BOTH),
            monai.SpatialPadd(BOTH, spatial_size=size),
            monai.RandCropByPosNegLabeld(
                BOTH, label_key="label", spatial_size=size, pos=share, neg=1 - share, num_samples=1
            ),
            monai.RandAffined(
                BOTH,
                prob=1.0,
                rotate_range=[np.deg2rad(asked.rotation_deg)] * 3,
                scale_range=[asked.scale] * 3,
                mode=("bilinear", "bilinear"),
                padding_mode="zeros",
            ),
            *(monai.RandFlipd(BOTH, prob=asked.flip, spatial_axis=axis) for axis in range(3)),
            monai.RandBiasFieldd("image", prob=0.5, coeff_range=(0.0, asked.bias)),
            monai.RandAdjustContrastd("image", prob=0.5, gamma=(1 - asked.gamma, 1 + asked.gamma)),
            monai.RandScaleIntensityd("image", prob=0.5, factors=asked.contrast),
            monai.RandShiftIntensityd("image", prob=0.5, offsets=asked.brightness),
            monai.RandGaussianSmoothd(
                "image", prob=0.5, **dict.fromkeys(("sigma_x", "sigma_y", "sigma_z"), (0.1, 0.7))
            ),
            monai.RandGaussianNoised("image", prob=0.5, std=asked.noise),
        ]
    )


def main() -> None:
    """Train until no turn comes."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    recipe = find_recipe(RECIPE)
    cases = prepared_patients(Path(sys.argv[1]), recipe, int(sys.argv[2]))
    files = [{"image": np.array(case.images()), "label": np.array(case.label())[None]} for case in cases]
    cached = CacheDataset(files, augmented(recipe), progress=False)
    drawn = RandomSampler(cached, replacement=True, num_samples=recipe.training.steps_per_epoch)
    loader = DataLoader(cached, batch_size=recipe.sampling.batch, sampler=drawn, num_workers=1, persistent_workers=True)
    trainer = lightning.Trainer(
        accelerator="cpu",
        precision=sys.argv[3],  # type: ignore[arg-type]
        max_epochs=-1,
        gradient_clip_val=recipe.training.gradient_clip,
        callbacks=[InTurns()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Plain(recipe), loader)


if __name__ == "__main__":
    main()
