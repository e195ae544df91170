#!/usr/bin/env python3
"""What is linked into the executable, of Cargo.lock: the bill of materials, and the licence texts.

    packaging/crates.py sbom     CycloneDX 1.5, as JSON
    packaging/crates.py notices  each crate's licence and its texts

Nothing but Cargo.lock, the sources and $SOURCE_DATE_EPOCH decides what is written.
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = "secretfs"
TEXTS = re.compile(r"(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)


def cargo(*arguments):
    """What cargo prints."""
    command = [os.environ.get("CARGO", "cargo"), *arguments, "--locked"]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def host():
    """The target that the machine's compiler compiles for."""
    said = subprocess.run(["rustc", "-vV"], check=True, text=True, stdout=subprocess.PIPE).stdout
    return next(line.removeprefix("host: ") for line in said.splitlines() if line.startswith("host: "))


def linked(target):
    """The packages that end up in the executable, by name and version, as `cargo metadata` has them."""
    tree = cargo("tree", "-p", PROGRAM, "--target", target, "-e", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}")
    names = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--filter-platform", target))
    packages = {
        package["id"]: package
        for package in metadata["packages"]
        if (package["name"], "v" + package["version"]) in names
    }
    if len(packages) != len(names):
        sys.exit("cargo tree and cargo metadata do not agree on what is linked")
    edges = {node["id"]: [d["pkg"] for d in node["deps"]] for node in metadata["resolve"]["nodes"]}
    return packages, edges


def purl(package):
    """The package's address in the form that scanners look up."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums):
    """One entry of the bill."""
    entry = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["description"]:
        entry["description"] = " ".join(package["description"].split())
    if package["license"]:
        # An old way to write OR.
        entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


def sbom():
    """The bill of materials."""
    packages, edges = linked(host())
    lock = (ROOT / "Cargo.lock").read_text()
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in tomllib.loads(lock)["package"]}
    program = next(p for p in packages.values() if p["name"] == PROGRAM)
    others = sorted((p for p in packages.values() if p is not program), key=purl)
    time = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc)
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, program["repository"] + lock).urn,
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**component(program, checksums), "type": "application"},
        },
        "components": [component(package, checksums) for package in others],
        "dependencies": [
            {
                "ref": purl(package),
                "dependsOn": sorted({purl(packages[i]) for i in edges[package["id"]] if i in packages}),
            }
            for package in [program, *others]
        ],
    }
    json.dump(bill, sys.stdout, indent=1, ensure_ascii=False)
    print()


def texts(package):
    """The licence files that come with a package, by name."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.iterdir()):
        if path.is_file() and TEXTS.search(path.name) and path.suffix not in (".rs", ".toml", ".json"):
            yield path.name, path.read_text(errors="replace").strip()


def notices():
    """Each text once, below the packages that it came with."""
    packages, _ = linked(host())
    foreign = sorted((p for p in packages.values() if p["source"]), key=purl)
    print("The executable secretfs is linked with these, each under the licence beside it.\n")
    for package in foreign:
        print(f"  {package['name']} {package['version']}: {package['license'] or 'see its text'}")
    by_text = {}
    for package in foreign:
        for _, text in texts(package):
            by_text.setdefault(text, []).append(f"{package['name']} {package['version']}")
    for text, owners in by_text.items():
        print("\n" + "-" * 100 + "\n" + ", ".join(owners) + "\n\n" + text)


if __name__ == "__main__":
    what = {"sbom": sbom, "notices": notices}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if what is None:
        sys.exit(__doc__)
    what()
