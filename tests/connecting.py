"""Connecting to an empty database for each test, without finding out anew what the models are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tortoise.apps import Apps
from tortoise.models import MetaInfo, Model

_build = Apps._build_initial_querysets
_built: dict[tuple[str, type[Model]], dict[str, Any]] = {}


def _build_once(apps: Apps) -> None:
    """Prepare models for queries on a dialect, which is the same for every connection of it."""
    models = [model for app in apps.apps.values() for model in app.values()]
    keyed = {(model._meta.db.capabilities.dialect, model): model._meta for model in models}
    if not keyed.keys() <= _built.keys():
        _build(apps)
        for key, meta in keyed.items():
            _built[key] = {name: _own(getattr(meta, name)) for name in MetaInfo.__slots__}
    for key, meta in keyed.items():
        for name, value in _built[key].items():
            setattr(meta, name, _own(value))


def _own(value: Any) -> Any:
    """Return a collection of one's own: Tortoise fills them anew for another dialect, in place."""
    return value.copy() if isinstance(value, list | dict | set) else value


@contextmanager
def models_kept() -> Iterator[None]:
    """Keep what models are on each dialect within the block, which is most of a connection."""
    with patch.object(Apps, "_build_initial_querysets", _build_once):
        yield
