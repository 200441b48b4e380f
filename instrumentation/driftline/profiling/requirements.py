"""Whether what the commands need is installed, and works together."""

from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec


def pyarrow_problem() -> str | None:
    """What is wrong with pyarrow, and what to do; None if it can be imported."""
    if find_spec("pyarrow") is None:
        return 'needs pyarrow: pip install "driftline[sklearn]"'
    try:
        import_module("pyarrow.parquet")
    except (ImportError, AttributeError) as error:  # AttributeError: built for another major version of numpy
        found = " and ".join(f"{name} {version(name)}" for name in ("pyarrow", "numpy"))
        return f"{found} do not work together ({error}): pip install --upgrade numpy pyarrow"
    return None
