"""The fixture `oracle`. Loaded by `pytest_plugins = ["oracle.plugin"]` in tests/conftest.py."""

from __future__ import annotations

import pytest

from oracle.client import Oracle, oracle_python


@pytest.fixture(scope="session")
def oracle(pytestconfig: pytest.Config) -> Oracle:
    """sentence-transformers in its own environment; its answers outlive the run in pytest's cache."""
    return Oracle(oracle_python(), pytestconfig.cache.mkdir("oracle"))
