"""Lists what an image is made of, as CycloneDX: Debian's packages of which it holds files, and the crates in our programs.

    bill.py TARGET PACKAGES VERSION WORKSPACE

Reads what build.sh has left in the first two folders; the same inputs give the same list.
"""

import json
import os
import re
import subprocess
import sys
import urllib.parse


def fields(package):
    wanted = ["Package", "Version", "Architecture", "Source"]
    text = subprocess.run(["dpkg-deb", "-f", package, *wanted], check=True, capture_output=True, text=True).stdout
    return dict(line.split(": ", 1) for line in text.splitlines())


def debian(target, store):
    owners = {}
    with open(os.path.join(store, "owners")) as lines:
        for line in lines:
            path, package = line.split()[:2]
            owners[path] = package
    with open(os.path.join(target, "used")) as lines:
        used = {owners.get(line.strip()) for line in lines}
    folder = os.path.join(store, "packages")
    kernel = {name for name in os.listdir(folder) if name.startswith("linux-image")}
    for name in sorted((used | kernel) - {None}):
        told = fields(os.path.join(folder, name))
        version = urllib.parse.quote(told["Version"], safe="+~.-")
        yield {
            "type": "library",
            "name": told["Package"],
            "version": told["Version"],
            "purl": f"pkg:deb/debian/{told['Package']}@{version}?arch={told['Architecture']}",
        }


def crates(workspace):
    programs = ["towpathd", "shell", "init"]
    command = ["cargo", "tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}|{l}"]
    command += [word for name in programs for word in ("-p", name)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=workspace).stdout
    # Those of the workspace itself have a path behind them.
    found = {re.match(r"(\S+) v(\S+)( \(proc-macro\))?(?: \(\*\))?\|(.*)", line) for line in text.splitlines() if "(/" not in line}
    for match in sorted(filter(None, found), key=lambda match: match.groups("")):
        name, version, _, licence = match.groups()
        row = {"type": "library", "name": name, "version": version, "purl": f"pkg:cargo/{name}@{version}"}
        licence = licence.replace("(*)", "").strip().replace("/", " OR ")
        if licence:
            row["licenses"] = [{"expression": licence}]
        yield row


def main(target, store, version, workspace):
    rows = {row["purl"]: row for row in [*debian(target, store), *crates(workspace)]}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "operating-system", "name": "towpath", "version": version}},
        "components": [rows[key] for key in sorted(rows)],
    }
    json.dump(bill, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
