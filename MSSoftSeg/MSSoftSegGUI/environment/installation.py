"""Installing what the worker needs into Slicer's own Python: only on a click, only after the user agreed.

torch comes through the PyTorch extension, which picks the build that fits the graphics card; pip never touches it. What is said
in the end is what is there in the end, not what pip was asked.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from MSSoftSegGUI.environment.packages import find_installed_version, find_unsatisfied

TORCH_RANGE = ">=2.6"
REQUESTER = "MSSoftSeg"
# Slicer and the PyTorch extension own these: whatever depends on them takes what is there.
NOT_OURS = ("torch", "numpy", "scipy", "SimpleITK")
# Slicer's own DICOM module uses the pydicom that Slicer came with: before 5.12 that is too old for DICOM SEG exports.
SLICERS_DICOM = ("pydicom", "highdicom")
# How pip, or the user, says no.
REFUSALS = (RuntimeError, subprocess.CalledProcessError)
MOST_NAMED = 5


def installFor(
    ownPython: str,
    requirementsPath: Path,
    *,
    tell: Callable[[str, str], None],
    restart: Callable[[], None],
    check: Callable[[], None],
) -> None:
    """The Install button. ownPython: the interpreter that the user chose, empty for Slicer's; restart: of the workers."""
    if ownPython:
        command = f'python -m pip install torch -r "{requirementsPath}"'
        tell(_("Packages of your own Python are yours to install: {command}").format(command=command), "note")
        return
    # Windows does not replace files that a process has open.
    restart()
    # No wait cursor: it would hide that there is a question to answer.
    try:
        with slicer.util.tryWithErrorDisplay(_("Installing failed.")):
            tell(installMissing(requirementsPath), "note")
    finally:
        # A worker that lives on would use what is half replaced.
        restart()
        check()


def installMissing(requirementsPath: Path) -> str:
    """Ask, then install torch and the packages; a sentence about how it went."""
    problem = _installTorch()
    if problem:
        return problem
    wanted = _requirements(requirementsPath)
    missing = find_unsatisfied(wanted, ignored=NOT_OURS)
    if not missing:
        return _("Everything that is needed is installed.")
    try:
        isAgreed = (_ensure if hasattr(slicer, "packaging") else _installWithPip)(missing)
        reason = "" if isAgreed else _("you did not agree")
    except REFUSALS as problem:
        # pip's own words are in the application log.
        reason = _reason(problem)
    missing = find_unsatisfied(wanted, ignored=NOT_OURS)
    if not missing:
        return _("Everything that is needed is installed.")
    names = ", ".join(missing[:MOST_NAMED]) + (" …" if len(missing) > MOST_NAMED else "")
    text = _("Not everything was installed: {packages} missing.").format(packages=names)
    if reason:
        text += " " + _("The reason: {reason}.").format(reason=reason.rstrip("."))
    return text + " " + _("Click Install again; what is there already is kept.")


def _requirements(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    if hasattr(slicer, "packaging"):
        return wanted
    return [line for line in wanted if not line.startswith(SLICERS_DICOM)]


def _ensure(missing: list[str]) -> bool:
    """Slicer 5.12 and newer, which asks and shows progress; True: it raises where the user does not agree."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(_pins()), encoding="utf-8")
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("\n".join(missing), encoding="utf-8")
        slicer.packaging.pip_ensure(
            slicer.packaging.load_requirements(requirements),
            constraints=constraints,
            skip_packages=list(NOT_OURS),
            requester=REQUESTER,
            prompt_restart=False,
        )
    return True


def _installWithPip(missing: list[str]) -> bool:
    """Slicer before 5.12, which has no packaging module; whether the user agreed."""
    question = _("Install these packages into Slicer's Python?\n\n{packages}").format(packages="\n".join(missing))
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=REQUESTER):
        return False
    slicer.util.pip_install([*missing, *_pins()])
    return True


def _installTorch() -> str:
    """Empty when torch is there in the end, else what to do."""
    if find_installed_version("torch") is not None:
        return ""
    try:
        import PyTorchUtils
    except ImportError:
        return _("Install the extension PyTorch with the Extensions Manager, restart Slicer, and click again.")
    try:
        logic = PyTorchUtils.PyTorchUtilsLogic()
        installed = logic.installTorch(askConfirmation=True, torchVersionRequirement=TORCH_RANGE)
    except REFUSALS as problem:
        return _("PyTorch was not installed: {reason}.").format(reason=_reason(problem).rstrip("."))
    return "" if installed is not None else _("PyTorch was not installed.")


def _pins() -> list[str]:
    """Exact versions of what must stay as it is."""
    versions = {name: find_installed_version(name) for name in (*NOT_OURS, "pydicom")}
    return [f"{name}=={version.partition('+')[0]}" for name, version in versions.items() if version is not None]


def _reason(problem: Exception) -> str:
    if isinstance(problem, subprocess.CalledProcessError):
        return _("pip stopped with exit code {code}; its words are in Slicer’s log").format(code=problem.returncode)
    return (str(problem).splitlines() or [type(problem).__name__])[0]
