"""The file store: where this process keeps files, put together by the settings."""

from connectors.storage import Storage
from settings import get_settings


class _Kept:
    storage: Storage | None = None


def keep_files_in(storage: Storage | None) -> None:
    """Keep files there from now on; None: where the settings say."""
    _Kept.storage = storage


def file_store() -> Storage:
    """Return where files are kept."""
    if _Kept.storage is None:
        _Kept.storage = Storage.from_settings(get_settings())
    return _Kept.storage
