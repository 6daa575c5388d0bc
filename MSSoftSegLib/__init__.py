"""MSSoftSeg's backend: soft segmentation of multiple sclerosis lesions (research use only).

Importing this package is cheap: torch and the registration toolkit are imported by the rooms that need them.
"""

from MSSoftSegLib.version import VERSION as __version__

__all__ = ["__version__"]
