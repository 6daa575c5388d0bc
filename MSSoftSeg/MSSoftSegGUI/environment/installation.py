"""Installing what the worker needs into Slicer's own Python: only on a click, only after the user agreed.

torch comes through the PyTorch extension, which picks the build that fits the graphics card; pip never touches it.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import slicer
from slicer.i18n import tr as _

TORCH_RANGE = ">=2.6"
REQUESTER = "MSSoftSeg"
# Slicer and the PyTorch extension own these: whatever depends on them takes what is there.
NOT_OURS = ("torch", "numpy", "scipy", "SimpleITK")


def installMissing(requirementsPath: Path) -> str:
    """Ask, then install torch and the packages; a sentence about how it went."""
    problem = _installTorch()
    if problem:
        return problem
    if not hasattr(slicer, "packaging"):
        return _installWithPip(requirementsPath)
    requirements = slicer.packaging.load_requirements(requirementsPath)
    try:
        slicer.packaging.pip_ensure(
            requirements, skip_packages=list(NOT_OURS), requester=REQUESTER, prompt_restart=False
        )
    except RuntimeError as problem:
        # Declined, or pip failed; pip's own words are in the application log.
        return _("Not everything was installed: {reason}").format(reason=str(problem).splitlines()[0])
    return _("Everything that is needed is installed.")


def _installTorch() -> str:
    """Empty when torch is there in the end, else what to do."""
    try:
        metadata.version("torch")
        return ""
    except metadata.PackageNotFoundError:
        pass
    try:
        import PyTorchUtils
    except ImportError:
        return _("Install the extension PyTorch with the Extensions Manager, restart Slicer, and click again.")
    installed = PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=TORCH_RANGE)
    return "" if installed is not None else _("PyTorch was not installed.")


def _installWithPip(requirementsPath: Path) -> str:
    """Slicer before 5.12, which has no packaging module."""
    lines = requirementsPath.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    question = _("Install these packages into Slicer's Python?\n\n{packages}").format(packages="\n".join(wanted))
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=REQUESTER):
        return _("Nothing was installed.")
    slicer.util.pip_install([*wanted, *_installedNotOurs()])
    return _("Everything that is needed is installed.")


def _installedNotOurs() -> list[str]:
    """Exact versions of what must stay as it is."""
    pins = []
    for name in NOT_OURS:
        try:
            pins.append(f"{name}=={metadata.version(name).partition('+')[0]}")
        except metadata.PackageNotFoundError:
            continue
    return pins
