"""Where every export ends: the finished file into the model repository, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from inference.model_spec import ModelSpec, mismatch


def place_model(spec: ModelSpec, content: bytes) -> None:
    """Check `content` against the configuration's digest and put it in place of what was there.

    Raises:
        Unavailable: MODEL_MISMATCH, the digest differs; the old file is untouched.
        OSError: the disk is full or read-only; the old file is untouched.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != spec.sha256:
        message = f"the file built for it has SHA-256 {found}, config.pbtxt says {spec.sha256}. Nothing was changed."
        raise mismatch(spec.name, message, found=found, expected=spec.sha256)
    spec.path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".build-", dir=spec.path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Services run as other users than the one who built the model.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(spec.path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
