"""Fetching GraphiQL's pinned files: all verified, or none written."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from web.graphiql import fetch_assets, pins
from web.graphiql.fetch_assets import fetch
from web.graphiql.pins import checksum, packages

TOY_SCRIPT = b"toy();\n"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Pin one made-up package of one file; return the archive that npm would bring."""
    made = tmp_path / "registry" / "scope-toy-1.2.3.tgz"
    made.parent.mkdir()
    with tarfile.open(made, "w:gz") as opened:
        member = tarfile.TarInfo("package/dist/toy.js")
        member.size = len(TOY_SCRIPT)
        opened.addfile(member, io.BytesIO(TOY_SCRIPT))
    file = {"path": "dist/toy.js", "name": "toy.js", "integrity": checksum(TOY_SCRIPT, "sha384")}
    entry = {
        "name": "@scope/toy",
        "version": "1.2.3",
        "integrity": checksum(made.read_bytes(), "sha512"),
        "files": [file],
    }
    (tmp_path / "assets.json").write_text(json.dumps([entry]))
    monkeypatch.setattr(pins, "PINS", tmp_path / "assets.json")
    packages.cache_clear()
    yield made
    packages.cache_clear()


def fake_npm(folder: Path, script: str) -> str:
    program = folder / "npm"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_fetch_puts_the_pinned_files_in_place_once(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "assets"
    script = f'echo "$@" >> "{tmp_path}/calls"; cp "{archive}" .'
    npm = fake_npm(tmp_path, script)
    assert fetch(target, npm) == "GraphiQL: 1 pinned files fetched through npm and verified."
    assert fetch(target, npm) == "GraphiQL: the pinned files are in place."
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {"toy.js": TOY_SCRIPT}
    (target / "toy.js").write_text("altered")
    assert fetch(target, npm) == "GraphiQL: 1 pinned files fetched through npm and verified."
    assert (target / "toy.js").read_bytes() == TOY_SCRIPT
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert [(call[0], call[-1]) for call in calls] == [("pack", "@scope/toy@1.2.3")] * 2
    assert all("--ignore-scripts" in call for call in calls)


def test_fetch_gives_up_when_npm_hangs(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_assets, "NPM_TIMEOUT_SECONDS", 0.1)
    assert fetch(tmp_path / "assets", fake_npm(tmp_path, "exec sleep 60")) == (
        "GraphiQL: not fetched (npm took more than 0.1 seconds); the page will use the public CDN."
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (None, "npm is not installed"),
        ("exit 7", "npm pack ended with 7"),
        ("echo altered > scope-toy-1.2.3.tgz", "@scope/toy@1.2.3 is not the pinned archive"),
    ],
)
def test_fetch_without_the_pinned_archive_writes_nothing(
    archive: Path, tmp_path: Path, script: str | None, reason: str
) -> None:
    npm = "/nowhere/npm" if script is None else fake_npm(tmp_path, script)
    before = sorted(tmp_path.rglob("*"))
    assert fetch(tmp_path / "assets", npm) == (
        f"GraphiQL: not fetched ({reason}); the page will use the public CDN."
    )
    assert sorted(tmp_path.rglob("*")) == before
