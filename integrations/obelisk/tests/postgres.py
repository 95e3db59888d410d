"""A PostgreSQL server of the tests' own, as an ordinary user, in a folder of theirs."""

import glob
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from processes import Program

PORT = 5432
"""Obelisk has no setting for it, so that the host must be a free one."""


def free_host():
    """A loopback address on which nobody has the port."""
    for last in range(9, 255):
        with socket.socket() as probe:
            try:
                probe.bind((f"127.0.0.{last}", PORT))
                return f"127.0.0.{last}"
            except OSError:
                pass
    raise AssertionError(f"port {PORT} is taken on every address: a server listens on 0.0.0.0")


class Postgres:
    def __init__(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        assert programs, "no PostgreSQL: apt-get install postgresql"
        programs = Path(programs[-1])
        # It refuses to run as root. Debian's package has made a user for it.
        as_user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}

        self.is_ready = programs / "pg_isready"
        self.folder = Path(tempfile.mkdtemp(prefix="obelisk-postgres-"))
        self.password = secrets.token_hex(16)
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if as_user:
            for path in (self.folder, password_file):
                shutil.chown(path, **as_user)
        data = self.folder / "data"
        subprocess.run(
            [programs / "initdb", "--pgdata", data, "--username", "obelisk"]
            + ["--auth", "scram-sha-256", "--pwfile", password_file, "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
            **as_user,
        )
        self.host = free_host()
        self.program = Program(
            "postgres",
            [programs / "postgres", "-D", data, "-p", PORT]
            + ["-c", f"listen_addresses={self.host}", "-c", "unix_socket_directories="]
            # What a crash of the machine would lose is of no interest here.
            + ["-c", "fsync=off", "-c", "max_connections=200"],
            cwd=self.folder,
            **as_user,
        )
        self.program.wait_until(self.answers, "PostgreSQL answers")

    def answers(self):
        """Whether it takes clients: while it starts, it only refuses them."""
        asked = [self.is_ready, "--host", self.host, "--port", str(PORT), "--quiet"]
        return subprocess.run(asked, check=False).returncode == 0

    def environment(self):
        """What server.postgres.toml asks for."""
        return {
            "POSTGRES_HOST": self.host,
            "POSTGRES_USER": "obelisk",
            "POSTGRES_PASSWORD": self.password,
            "POSTGRES_DATABASE": "obelisk",
        }

    def stop(self):
        # "Fast": without waiting for its clients to leave.
        self.program.stop(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)
