"""How loops over pixels are compiled. Importing it costs what importing numba costs: only kernels do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """Compile, free of the interpreter's lock, and keep the machine code where there is a folder for it.

    Numba looks only at the file of a function to know whether what it kept is out of date: all of them stand here.
    """
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # numba found no folder that can be written
        return numba.njit(nogil=True, error_model="numpy")(function)
