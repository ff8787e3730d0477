"""Every benchmark can be started: its module imports."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__main__")

OPTIONAL = frozenset({"litellm", "portkey", "dask", "pyarrow", "paretobandit", "matplotlib"})
"""What a benchmark may compare with or need that the test extra does not install."""


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_imports(name: str) -> None:
    try:
        module = importlib.import_module(f"tests.benchmarks.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in OPTIONAL:
            raise
        pytest.skip(f"it needs {error.name}, which is not installed")
    assert module.__doc__
