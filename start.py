"""Starts `invoke` for `./invoke`: the same program, without what it and its libraries load for other uses than this.

A run that has nothing to do spends most of its time on loading code. Plain `invoke` works as well, and takes longer.
"""

from __future__ import annotations

import os
import signal
import types


def _interrupted(_signal: int, _frame: types.FrameType | None) -> None:
    """End what is being loaded: nothing has begun yet that would have to be put back."""
    os.write(2, b"interrupted before anything had begun\n")
    os._exit(130)


# As early as can be; a task takes it over once it has begun (tasks.py). Python's own would be a traceback, and invoke
# ends with 1 then, which says here that an image was refused.
signal.signal(signal.SIGINT, _interrupted)

import gc  # noqa: E402 - what stands above has to come first
import sys  # noqa: E402 - same

# Half a second of loading makes a hundred thousand objects that all stay: looking through them again and again for
# cycles finds none and costs a tenth of the start. What is made later is looked through as ever, but less often.
gc.set_threshold(200_000)

# Where Python is told to write no bytecode (as in many containers, to keep folders clean), all of this tool would be
# compiled anew by every run. It is kept in the environment that `./invoke` has made, and nowhere else.
if sys.dont_write_bytecode:
    sys.pycache_prefix = os.path.join(sys.prefix, "pycache")  # noqa: PTH118 - pathlib is one more module to load
    sys.dont_write_bytecode = False

# pydantic would look through the metadata of every installed package for plug-ins of its own. There are none here, and
# one that strayed in would only change what a spec means.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Only invoke's MockContext needs it, which is for tests of what uses invoke; and it brings asyncio.
_mock = types.ModuleType("unittest.mock")
_mock.Mock = None  # type: ignore[attr-defined]
sys.modules["unittest.mock"] = _mock

from invoke.main import program  # noqa: E402 - what stands above has to come first

del sys.modules["unittest.mock"]

if __name__ == "__main__":
    try:
        program.run()
    finally:
        # The interpreter looks through all objects for cycles once more before it ends, which took a seventh of a run
        # that has nothing to do; they all go with the process. What is out of use by then has been closed before.
        gc.freeze()
