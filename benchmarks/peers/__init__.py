"""The peer: Mercurius with JIT on Node, what a user would pick instead; in the forms compared."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.seeding import DIRECTORY

HERE = Path(__file__).parent
INSTALLED = DIRECTORY / "peer"
FORMS = {
    "peer": {"FORM": "batched", "WORK": "same"},
    "peer, one SQL": {"FORM": "one", "WORK": "lean"},
    "peer, one SQL, token": {"FORM": "one", "WORK": "same", "TOKEN": "1"},
}
"""The name of each form, and what `server.mjs` does then."""


def is_available(database: str) -> bool:
    """Tell whether the peer can be run: it needs Node and npm, and knows PostgreSQL only."""
    return database == "postgres" and bool(shutil.which("node") and shutil.which("npm"))


def install() -> Path:
    """Install the pinned packages, unless that is done, and return the program."""
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.mjs"):
        source, copy = HERE / name, INSTALLED / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            shutil.copyfile(source, copy)
            if name == "package-lock.json":
                shutil.rmtree(INSTALLED / "node_modules", ignore_errors=True)
    if not (INSTALLED / "node_modules").exists():
        command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=INSTALLED, check=True)
    return INSTALLED / "server.mjs"
