#!/usr/bin/env python3
"""Pictures of what secretfs shows on a terminal, from real runs. By a user who may mount; not by root.

    screens.py readme docs/pictures/terminal.svg     makes the README's picture anew
    screens.py check docs/pictures/terminal.svg      says where it differs from what is shown today
    screens.py show OUT.svg -- secretfs status       any line of shell

--secretfs FILE: which executable (else the one on PATH); --columns N, --rows N, --no-color: of `show`."""

import argparse
import difflib
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from terminal import Screen, run, svg, text_of

MAP = """\
providers:
  vault:
    type: local              # or infisical, or onepassword
secrets:
  - name: KUBE_CONFIG
    file: kubeconfig
    env: KUBECONFIG
  - name: OPENAI_API_KEY
    file: openai/api-key
    allow: [python3, node]
"""

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: prod
clusters: [{name: prod, cluster: {server: 'https://k8s.example.com'}}]
contexts: [{name: prod, context: {cluster: prod, user: deploy}}]
users: [{name: deploy, user: {token: not-a-real-one}}]
"""

STEPS = [
    "cat secrets.yml",
    "secretfs mount",
    "ls ~/secrets",
    'eval "$(secretfs env)"; kubectl config get-contexts',
    "cat secrets/openai/api-key",
    "secretfs status",
]

PASSPHRASE = "a throwaway passphrase"
COLUMNS = 80


class Home:
    """A home that is gone afterwards, with a vault in it."""

    def __init__(self, secretfs):
        self.folder = Path(tempfile.mkdtemp(prefix="screens."))
        # In a longer one a socket has no room, and mounts would be known where those of others are.
        if len(str(self.folder)) > 76:
            raise SystemExit(f"{self.folder} is too deep: set TMPDIR to a shorter one")
        for name in ("you", "bin"):
            (self.folder / name).mkdir(mode=0o700)
        os.symlink(Path(secretfs).resolve(), self.folder / "bin/secretfs")
        self.home = self.folder / "you"
        self.environment = {
            "HOME": str(self.home),
            "USER": "you",
            "XDG_RUNTIME_DIR": str(self.folder),
            "PATH": f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "TZ": "UTC",
            # Not the machine's own: its screen may lock meanwhile.
            "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus",
        }

    def run(self, line, columns=COLUMNS, rows=50, answers=(), until=None):
        return run(line, columns, rows, self.environment, self.home, answers, until)

    def prepare(self):
        (self.home / "secrets.yml").write_text(MAP)
        (self.home / "secrets.yml").chmod(0o600)
        asked = [("assphrase", PASSPHRASE + "\n"), ("Once more", PASSPHRASE + "\n")]
        self.must("secretfs vault init", asked)
        for name, value in (("KUBE_CONFIG", KUBECONFIG), ("OPENAI_API_KEY", "not-a-real-one")):
            (self.home / "value").write_text(value)
            self.must(f"secretfs vault set {name} --from value", asked)
        (self.home / "value").unlink()

    def must(self, line, answers):
        said, status = self.run(line, answers=answers)
        if status != 0:
            raise SystemExit(f"{line}: status {status}\n{said}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run("secretfs unmount --all")
        shutil.rmtree(self.folder)


def readme(secretfs):
    """The screen after all steps, and what was logged meanwhile."""
    screen = Screen(COLUMNS)
    with Home(secretfs) as home:
        home.prepare()
        for i, step in enumerate(STEPS):
            if i > 0:
                screen.feed("\r\n")
            screen.feed(f"\x1b[36m$\x1b[0m \x1b[1m{step}\x1b[0m\r\n")
            said, _ = home.run(step, answers=[("assphrase", PASSPHRASE + "\n")])
            screen.feed(said)
        log = home.home / ".local/state/secretfs/secretfs.log"
        log = log.read_text() if log.exists() else ""
    while screen.lines and not screen.lines[-1]:
        screen.lines.pop()
    return screen, log


def lasting(lines):
    """Without what differs from one run or machine to the next: numbers, protections, what locks it."""
    kept = []
    for line in lines:
        name = line.split()[0] if line.startswith("  ") and line.split() else ""
        if name in ("memory", "sandbox", "locks", "heap", "pid"):
            line = f"  {name}"
        kept.append(re.sub(r"\s+", " ", re.sub(r"\b[0-9][0-9.]*(s|m)?\b", "#", line)).rstrip())
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secretfs", default=shutil.which("secretfs"))
    parser.add_argument("--columns", type=int, default=COLUMNS)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--no-color", action="store_true")
    parser.add_argument("--until", help="look once this is shown, and press q")
    parser.add_argument("what", choices=["readme", "check", "show"])
    parser.add_argument("picture", type=Path)
    parser.add_argument("line", nargs="*")
    args = parser.parse_args()
    if not args.secretfs:
        parser.error("there is no secretfs on PATH: say which one with --secretfs")
    if args.what == "show":
        environment = dict(os.environ, TERM="xterm-256color", **({"NO_COLOR": "1"} if args.no_color else {}))
        line = " ".join(args.line)
        screen = Screen(args.columns)
        screen.feed(f"\x1b[36m$\x1b[0m \x1b[1m{line}\x1b[0m\r\n" if not args.until else "")
        said, _ = run(line, args.columns, args.rows, environment, os.getcwd(), until=args.until)
        screen.feed(said)
        args.picture.write_text(svg(screen.lines, args.columns, line))
        return
    screen, log = readme(args.secretfs)
    if args.what == "readme":
        title = "secretfs on a terminal: a map, a mount, kubectl with a secret, and the status"
        args.picture.write_text(svg(screen.lines, COLUMNS, title))
        return
    shown, today = lasting(text_of(args.picture.read_text())), lasting(screen.text())
    difference = list(difflib.unified_diff(shown, today, "the picture", "today", lineterm=""))
    if difference:
        print("\n".join([*difference, log]))
        sys.exit("the picture shows what secretfs does not: `screens.py readme` makes it anew")


if __name__ == "__main__":
    main()
