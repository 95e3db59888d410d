"""Runs every test, and prints what was measured. The last line counts."""

import shutil
import signal
import sys
import unittest
from pathlib import Path

import notes
import processes


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    # So that what was started is ended then, too.
    signal.signal(signal.SIGTERM, interrupted)
    tests = unittest.defaultTestLoader.discover(str(Path(__file__).parent))
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(tests)
    processes.end_all()
    notes.show()
    failed = len(result.failures) + len(result.errors)
    if result.wasSuccessful():
        shutil.rmtree(processes.FOLDER)
    else:
        print(f"The logs are in {processes.FOLDER}.")
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 0 if result.wasSuccessful() else 1


sys.exit(main())
