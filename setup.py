"""Puts the folder Resources into the wheel, inside the package; everything else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithResources(build_py):
    """Copies Resources beside the built package's modules, where ``find_resources`` looks for them."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "MSSoftSegLib" / "Resources"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree("Resources", target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))


setup(cmdclass={"build_py": BuildWithResources})
