"""Memory is kept while it is asked for and given back afterwards, and nothing depends on it."""

import subprocess
import sys

import pytest

from MSSoftSegLib import kept_memory

# In a process of its own: what another test left free there would be counted too. Prints MiB that went back.
ARRAYS_COME_AND_GO = """
import numpy, psutil
from MSSoftSegLib.kept_memory import keep_memory_meanwhile
resident = psutil.Process().memory_info
with keep_memory_meanwhile():
    arrays = [numpy.ones(2**25, numpy.uint8) for _ in range(8)]
    del arrays
    kept = resident().rss
print((kept - resident().rss) // 2**20)
"""


@pytest.mark.skipif(kept_memory._glibc() is None, reason="only glibc has these switches")
def test_what_was_kept_goes_back_to_the_system():
    answer = subprocess.run([sys.executable, "-c", ARRAYS_COME_AND_GO], capture_output=True, text=True, check=True)
    assert int(answer.stdout) > 200


def test_a_system_without_glibc_keeps_its_habits(monkeypatch):
    monkeypatch.setattr(kept_memory, "_glibc", lambda: None)
    with kept_memory.keep_memory_meanwhile():
        pass


def test_habits_come_back_after_an_error(monkeypatch):
    seen = []
    monkeypatch.setattr(kept_memory, "_set", seen.append)

    @kept_memory.keep_memory_meanwhile()
    def fail():
        raise ValueError("work")

    with pytest.raises(ValueError, match="work"):
        fail()
    assert seen == [kept_memory.KEEPING, kept_memory.AS_USUAL]
