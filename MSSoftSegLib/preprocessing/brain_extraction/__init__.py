"""Which voxels are brain: HD-BET, an atlas, a given mask, or an image that holds nothing else."""
