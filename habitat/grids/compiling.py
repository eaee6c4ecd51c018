"""How loops over pixels are compiled. Importing it costs what importing numba costs: only kernels do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import CellType, FunctionType, ModuleType
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


def compiled_part(function: Callable[..., Any]) -> Any:
    """Compile what only kernels of :func:`compiled_with` call: their machine code is kept, and it is in there."""
    return numba.njit(nogil=True, error_model="numpy")(function)


def compiled_with(*modules: ModuleType) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that calls kernels of other modules; its machine code is kept until their files change.

    Numba keeps machine code under the values that a function closes over, too: here, a digest of those files.
    """
    digest = hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in modules)).hexdigest()

    def decorate(function: Any) -> Any:
        code = function.__code__.replace(co_freevars=("digest",))
        closed = FunctionType(code, function.__globals__, function.__name__, None, (CellType(digest),))
        closed.__module__, closed.__qualname__, closed.__doc__ = (
            function.__module__,
            function.__name__,
            function.__doc__,
        )
        return compiled(closed)

    return decorate
