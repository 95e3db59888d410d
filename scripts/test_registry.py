"""Pushes dist/ to a registry on loopback as `make publish` does, pulls it, compares it byte by byte,
prints what the registry says of it, and runs the pulled card once."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HARNESS = os.environ.get("STAND_IN", "target/release/host-harness")
CARD = "dist/mixpanel-create-profile.wasm"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
IMPORTS = [
    "wasi:clocks/monotonic-clock",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
]
INTERFACES = ["mixpanel:cards/connections@0.1.0", "mixpanel:cards/profiles@0.1.0"]


def start(folder):
    """A registry on a free port of loopback, and its address."""
    settings = folder / "registry.json"
    settings.write_text(
        json.dumps(
            {
                "version": 0.1,
                "log": {"level": "info", "accesslog": {"disabled": True}},
                "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
                "http": {"addr": "127.0.0.1:0"},
            }
        )
    )
    command = ["docker-registry", "serve", str(settings)]
    registry = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in registry.stderr:
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", line):
            return registry, found[1]
    sys.exit("the registry did not start")


def fetch(address, path, accept="*/*"):
    request = urllib.request.Request(f"http://{address}/v2/{path}", headers={"Accept": accept})
    # Whatever proxy the environment names: this is loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return json.load(response)


def look_at(address, name, version):
    """What a registry shows of an artifact: its annotations, its exports and its imports."""
    manifest = fetch(address, f"{name}/manifests/{version}", MANIFEST)
    assert [layer["mediaType"] for layer in manifest["layers"]] == ["application/wasm"], manifest
    contents = fetch(address, f"{name}/blobs/{manifest['config']['digest']}")["component"]
    prefix = "org.opencontainers.image."
    annotations = {key.removeprefix(prefix): value for key, value in manifest["annotations"].items()}
    print(f"\n{name}:{version}")
    for key, value in sorted(annotations.items()):
        print(f"  {key}: {value}")
    for kind in ["exports", "imports"]:
        print(f"  {kind}: {', '.join(sorted(contents[kind])) or 'none'}")
    return annotations, contents


def check(folder, address):
    environment = {**os.environ, "INSECURE": "yes"}
    # Nothing of the user's own, and nothing left behind.
    for variable in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "DOCKER_CONFIG"]:
        environment[variable] = str(folder)
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]:
        environment.pop(variable, None)
    subprocess.run(["scripts/publish.sh", address], env=environment, check=True)

    version = re.search(r'^version = "(.+)"', Path("Cargo.toml").read_text(), re.MULTILINE)[1]
    for name, file in {"create-profile": CARD, "cards": "dist/mixpanel-cards.wasm"}.items():
        pulled = folder / f"{name}.wasm"
        reference = f"{address}/mixpanel/{name}:{version}"
        command = ["wash", "oci", "pull", "--insecure", reference, str(pulled)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        assert pulled.read_bytes() == Path(file).read_bytes(), f"{file} came back changed"
        print(f"pulled {reference}: the same {pulled.stat().st_size} bytes")

    annotations, contents = look_at(address, "mixpanel/create-profile", version)
    assert annotations["title"] == "mixpanel-create-profile"
    assert annotations["version"] == version
    assert annotations["licenses"] == "Apache-2.0"
    assert annotations["description"]
    assert sorted(contents["exports"]) == INTERFACES, contents
    assert sorted(name.split("@")[0] for name in contents["imports"]) == IMPORTS, contents

    annotations, contents = look_at(address, "mixpanel/cards", version)
    assert annotations["title"] == "mixpanel:cards"
    assert annotations["version"] == version
    assert set(INTERFACES) <= set(contents["exports"]), contents
    assert contents["imports"] == [], contents

    command = [HARNESS, "run", "--stand-in", "--component", str(folder / "create-profile.wasm")]
    command += ["--input", "examples/new-profile.json"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert json.loads(run.stdout)["ok"]["status-code"] == 200, run.stdout
    print(f"\nthe pulled card: {run.stdout.strip()}")


if __name__ == "__main__":
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        registry, address = start(Path(folder))
        try:
            check(Path(folder), address)
        finally:
            registry.kill()
            registry.wait()
    print("\n1 passed, 0 failed")
