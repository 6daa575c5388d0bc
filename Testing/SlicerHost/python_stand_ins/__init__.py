"""Stand-ins of Slicer's own Python modules, used unless SLICER_BASE_PYTHON names a folder with the real ones."""
