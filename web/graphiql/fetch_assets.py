"""Fetches GraphiQL's pinned files through npm at set-up; without npm the page uses the CDN."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from web.graphiql.pins import (
    ASSETS,
    PINS,
    Package,
    assets_are_complete,
    checksum,
    is_intact,
    packages,
)

NPM_TIMEOUT_SECONDS = 120
NPM_OPTIONS = (
    "--ignore-scripts",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-timeout=30000",
)


class NotFetchedError(Exception):
    """Says in one sentence why the files could not be had."""


def fetch(directory: Path = ASSETS, npm: str = "npm") -> str:
    """Put every pinned file into `directory`, all or none, and return the line to print.

    Never raises: set-up goes on without the files, and the page then loads them from the CDN.
    """
    if assets_are_complete(directory):
        return "GraphiQL: the pinned files are in place."
    try:
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".assets-") as work:
            contents = _checked_contents(Path(work), npm)
            _put(contents, directory, Path(work))
    except subprocess.TimeoutExpired:
        reason = f"npm took more than {NPM_TIMEOUT_SECONDS} seconds"
    except (NotFetchedError, OSError, tarfile.TarError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    else:
        return f"GraphiQL: {len(contents)} pinned files fetched through npm and verified."
    return f"GraphiQL: not fetched ({reason}); the page will use the public CDN."


def pin() -> str:
    """Write the checksums of the versions named in `assets.json`, after someone changed one."""
    entries = json.loads(PINS.read_text())
    with tempfile.TemporaryDirectory() as work:
        for entry, archive in zip(entries, _pack(Path(work), "npm"), strict=True):
            entry["integrity"] = checksum(archive.read_bytes(), "sha512")
            for file in entry["files"]:
                file["integrity"] = checksum(_member(archive, file["path"]), "sha384")
    PINS.write_text(json.dumps(entries, indent=2) + "\n")
    return f"GraphiQL: {len(entries)} packages pinned in {PINS.name}."


def _checked_contents(work: Path, npm: str) -> dict[str, bytes]:
    contents = {}
    for package, archive in zip(packages(), _pack(work, npm), strict=True):
        if not is_intact(archive.read_bytes(), package.integrity):
            raise NotFetchedError(f"{package.spec} is not the pinned archive")
        for file in package.files:
            content = _member(archive, file.path)
            if not is_intact(content, file.integrity):
                raise NotFetchedError(f"{package.spec}: {file.path} is not the pinned file")
            contents[file.name] = content
    return contents


def _pack(work: Path, npm: str) -> list[Path]:
    """Let npm put the archives of all packages into `work`; return them in the pinned order."""
    program = shutil.which(npm)
    if program is None:
        raise NotFetchedError("npm is not installed")
    done = subprocess.run(  # noqa: S603 - our own pinned names, no shell
        [program, "pack", *NPM_OPTIONS, *(package.spec for package in packages())],
        cwd=work,
        env={**os.environ, "NPM_CONFIG_UPDATE_NOTIFIER": "false"},
        capture_output=True,
        text=True,
        timeout=NPM_TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise NotFetchedError(f"npm pack ended with {done.returncode}")
    return [work / _archive_name(package) for package in packages()]


def _archive_name(package: Package) -> str:
    return f"{package.name.removeprefix('@').replace('/', '-')}-{package.version}.tgz"


def _member(archive: Path, path: str) -> bytes:
    with tarfile.open(archive) as opened:
        try:
            member = opened.extractfile(f"package/{path}")
        except KeyError:
            member = None
        if member is None:
            raise NotFetchedError(f"{archive.name} has no {path}")
        return member.read()


def _put(contents: dict[str, bytes], directory: Path, work: Path) -> None:
    directory.mkdir(exist_ok=True)
    for name, content in contents.items():
        (work / name).write_bytes(content)
        (work / name).replace(directory / name)


if __name__ == "__main__":
    sys.stdout.write((pin() if sys.argv[1:] == ["--pin"] else fetch()) + "\n")
