"""How often each case of the cohort is shown: kinds by their shares, centers by theirs, patients alike, visits alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from MSSoftSegLib.training.shipped.cohort import CohortCase, Kind


def case_weights(
    cases: Sequence[CohortCase], kind_shares: Mapping[Kind, float], center_shares: Mapping[str, float]
) -> tuple[float, ...]:
    """One weight per case, for ``FitTask.case_weights``; a kind or a center that is absent leaves its share to the others."""
    of_patient = Counter((case.kind, case.center, case.patient) for case in cases)
    patients = Counter((kind, center) for kind, center, _ in of_patient)
    present = {kind: {case.center for case in cases if case.kind == kind} for kind in {case.kind for case in cases}}

    def weight(case: CohortCase) -> float:
        share = kind_shares[case.kind] / of_patient[case.kind, case.center, case.patient]
        if case.kind == "synthetic":
            return share
        centers = sum(center_shares[center] for center in present[case.kind])
        return share * center_shares[case.center] / centers / patients[case.kind, case.center]

    return tuple(weight(case) for case in cases)
