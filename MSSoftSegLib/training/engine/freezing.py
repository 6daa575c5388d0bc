"""Parts of a network that do not learn: with few cases, what the encoder sees is better left as it is."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from MSSoftSegLib.errors import RequestError


def freeze(network: nn.Module, prefixes: Sequence[str]) -> list[nn.Module]:
    """Make every parameter whose dotted name begins with one of the prefixes a constant; the modules that are frozen whole.

    Keep those in evaluation mode while the others train: running statistics would learn on otherwise.
    """
    for prefix in prefixes:
        if not any(_is_within(name, prefix) for name, _ in network.named_parameters()):
            raise RequestError(
                f"the recipe freezes {prefix!r}, and its network has no such part",
                remedy="correct adaptation.sizes.frozen",
            )
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not any(_is_within(name, prefix) for prefix in prefixes))
    return [module for name, module in network.named_modules() if any(_is_within(name, prefix) for prefix in prefixes)]


def _is_within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
