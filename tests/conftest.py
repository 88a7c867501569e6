"""Settings that hold for every test, and the rule that CI skips nothing in silence."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.support.models import built_model_repo

__all__ = ["built_model_repo"]

MAY_BE_ABSENT = ("../shared/data",)
"""What even a CI machine may lack; a skip for any other reason fails there."""


ALONE = ("tests/e2e/", "tests/orchestrator/test_triton_sessions.py")
"""Whole stacks and browsers, and promises of how soon a session goes on elsewhere."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(ALONE):
            item.add_marker(pytest.mark.alone)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Of whole files, which `importorskip` leaves out before any test has a report."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and os.environ.get("GENESIS_CI") and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not any(words in reason for words in MAY_BE_ABSENT):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, where everything must run: {reason}"
