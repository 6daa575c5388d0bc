"""HD-BET's mask of one file by nnU-Net's own reading, predicting and writing; run in HD-BET's environment.

python hd_bet_reference.py MODEL_FOLDER IMAGE MASK
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

if __name__ == "__main__":
    model_folder, image, mask = sys.argv[1:]
    torch: Any = import_module("torch")
    paths: Any = import_module("HD_BET.paths")
    paths.folder_with_parameter_files = model_folder
    prediction: Any = import_module("HD_BET.hd_bet_prediction")
    predictor = prediction.get_hdbet_predictor(use_tta=False, device=torch.device("cpu"))
    predictor.predict_from_files_sequential([[image]], [mask], save_probabilities=False, overwrite=True)
