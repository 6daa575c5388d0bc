"""What a job's stages are called in the panel."""

from __future__ import annotations

from MSSoftSegGUI.widgets.translation import tr as _


def name_stage(stage: str) -> str:
    """A stage in the user's words; one that is not known here is shown as the worker calls it."""
    titles = {
        "model": _("Loading the model"),
        "reading": _("Reading the images"),
        "alignment": _("Aligning the images"),
        "bias-correction": _("Correcting the bias field"),
        "brain-extraction": _("Extracting the brain"),
        "working-grid": _("Resampling"),
        "inference": _("Finding lesions"),
        "lesions": _("Measuring lesions"),
        "regions": _("Finding where lesions lie"),
        "report": _("Writing the report"),
        "writing": _("Writing the images"),
        "before": _("Earlier visit"),
        "after": _("Today’s visit"),
        "registration": _("Laying the visits on each other"),
        "comparison": _("Comparing lesions"),
    }
    return titles.get(stage, stage.replace("-", " ").capitalize())
