"""Writes the SBOM of the component (CycloneDX 1.6): the crates that are linked into it, and the
standard library. Macros, and what they need, run while it is built and are not in it.

    python scripts/sbom.py FILE
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

NAME = "mixpanel-create-profile"
TARGET = "wasm32-unknown-unknown"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked():
    """Names and versions of the crates that are linked into the card, and the card."""
    tree = run(
        *["cargo", "tree", "--locked", "--package", NAME, "--target", TARGET],
        *["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"],
    )
    return {tuple(re.match(r"(\S+) v(\S+)", line).groups()) for line in tree.splitlines() if line}


def component(package, checksum):
    references = []
    if package["repository"]:
        address = XsUri(package["repository"])
        references.append(ExternalReference(type=ExternalReferenceType.VCS, url=address))
    name, version = package["name"], package["version"]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{name}@{version}",
        description=package["description"],
        # Some crates still have the form that cargo took before SPDX expressions.
        licenses=[LicenseFactory().make_from_string(package["license"].replace("/", " OR "))],
        # The card is in no registry of crates.
        purl=PackageURL("cargo", name=name, version=version) if checksum else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=references,
    )


def standard_library():
    version = re.search(r"^release: (\S+)", run("rustc", "-vV"), re.MULTILINE)[1]
    return Component(
        name="rust-std",
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=f"rust-std@{version}",
        description="Rust's standard library",
        licenses=[LicenseFactory().make_from_string("MIT OR Apache-2.0")],
    )


def bill():
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1"))
    lock = tomllib.loads(Path("Cargo.lock").read_text())
    checksums = {(each["name"], each["version"]): each.get("checksum") for each in lock["package"]}
    names = linked()
    components = {
        package["id"]: component(package, checksums[package["name"], package["version"]])
        for package in metadata["packages"]
        if (package["name"], package["version"]) in names
    }
    assert len(components) == len(names), "two packages of one name and version"

    bom = Bom(components=[each for each in components.values() if each.name != NAME])
    bom.metadata.component = next(each for each in components.values() if each.name == NAME)
    for node in metadata["resolve"]["nodes"]:
        if node["id"] in components:
            needs = [
                components[each["pkg"]]
                for each in node["deps"]
                if each["pkg"] in components and any(kind["kind"] is None for kind in each["dep_kinds"])
            ]
            bom.register_dependency(components[node["id"]], needs)
    std = standard_library()
    bom.components.add(std)
    bom.register_dependency(bom.metadata.component, [std])
    return JsonV1Dot6(bom).output_as_string(indent=2)


if __name__ == "__main__":
    text = bill()
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if errors:
        sys.exit(f"sbom: not valid: {errors}")
    Path(sys.argv[1]).write_text(text + "\n")
    count = len(json.loads(text)["components"])
    print(f"sbom: valid CycloneDX 1.6; {count} components are linked into the card")
