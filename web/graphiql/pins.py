"""What GraphiQL is made of: the pinned files of `assets.json` and where each may be read."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
PINS = HERE / "assets.json"
ASSETS = HERE / "assets"


@dataclass(frozen=True)
class PinnedFile:
    """One file of a package, and the name under which we serve it."""

    path: str
    name: str
    integrity: str


@dataclass(frozen=True)
class Package:
    """One package at one version; `integrity` is the checksum of its archive."""

    name: str
    version: str
    integrity: str
    files: tuple[PinnedFile, ...]

    @property
    def spec(self) -> str:
        """Return the package as npm is asked for it."""
        return f"{self.name}@{self.version}"

    def cdn_url(self, file: PinnedFile) -> str:
        """Return where the same bytes are found on the public CDN."""
        return f"https://cdn.jsdelivr.net/npm/{self.spec}/{file.path}"


@lru_cache
def packages() -> tuple[Package, ...]:
    """Return every pinned package, in the order in which the page loads them."""
    return tuple(
        Package(
            entry["name"],
            entry["version"],
            entry["integrity"],
            tuple(PinnedFile(**file) for file in entry["files"]),
        )
        for entry in json.loads(PINS.read_text())
    )


def checksum(content: bytes, algorithm: str) -> str:
    """Return the subresource-integrity text of `content`, such as `sha384-…`."""
    digest = hashlib.new(algorithm, content).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def is_intact(content: bytes, integrity: str) -> bool:
    """Tell whether `content` has the pinned checksum."""
    return checksum(content, integrity.partition("-")[0]) == integrity


def assets_are_complete(directory: Path = ASSETS) -> bool:
    """Tell whether every pinned file is in `directory` with its pinned checksum."""
    for package in packages():
        for file in package.files:
            local = directory / file.name
            if not local.is_file() or not is_intact(local.read_bytes(), file.integrity):
                return False
    return True
