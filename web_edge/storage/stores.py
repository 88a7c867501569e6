"""Where recordings lie: a folder, or a bucket that obstore knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from music.errors import InvalidInput, Reason, Unavailable

_NAME = re.compile(r"[0-9a-f]{32}(\.stem)?")


def open_store(url: str, folder: Path) -> ObjectStore:
    """The store at `url` (`s3://bucket/prefix`; credentials as the AWS tools take them), or `folder` without one.

    Raises InvalidInput: CONFIG_INVALID.
    """
    if not url:
        return LocalStore(folder, mkdir=True)
    try:
        return from_url(url)
    except (BaseError, ValueError) as error:
        raise InvalidInput(
            Reason.CONFIG_INVALID, f"Recordings cannot be stored at {url!r}; give s3://BUCKET/PREFIX or nothing."
        ) from error


@contextmanager
def store_errors(*, may_be_gone: bool = False) -> Iterator[None]:
    """Raises Unavailable: STORAGE_UNAVAILABLE for whatever the store raises within, or nothing for what is gone."""
    try:
        yield
    except FileNotFoundError as error:
        if may_be_gone:
            return
        raise Unavailable(
            Reason.STORAGE_UNAVAILABLE, "The recording is not stored any more. Upload it again."
        ) from error
    except (OSError, BaseError) as error:
        raise Unavailable(
            Reason.STORAGE_UNAVAILABLE, "The recording cannot be stored or read. Tell whoever runs this server."
        ) from error


def sync(store: ObjectStore, name: str) -> None:
    """Have a folder's file on the disk itself; a bucket has done so when it says that it has it."""
    if isinstance(store, LocalStore) and store.prefix is not None:
        for path in (Path(store.prefix) / name, Path(store.prefix)):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def is_ours(store: ObjectStore, name: str) -> bool:
    """Whether a stored thing is a recording of ours; a bucket may hold other things too, the folder is ours alone."""
    return isinstance(store, LocalStore) or _NAME.fullmatch(name) is not None


def remove_parts(store: ObjectStore) -> None:
    """Remove what a crash left in a folder of files that were being written: the store itself does not show them."""
    if isinstance(store, LocalStore) and store.prefix is not None:
        for path in Path(store.prefix).glob("*#*"):
            path.unlink(missing_ok=True)
