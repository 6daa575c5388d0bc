"""The ``promote-model`` job: a new model becomes the default, stays a candidate, or goes. Never silently worse.

A model becomes the default when a comparison with the present default did not find it worse. Without such a comparison, or
against its verdict, it takes ``accept_worse``, which history keeps. Going back to the model that ships, or to one that was the
default before, is always allowed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from MSSoftSegLib.errors import RequestError
from MSSoftSegLib.jobs.documents.model_promotion import PromoteModelJob, PromoteModelSpec
from MSSoftSegLib.jobs.events import Emit, Reporter
from MSSoftSegLib.network.bundle import Bundle
from MSSoftSegLib.network.catalog import (
    SHIPPED_MODEL,
    find_bundle,
    find_default_model,
    find_installed,
    find_user_models_folder,
    has_checksum,
)
from MSSoftSegLib.network.installing import install_beside, remove_bundle
from MSSoftSegLib.network.promotion import Promotion, Verdict, find_judgment, keep_promotion, read_clock, read_history
from MSSoftSegLib.network.weights import check_weights
from MSSoftSegLib.result_folder import remove_abandoned

LOGGER = logging.getLogger(__name__)
SHARES = {"deciding": 1.0}


@dataclass(frozen=True)
class _Grounds:
    """What a decision rests on; objection: why it needs accept_worse, None where it needs nothing."""

    verdict: Verdict | None
    reason: str
    objection: str | None = None


def run_promote_model(job: PromoteModelJob, emit: Emit, cancelled: Callable[[], bool]) -> Path:
    """Run the job; the folder of the installed model, or, after a discard, of the user's models."""
    spec = job.spec
    reporter = Reporter(job.job, SHARES, emit, cancelled)
    reporter.started(job.kind)
    reporter.progress("deciding", 0.0)
    # What a killed run was taking away or putting there.
    remove_abandoned(find_user_models_folder() / Path(spec.model).name)
    bundle = find_bundle(spec.model)
    previous = find_default_model()
    grounds = _grounds(spec, bundle, previous)
    if spec.decision == "discard":
        _check_is_no_default(bundle, previous)
        folder, name = find_user_models_folder(), bundle.description.name
    else:
        check_weights(bundle)
        folder = install_beside(bundle)
        name = folder.name
    keep_promotion(find_user_models_folder(), _decision(spec, bundle, name, grounds, previous))
    if spec.decision == "discard":
        # After it is kept: a run that is killed in between can be repeated while the model is there.
        _discard(bundle)
    reporter.progress("deciding", 1.0)
    reporter.result(
        name,
        {
            "model": name,
            "decision": spec.decision,
            "default": find_default_model(),
            "previous_default": previous,
            "verdict": grounds.verdict,
            "reason": grounds.reason,
            "accepted_worse": grounds.objection is not None,
        },
    )
    return folder


def _grounds(spec: PromoteModelSpec, bundle: Bundle, previous: str) -> _Grounds:
    """Why the decision may be taken; RequestError where it may not."""
    if spec.decision != "default":
        return _Grounds(None, "kept as a candidate" if spec.decision == "candidate" else "discarded")
    grounds = _grounds_for_default(bundle, previous)
    if grounds.objection is not None:
        if not spec.accept_worse:
            raise RequestError(
                f"{bundle.description.name} does not become the default: {grounds.objection}",
                remedy="compare the two with mssoftseg evaluate --compare, keep it as a candidate, or add --accept-worse",
            )
        LOGGER.warning("%s becomes the default all the same: %s", bundle.description.name, grounds.objection)
    return grounds


def _grounds_for_default(bundle: Bundle, previous: str) -> _Grounds:
    present = find_bundle(previous)
    if bundle.sha256 == present.sha256:
        return _Grounds(None, "it is the default already")
    if bundle.sha256 == find_bundle(SHIPPED_MODEL).sha256:
        return _Grounds(None, "back to the model that ships")
    known = read_history(find_user_models_folder())
    if any(entry.decision == "default" and entry.sha256 == bundle.sha256 for entry in known):
        return _Grounds(None, "back to a model that was the default before")
    judgment = find_judgment(find_user_models_folder(), first_sha256=present.sha256, second_sha256=bundle.sha256)
    if judgment is None:
        reason = f"nobody compared it with {previous}, the default"
        return _Grounds(None, reason, objection=reason)
    if judgment.verdict == "worse":
        return _Grounds("worse", judgment.reason, objection=f"it was found worse than {previous}: {judgment.reason}")
    if judgment.cases == 0:
        reason = f"it was compared with {previous} on no held-out case"
        return _Grounds("undecided", judgment.reason, objection=reason)
    return _Grounds(judgment.verdict, judgment.reason)


def _check_is_no_default(bundle: Bundle, previous: str) -> None:
    """Refuse to discard the model that ships, or the present default."""
    if bundle.sha256 == find_bundle(SHIPPED_MODEL).sha256:
        raise RequestError(f"{SHIPPED_MODEL} ships and stays", remedy="choose another model")
    if bundle.sha256 == find_bundle(previous).sha256:
        raise RequestError(
            f"{bundle.description.name} is the default and stays",
            remedy=f"make another model the default first: mssoftseg models promote {SHIPPED_MODEL}",
        )


def _discard(bundle: Bundle) -> None:
    """Delete the bundle and its installed copy; a run's folder (checkpoints, curves) is left alone."""
    mine = [path for path in find_installed().values() if path.parent == find_user_models_folder()]
    copies = [path for path in mine if has_checksum(path, bundle.sha256)]
    for folder in {bundle.folder.resolve(), *(path.resolve() for path in copies)}:
        remove_bundle(folder, bundle)


def _decision(spec: PromoteModelSpec, bundle: Bundle, name: str, grounds: _Grounds, previous: str) -> Promotion:
    return Promotion(
        time=read_clock(),
        model=name,
        sha256=bundle.sha256,
        version=bundle.description.version,
        decision=spec.decision,
        verdict=grounds.verdict,
        reason=grounds.reason,
        accepted_worse=grounds.objection is not None,
        previous=previous,
    )
