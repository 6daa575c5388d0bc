"""Who drew on the earlier visits that a library has, as ``library-open`` says: whose mask is compared can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from MSSoftSegGUI.prior.candidates import PriorCandidate
from MSSoftSegGUI.worker.short_jobs import ShortJobs

TOPIC = "prior-raters"
# Only then a person has seen a mask.
READ_STATUSES = ("corrected", "approved")


class KeptCases:
    """on_case(key, summary): what the library says of a candidate, whenever it was asked."""

    def __init__(self, jobs: ShortJobs, on_case: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._jobs, self._on_case = jobs, on_case
        self._known: dict[str, Mapping[str, Any]] = {}

    def forget(self) -> None:
        """Somebody may have drawn on them since."""
        self._known.clear()

    def is_known(self, case: str) -> bool:
        """Whether the library has answered."""
        return case in self._known

    def find_raters(self, case: str) -> tuple[str, ...]:
        """Who drew on a case, the latest first, as the job takes them; nobody where there is no choice, or no answer yet."""
        order = list_raters(self._known.get(case, {}))
        return order if len(order) > 1 else ()

    def ask(self, library: str, candidates: Iterable[PriorCandidate]) -> None:
        """Ask about those of these that lie in the library."""
        for each in candidates:
            topic = f"{TOPIC}:{each.case}"
            if each.case and each.case not in self._known and not self._jobs.is_asked(topic):
                self._jobs.ask(
                    "library-open",
                    {"library": library, "case": each.case},
                    on_result=lambda summary, each=each: self._take(each, summary),
                    # Without an answer the latest mask is taken, as the run says.
                    on_problem=lambda card: None,
                    topic=topic,
                )

    def _take(self, candidate: PriorCandidate, summary: Mapping[str, Any]) -> None:
        self._known[candidate.case] = summary
        self._on_case(candidate.key, summary)


def list_raters(case: Mapping[str, Any]) -> tuple[str, ...]:
    """Whose masks of a case a comparison can take, the latest first."""
    masks = case.get("raters") or {} if case.get("status") in READ_STATUSES else {}
    return tuple(sorted(masks, key=lambda name: (str(masks[name].get("time")), name), reverse=True))
