"""Checks file lists, documents, the picture of the plan, imported names; one line a finding, and exit code 1 where there is one.

python -m Testing.house
"""

from __future__ import annotations

import sys

from Testing.house.documents import citation_findings, link_findings, path_findings
from Testing.house.file_lists import file_list_findings
from Testing.house.imported_names import missing_name_findings
from Testing.house.picture import picture_findings


def main() -> int:
    """Print what does not hold."""
    findings = [*file_list_findings(), *citation_findings(), *link_findings(), *path_findings(), *picture_findings()]
    findings += missing_name_findings()
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
