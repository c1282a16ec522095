"""A throwaway PostgreSQL cluster on a Unix socket, and a fresh database for every test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

SUPERUSER = "kuayu"
# Nothing here outlives the run, so nothing need reach the disk.
SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass
class Cluster:
    """A running server, reached through the socket in `folder`."""

    folder: Path
    names: set[str] = field(default_factory=set)

    async def fresh_database(self, template: str = "template1") -> str:
        """Make a copy of `template`, empty unless told otherwise, and return its SQLAlchemy URL."""
        return await self.make_database(f"test_{len(self.names)}", template)

    async def make_database(self, name: str, template: str = "template1") -> str:
        """Make a database of this name and return its SQLAlchemy URL."""
        self.names.add(name)
        connection = await asyncpg.connect(
            host=str(self.folder), user=SUPERUSER, database="postgres"
        )
        try:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        finally:
            await connection.close()
        return f"postgresql+asyncpg://{SUPERUSER}@/{name}?host={self.folder}"


def binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL server that is installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_cluster(bin_folder: Path) -> Iterator[Cluster]:
    """Start a cluster in a folder of its own, and stop and remove it at the end.

    PostgreSQL refuses to run as root, so root starts it as the user `postgres`. It dies with
    this process, however that ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="kuayu-pg-", dir="/tmp"))
    prefix = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    data = folder / "data"
    try:
        subprocess.run(
            [*prefix, bin_folder / "initdb", "-D", data, "-U", SUPERUSER, "-A", "trust",
             "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        settings = [part for setting in SPEED for part in ("-c", setting)]
        with subprocess.Popen(
            [*prefix, bin_folder / "postgres", "-D", data, "-k", folder, "-h", "", *settings],
            stderr=subprocess.PIPE, text=True, cwd=folder,
        ) as server:  # fmt: skip
            try:
                _wait_until_ready(server)
                yield Cluster(folder)
            finally:
                server.send_signal(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: subprocess.Popen[str]) -> None:
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line)
        if "ready to accept connections" in line:
            # What nobody reads would fill the pipe and stop the server.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return
    raise RuntimeError(f"PostgreSQL did not start: {''.join(said)}")
