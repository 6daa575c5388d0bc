"""Augmentation of samples: what is random is drawn and recorded first, then applied deterministically.

draw_x(settings, …, rng) says what happens, apply_x does it: the same draw on the same data gives the same sample. Labels are
floats throughout; nothing here rounds or cuts one.

How often: rotation, scale, flips, quarter turns and transpose are drawn for every sample, within the limits of the recipe
(published ones say "uniform in ±5°", not how often). Elastic deformation, blur, thick slices, gamma, brightness, contrast,
bias and noise have the chance CHANCE each, so that most samples keep the looks of the images met later.
"""

CHANCE = 0.25
