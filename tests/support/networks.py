"""A machine of its own inside this one, with two networks of which either can be pulled."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# Of the range that is kept for trials between networks (RFC 2544).
RANGE = "198.18"


def ip(*said: str) -> None:
    """Tell the kernel of networks; CableError with its words."""
    done = subprocess.run(["ip", *said], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CableError(f"ip {' '.join(said)}: {done.stderr.strip()}")


class CableError(Exception):
    """The kernel refuses a network."""


@dataclass(frozen=True)
class Cable:
    """One network between the machine inside and this one."""

    name: str
    here: str
    there: str

    @property
    def inside(self) -> str:
        """What its far end is called."""
        return f"{self.name}i"


@dataclass(frozen=True)
class Inside:
    """The machine inside: its first cable is the one that it prefers."""

    name: str
    cables: tuple[Cable, Cable]

    def starter(self, program: Path, folder: Path) -> Path:
        """Write what starts a program inside."""
        path = folder / f"{program.name}-inside"
        path.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        path.chmod(0o755)
        return path

    def pull(self, cable: Cable) -> None:
        """Take a network away: its address and its routes are gone, as with a pulled plug."""
        ip("-n", self.name, "link", "set", cable.inside, "down")
        ip("-n", self.name, "address", "flush", "dev", cable.inside)


@contextmanager
def machine_inside() -> Iterator[Inside]:
    """A namespace with two cables to this machine, which goes with the block.

    Where the account or the kernel may not make one the test is skipped, and says why.
    """
    if os.geteuid() != 0:
        pytest.skip("only root may make networks")
    if shutil.which("ip") is None:
        pytest.fail("iproute2 is not installed: run `make system`")
    number = os.getpid() % 10_000
    name = f"kuayu{number}"
    third = number % 250
    cables = (
        Cable(f"ka{number}", f"{RANGE}.{third}.1", f"{RANGE}.{third}.2"),
        Cable(f"kb{number}", f"{RANGE}.{third}.5", f"{RANGE}.{third}.6"),
    )
    with ExitStack() as stack:
        try:
            _lay(stack, name, cables)
        except CableError as error:
            pytest.skip(f"no networks can be made here: {error}")
        yield Inside(name, cables)


def _lay(stack: ExitStack, name: str, cables: tuple[Cable, Cable]) -> None:
    ip("netns", "add", name)
    # The cables go with it.
    stack.callback(ip, "netns", "delete", name)
    ip("netns", "exec", name, "true")
    ip("-n", name, "link", "set", "lo", "up")
    for metric, cable in enumerate(cables, start=1):
        ip("link", "add", cable.name, "type", "veth", "peer", cable.inside, "netns", name)
        ip("address", "add", f"{cable.here}/30", "dev", cable.name)
        ip("link", "set", cable.name, "up")
        ip("-n", name, "address", "add", f"{cable.there}/30", "dev", cable.inside)
        ip("-n", name, "link", "set", cable.inside, "up")
        ip("-n", name, "route", "add", "default", "via", cable.here, "metric", str(metric))
