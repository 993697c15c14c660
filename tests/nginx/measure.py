"""Runs a command and says what it took: seconds, seconds of processor time, peak memory in KiB.

    measure.py FILE COMMAND...

The figures go to FILE, separated by spaces; the exit code is the command's.
"""

import os
import sys
import time

began = time.monotonic()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
seconds = time.monotonic() - began
with open(sys.argv[1], "w") as file:
    print(f"{seconds:.1f} {usage.ru_utime + usage.ru_stime:.1f} {usage.ru_maxrss}", file=file)
sys.exit(os.waitstatus_to_exitcode(status))
