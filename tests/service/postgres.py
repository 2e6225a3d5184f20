"""A real PostgreSQL of the test's own: a cluster in a temporary folder, at a free port of the loopback.

PostgreSQL refuses to run as root: where the tests do, it runs as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

PASSWORD = "only for this test"
OPTIONS = "-c listen_addresses=127.0.0.1 -c max_connections=60"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off the PATH."""
    beside = shutil.which("initdb")
    folders = [Path(beside).resolve().parent] if beside else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders and (folders[-1] / "pg_ctl").exists() else None


@dataclass
class Cluster:
    """A PostgreSQL that can be stopped and started.

    Attributes:
        bin: folder of its programs.
        folder: everything that it has.
        port: where it listens.
        patient: whether it waits for the disk, as it must where figures are taken.
    """

    bin: Path
    folder: Path
    port: int
    patient: bool = False

    def start(self) -> None:
        """Start, and wait until it answers."""
        fsync = "on" if self.patient else "off"
        options = f"-p {self.port} -c unix_socket_directories={self.folder} {OPTIONS} -c fsync={fsync}"
        self._run("pg_ctl", "-D", "data", "-w", "-t", "60", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: "fast" closes connections, "immediate" is as if it had been killed."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def database(self, name: str) -> str:
        """Make a database and return its address."""
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def address(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://taglet:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/{name}"

    def initialise(self) -> None:
        """Make the cluster."""
        (self.folder / "password").write_text(PASSWORD)
        self._own(self.folder, self.folder / "password")
        words = ("-D", "data", "-U", "taglet", "-A", "scram-sha-256", "--pwfile=password", "-E", "UTF8", "--no-sync")
        self._run("initdb", *words, "--locale=C")

    def _own(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, *_nobody())

    def _run(self, program: str, *words: str) -> None:
        options: dict[str, Any] = {}
        if os.geteuid() == 0:
            user, group = _nobody()
            options = {"user": user, "group": group, "extra_groups": []}
        command = [str(self.bin / program), *words]
        with (self.folder / "said").open("w+") as said:  # a pipe would stay open in the server
            done = subprocess.run(
                command, cwd=self.folder, stdout=said, stderr=said, timeout=120, check=False, **options
            )
            said.seek(0)
            assert done.returncode == 0, f"{command}: {said.read()}"


@contextmanager
def running_cluster(patient: bool = False) -> Iterator[Cluster]:
    """Yield a cluster that runs; it is stopped and removed at the end."""
    bin_ = programs()
    assert bin_ is not None
    folder = Path(tempfile.mkdtemp(prefix="taglet-postgres-"))
    cluster = Cluster(bin_, folder, free_port(), patient)
    try:
        cluster.initialise()
        cluster.start()
        yield cluster
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            cluster.stop("immediate")
        shutil.rmtree(folder)


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _nobody() -> tuple[int, int]:
    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid
