"""How each host of docs/hosts.md is started and called."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target/hosts"
TOKEN = "project-token-of-the-tests"
PROFILE_ID = "user-4711"
TIMEOUT_SECONDS = 60
# A server may build the handler first, and wait for another build.
START_SECONDS = 300
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Host:
    """A host, which may not be installed."""

    def __init__(self, name, command, version, glue, needs=(), folder=ROOT):
        self.name = name
        self.command = [str(word) for word in command]
        self.glue = glue
        """The files that its user writes."""
        self.needs = needs
        self.version_command = version
        self.folder = folder

    def missing(self):
        """What of it is not installed."""
        return [tool for tool in self.needs if not shutil.which(tool)]

    def version(self):
        said = subprocess.run(self.version_command, capture_output=True, text=True, check=True)
        return re.search(r"\d+\.\d+\.\d+", said.stdout)[0]

    def lines(self):
        """How many lines of code the user writes, without blank lines and comments."""
        text = "".join((ROOT / file).read_text() for file in self.glue)
        lines = (line.strip() for line in text.splitlines())
        return sum(bool(line) and not line.startswith(("#!", "# ", "//")) for line in lines)

    def environment(self, origin):
        return {
            "MIXPANEL_PROJECT_TOKEN": TOKEN,
            "MIXPANEL_BASE_URL": origin,
            "ADDRESS": "127.0.0.1:0",
        }

    def spawn(self, origin, command=None, **options):
        return subprocess.Popen(
            command or self.command,
            cwd=self.folder,
            env={**os.environ, **self.environment(origin)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            **options,
        )


def kill(process):
    """As a crash: `kill -9`."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Command(Host):
    """Makes one call, prints what the card returned, and ends."""

    @contextlib.contextmanager
    def running(self, origin):
        calls = CommandCalls(self, origin)
        try:
            yield calls
        finally:
            calls.kill()


class CommandCalls:
    def __init__(self, host, origin):
        self.host = host
        self.origin = origin
        self.process = None

    def call(self):
        self.begin()
        printed, errors = self.process.communicate(timeout=TIMEOUT_SECONDS)
        assert self.process.returncode == 0, errors
        return printed

    def begin(self):
        self.process = self.host.spawn(self.origin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def kill(self):
        if self.process:
            kill(self.process)


class Server(Host):
    """Serves the handler of requests in http/ with the card."""

    def __init__(self, *arguments, address, **options):
        super().__init__(*arguments, **options)
        self.address = address
        """What is printed once it serves; the first has the port."""

    @contextlib.contextmanager
    def running(self, origin):
        calls = ServerCalls(self, origin)
        try:
            yield calls
        finally:
            calls.kill()


class ServerCalls:
    def __init__(self, host, origin):
        self.host = host
        self.origin = origin
        self.start()

    def start(self):
        TARGET.mkdir(parents=True, exist_ok=True)
        log = TARGET / f"{self.host.name.replace(' ', '-')}.log"
        with log.open("w") as output:
            self.process = self.host.spawn(self.origin, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while True:
            said = ANSI.sub("", log.read_text(errors="replace"))
            if all(re.search(part, said) for part in self.host.address):
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                kill(self.process)
                raise AssertionError(f"{self.host.name} does not serve:\n{said[-4000:]}")
            time.sleep(0.01)
        self.port = int(re.search(self.host.address[0], said)[1])

    def call(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", f"/{PROFILE_ID}")
            answer = connection.getresponse()
            return f"{answer.status} {answer.read().decode()}"

    def begin(self):
        def until_killed():
            with contextlib.suppress(OSError, http.client.HTTPException):
                self.call()

        threading.Thread(target=until_killed, daemon=True).start()

    def kill(self):
        kill(self.process)


class Wash(Server):
    """wasmCloud, with another address and another origin than those of its configuration."""

    allowed = None
    """The one origin that may be called; that of the stand-in where there is none."""

    def environment(self, origin):
        allowed = self.allowed or origin
        variables = f'{{MIXPANEL_BASE_URL="{origin}"}}'
        return {
            "MIXPANEL_PROJECT_TOKEN": TOKEN,
            "WASH_DEV": '{address="127.0.0.1:0"}',
            "WASH_WORKLOAD": f'{{allowedHosts=["{allowed}"],environment={{config={variables}}}}}',
            # Nothing of the user's own, and nothing left behind.
            "XDG_CONFIG_HOME": str(TARGET / "wash"),
            "XDG_CACHE_HOME": str(TARGET / "wash"),
            "XDG_DATA_HOME": str(TARGET / "wash"),
        }


HERE = ROOT / "tests/hosts"
VERSION = "from importlib.metadata import version; print(version('wasmtime'))"
JCO = HERE / "jco/node_modules/.bin/jco"

WASMTIME = Command(
    "wasmtime's command line",
    [HERE / "wasmtime/run.sh"],
    version=["wasmtime", "--version"],
    glue=["tests/hosts/wasmtime/run.sh"],
    needs=["wasmtime"],
)
RUST = Command(
    "wasmtime in Rust",
    [ROOT / "target/release/examples/embed"],
    version=["cargo", "pkgid", "--locked", "wasmtime"],
    glue=["examples/embed.rs"],
)
IN_PYTHON = Command(
    "wasmtime in Python",
    [sys.executable, ROOT / "tests/python/embed.py"],
    version=[sys.executable, "-c", VERSION],
    glue=["tests/python/embed.py"],
)
NODE = Command(
    "jco in Node",
    ["node", HERE / "jco/embed.mjs"],
    version=[JCO, "--version"],
    glue=["tests/hosts/jco/embed.mjs"],
    needs=["node", JCO],
)
SERVE = Server(
    "wasmtime serve",
    [HERE / "http/serve.sh"],
    version=["wasmtime", "--version"],
    glue=["tests/hosts/http/serve.sh", "tests/hosts/http/src/lib.rs"],
    needs=["wasmtime", "wac"],
    address=[r"Serving HTTP on http://127\.0\.0\.1:(\d+)/"],
)
WASMCLOUD = Wash(
    "wasmCloud",
    ["wash", "dev"],
    version=["wash", "--version"],
    glue=["tests/hosts/wasmcloud/.wash/config.yaml", "tests/hosts/http/src/lib.rs"],
    needs=["wash"],
    folder=HERE / "wasmcloud",
    # The address that was asked for is printed when it is ready, the one that it got before.
    address=[r"HTTP server listening addr=127\.0\.0\.1:(\d+)", "listening for HTTP requests"],
)
HOSTS = [WASMTIME, RUST, IN_PYTHON, NODE, SERVE, WASMCLOUD]
