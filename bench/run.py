"""`make bench`: every benchmark in one run, each beside its peers or its floor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHES = ("rehearsals.py", "certificates.py", "issuing.py", "commands.py")


def main() -> int:
    """Run each benchmark in a process of its own; return how many failed."""
    failed = 0
    for name in BENCHES:
        print(f"\n== {name.removesuffix('.py')}", flush=True)
        found = subprocess.run([sys.executable, str(Path(__file__).with_name(name))], check=False)
        failed += found.returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
