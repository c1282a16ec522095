"""What every worker process of ours owes to the service that started it."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading


def tie_to_parent(memory_bytes: int) -> None:
    """Bound this worker's memory, write no core, and leave Ctrl-C and the end to the parent.

    Ctrl-C reaches the whole group, and the service ends its workers itself. If it is killed and
    cannot, they leave all the same.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
