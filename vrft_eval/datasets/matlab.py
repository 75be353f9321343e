"""Reading MATLAB's `.mat` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vrft_eval.errors import InputError
from vrft_eval.files import read_bytes


def read_mat(file: Path, *fields: str) -> dict[str, NDArray[Any]]:
    """Read some variables of a `.mat` file, each as an array without dimensions of size 1 but at least one.

    Raises InputError when it isn't such a file (of MATLAB 4 to 7.2) or lacks a variable.
    """
    from scipy.io import loadmat

    read_bytes(file)  # says that it is absent or empty
    try:
        found = loadmat(file, variable_names=list(fields), squeeze_me=True)
    # SciPy lists no errors for a broken file: whatever is raised means that it isn't one.
    except Exception as error:
        raise InputError(f"not a .mat file that can be read: {error}", file=file) from None
    for name in fields:
        if name not in found:
            raise InputError("the variable is not there", file=file, field=name)
    return {name: np.atleast_1d(found[name]) for name in fields}


def whole_numbers(values: NDArray[Any], file: Path, field: str) -> list[int]:
    """A variable as whole numbers. Raises InputError when it holds something else."""
    flat = values.reshape(-1)
    if flat.dtype.kind not in "iuf" or not np.all(np.isfinite(flat)) or np.any(flat != np.floor(flat)):
        raise InputError("must be whole numbers", file=file, field=field)
    return [int(value) for value in flat]
