"""A formula, bound to data: design matrices that are whitened inside and read in the user's own units."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from habitat.errors import EstimationError

Floats = NDArray[np.float64]

_ALIASED = 1e-8
"""A column is a combination of earlier ones when less than this share of it is left without them."""

_FUNCTIONS = frozenset({"log", "log10", "log2", "exp", "center", "scale", "poly", "C", "I"})
_NODES = (ast.Expression, ast.Call, ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)


class NoDataError(EstimationError):
    """Nothing is wrong with the model, but there are no data to estimate it from."""


@dataclass(frozen=True)
class Design:
    """A formula, bound to the data that it was first used on.

    It remembers levels, centring and scaling, and the range of every variable, so that it can be
    evaluated on new data and say where that means to extrapolate.
    """

    spec: Any
    terms: tuple[str, ...]
    kept: NDArray[np.bool_]
    """Terms that are not a combination of earlier ones."""
    to_raw: Floats
    """(kept, kept): coefficients on the terms = to_raw @ coefficients on :meth:`whitened` columns."""
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    levels: dict[str, frozenset[Any]] = field(default_factory=dict)

    @classmethod
    def bind(cls, formula: str, data: pd.DataFrame) -> Design:
        """Bind `formula` to the complete rows of `data`.

        Parameters
        ----------
        formula : str
            Wilkinson's notation, such as ``forest_share + log(effort)``; no code beyond log, exp, center,
            scale, poly, C and I is run.
        data : DataFrame
            One row an observation.

        Raises
        ------
        EstimationError
            If the formula cannot be read or names an unknown variable; a NoDataError if no row is complete.
        """
        parsed, names, categorical = _parse(formula)
        for name in names:
            if name not in data.columns:
                raise _unknown(name, formula, data)
        discrete = {n for n in names if n in categorical or not pd.api.types.is_numeric_dtype(data[n])}
        rows = data.loc[_complete(data, names)]
        if not len(rows):
            raise NoDataError("no row has a value for every variable", where=f"formula {formula!r}")
        from formulaic.errors import FormulaicError

        try:
            matrix = parsed.get_model_matrix(_floats(rows[names], discrete), context={})
        except (FormulaicError, ValueError) as error:  # poly of too high a degree is a ValueError
            raise _unreadable(formula, error) from error
        values = np.asarray(matrix, dtype=float)
        if values.shape[1] == 0 or not np.isfinite(values).all():
            raise EstimationError(
                "gives values that are not finite" if values.size else "has no term",
                where=f"formula {formula!r}",
                mend="check its covariates (the logarithm of 0 is one cause), or write 1 for none",
            )
        kept, to_raw = _whitening(values)
        return cls(
            spec=matrix.model_spec,
            terms=tuple(str(c) for c in matrix.columns),
            kept=kept,
            to_raw=to_raw,
            ranges={n: (float(rows[n].min()), float(rows[n].max())) for n in names if n not in discrete},
            levels={n: frozenset(rows[n]) for n in names if n in discrete},
        )

    @property
    def estimated(self) -> tuple[str, ...]:
        """Terms that are kept."""
        return tuple(term for term, keep in zip(self.terms, self.kept, strict=True) if keep)

    def matrix(self, data: pd.DataFrame) -> Floats:
        """Return (rows, kept terms) values; NaN where a variable is missing or has a level not seen before."""
        names = [*self.ranges, *self.levels]
        usable = _complete(data, names)
        for name, seen in self.levels.items():
            usable = usable & data[name].isin(list(seen)).to_numpy()
        values = np.full((len(data), int(self.kept.sum())), np.nan)
        if usable.any():
            rows = _floats(data.loc[usable, names], set(self.levels))
            values[usable] = np.asarray(self.spec.get_model_matrix(rows, context={}), dtype=float)[:, self.kept]
        return values

    def whitened(self, data: pd.DataFrame) -> Floats:
        """Return :meth:`matrix` in columns whose mean square was one, and products none, where it was bound."""
        return self.matrix(data) @ self.to_raw

    def outside(self, data: pd.DataFrame) -> NDArray[np.bool_]:
        """Say of each row whether a variable lies beyond what the model has seen."""
        beyond = np.zeros(len(data), dtype=bool)
        for name, (low, high) in self.ranges.items():
            values = data[name].to_numpy(dtype=float, na_value=np.nan)
            slack = 1e-9 * max(abs(low), abs(high))
            beyond |= (values < low - slack) | (values > high + slack)
        for name, seen in self.levels.items():
            beyond |= data[name].notna().to_numpy() & ~data[name].isin(list(seen)).to_numpy()
        return beyond


def variables_of(formula: str) -> list[str]:
    """Return the variables that a formula names.

    Raises
    ------
    EstimationError
        If it cannot be read.

    >>> variables_of("forest_share + log(effort)")
    ['effort', 'forest_share']
    """
    return _parse(formula)[1]


def _parse(formula: str) -> tuple[Any, list[str], set[str]]:
    """Read a formula and refuse any code in it; also return its variables, and those that it wraps in C()."""
    from formulaic import Formula, SimpleFormula
    from formulaic.errors import FormulaicError

    try:
        parsed = Formula(formula.strip().removeprefix("~"))
    except (FormulaicError, SyntaxError) as error:
        raise _unreadable(formula, error) from error
    if not isinstance(parsed, SimpleFormula):
        raise _unreadable(formula, None)
    names: set[str] = set()
    categorical: set[str] = set()
    for expression in (factor.expr for term in parsed for factor in term.factors):
        try:
            tree = ast.parse(expression, mode="eval")
        except SyntaxError as error:
            raise _unreadable(formula, error) from error
        for node in ast.walk(tree):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
            if not isinstance(node, _NODES) or (isinstance(node, ast.Call) and called not in _FUNCTIONS):
                raise EstimationError(
                    f"{expression!r} is not allowed",
                    where=f"formula {formula!r}",
                    mend=f"the functions known are {', '.join(sorted(_FUNCTIONS))}",
                )
            if called == "C":
                categorical |= _names(node)
        names |= _names(tree)
    return parsed, sorted(names), categorical


def _names(tree: ast.AST) -> set[str]:
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions}


def _unreadable(formula: str, error: BaseException | None) -> EstimationError:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error or ""))  # formulaic colours what it does not understand
    said = " ".join("".join(c for c in plain if c.isprintable()).split())
    return EstimationError(
        "cannot be read" + (f" ({said})" if said else ""),
        where=f"formula {formula!r}",
        mend="write covariates joined by +, such as 'forest_share + log_effort', or 1 for none",
    )


def _unknown(name: str, formula: str, data: pd.DataFrame) -> EstimationError:
    known = sorted(str(c) for c in data.columns if c != "geometry")
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return EstimationError(f"unknown variable {name!r}", where=f"formula {formula!r}", mend=mend)


def _complete(data: pd.DataFrame, names: list[str]) -> NDArray[np.bool_]:
    return data[names].notna().all(axis=1).to_numpy(dtype=bool) if names else np.ones(len(data), dtype=bool)


def _floats(data: pd.DataFrame, discrete: set[str]) -> pd.DataFrame:
    """Numbers as plain floats, levels as plain objects: nullable types mean other things to formulaic."""
    return data.astype({name: object if name in discrete else float for name in data.columns})


def _whitening(values: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Keep columns that are not a combination of earlier ones; orthogonalise those."""
    kept: list[int] = []
    basis = np.empty((len(values), 0))
    for k, column in enumerate(values.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > _ALIASED * np.linalg.norm(column):
            kept.append(k)
            basis = np.column_stack([basis, rest / size])
    mask = np.zeros(values.shape[1], dtype=bool)
    mask[kept] = True
    upper = basis.T @ values[:, mask]
    return mask, np.linalg.inv(upper) * np.sqrt(len(values))
