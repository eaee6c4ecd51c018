"""Eight numbers at once: a type for compiled code whose values are a vector register each.

Sums over bands or coefficients are too short for a compiler to find the vectors in them. Here they are written as
what they are: `load` a row of eight, add, subtract, multiply (by a row or a number), `store` it. Every operation is
rounded by itself, never fused, so that results do not depend on the machine.
"""

# ruff: noqa: ARG001  # numba reads the names of the arguments, and their values reach `build`

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import overload, register_model

from habitat.change._state import LANES

_FLOAT, _INT = ir.FloatType(), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, LANES)


def intrinsic(function: Callable[..., Any]) -> Any:
    """Numba's decorator, for mypy: compiled code leaves out the first argument."""
    return numba_intrinsic(function)


class LanesType(types.Type):
    """Numba's type of eight float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES_TYPE = LanesType()


class RowsType(types.Type):
    """Numba's type of the address of rows of eight float32: `rows[row, lane]` is one number, `load` a row.

    It counts no references and checks no bounds: the array must live in the caller, and the layout must be right.
    """

    def __init__(self) -> None:
        super().__init__(name="Rows")


ROWS_TYPE = RowsType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)  # type: ignore[no-untyped-call]


@register_model(RowsType)
class _RowsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _FLOAT.as_pointer())  # type: ignore[no-untyped-call]


def _vector(builder: Any, rows: Any, row: Any) -> Any:
    """Address of a row, as that of a vector."""
    return builder.bitcast(_number(builder, rows, row, row.type(0)), _VECTOR.as_pointer())


def _number(builder: Any, rows: Any, row: Any, lane: Any) -> Any:
    """Address of a number."""
    return builder.gep(rows, [builder.add(builder.mul(row, row.type(LANES)), lane)])


@intrinsic
def rows_of(_context: Any, array: Any, first: Any) -> Any:
    """Return the rows of a C-contiguous float32 array (..., LANES) from row `first` on, over all dimensions."""
    if not (isinstance(array, types.Array) and array.dtype == types.float32 and array.layout == "C"):
        return None

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        return _number(builder, data, values[1], values[1].type(0))

    return ROWS_TYPE(array, types.intp), build


@intrinsic
def load(_context: Any, rows: Any, row: Any) -> Any:
    """Return row `row` of `rows`."""

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.load(_vector(builder, *values), align=4)

    return LANES_TYPE(ROWS_TYPE, types.intp), build


@intrinsic
def load_flat(_context: Any, array: Any, first: Any) -> Any:
    """Return eight neighbours of a C-contiguous float32 array, the first at flat index `first`."""
    if not (isinstance(array, types.Array) and array.dtype == types.float32 and array.layout == "C"):
        return None

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, values[0]).data
        pointer = builder.bitcast(builder.gep(data, [values[1]]), _VECTOR.as_pointer())
        return builder.load(pointer, align=4)

    return LANES_TYPE(array, types.intp), build


@intrinsic
def scatter(_context: Any, rows: Any, row: Any, step: Any, lane: Any, lanes: Any) -> Any:
    """Write the eight to lane `lane` of every `step`-th row from row `row` on."""

    def build(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        rows, row, step, lane, vector = values
        for k in range(LANES):
            place = builder.add(row, builder.mul(step, step.type(k)))
            builder.store(builder.extract_element(vector, _INT(k)), _number(builder, rows, place, lane))
        return context.get_dummy_value()

    return types.void(ROWS_TYPE, types.intp, types.intp, types.intp, LANES_TYPE), build


@intrinsic
def store(_context: Any, rows: Any, row: Any, lanes: Any) -> Any:
    """Write `lanes` to row `row` of `rows`."""

    def build(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        builder.store(values[2], _vector(builder, values[0], values[1]), align=4)
        return context.get_dummy_value()

    return types.void(ROWS_TYPE, types.intp, LANES_TYPE), build


@intrinsic
def _get(_context: Any, rows: Any, row: Any, lane: Any) -> Any:
    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.load(_number(builder, *values))

    return types.float32(ROWS_TYPE, types.intp, types.intp), build


@intrinsic
def _set(_context: Any, rows: Any, row: Any, lane: Any, number: Any) -> Any:
    def build(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        builder.store(values[3], _number(builder, *values[:3]))
        return context.get_dummy_value()

    return types.void(ROWS_TYPE, types.intp, types.intp, types.float32), build


@overload(operator.getitem)
def _overload_get(rows, place):  # type: ignore[no-untyped-def]  # numba compares its signature
    return (lambda rows, place: _get(rows, place[0], place[1])) if isinstance(rows, RowsType) else None


@overload(operator.setitem)
def _overload_set(rows, place, number):  # type: ignore[no-untyped-def]  # numba compares its signature
    if isinstance(rows, RowsType):
        return lambda rows, place, number: _set(rows, place[0], place[1], number)
    return None


@intrinsic
def total(_context: Any, lanes: Any) -> Any:
    """Return the sum of the eight, always in the same order."""
    if not isinstance(lanes, LanesType):
        return None

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        (vector,) = values
        for half in (4, 2, 1):
            halves = [
                builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(_INT, half), list(places)))
                for places in (range(half), range(half, 2 * half))
            ]
            vector = builder.fadd(*halves)
        return builder.extract_element(vector, _INT(0))

    return types.float32(lanes), build


def _all(builder: Any, number: Any) -> Any:
    """Eight times the same number."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, _INT(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_INT, LANES), [0] * LANES))


@intrinsic
def every(_context: Any, number: Any) -> Any:
    """Return eight times `number`."""

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return _all(builder, values[0])

    return LANES_TYPE(types.float32), build


def _arithmetic(instruction: str) -> Any:
    @intrinsic
    def operation(_context: Any, one: Any, other: Any) -> Any:
        def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
            return getattr(builder, instruction)(*values)

        return LANES_TYPE(one, other), build

    return operation


_add, _subtract, _multiply = map(_arithmetic, ("fadd", "fsub", "fmul"))


def _both(one: Any, other: Any) -> bool:
    return isinstance(one, LanesType) and isinstance(other, LanesType)


@overload(operator.add)
@overload(operator.iadd)
def _overload_add(one, other):  # type: ignore[no-untyped-def]  # numba compares its signature
    return (lambda one, other: _add(one, other)) if _both(one, other) else None


@overload(operator.sub)
@overload(operator.isub)
def _overload_subtract(one, other):  # type: ignore[no-untyped-def]  # numba compares its signature
    return (lambda one, other: _subtract(one, other)) if _both(one, other) else None


@overload(operator.mul)
def _overload_multiply(one, other):  # type: ignore[no-untyped-def]  # numba compares its signature
    if _both(one, other):
        return lambda one, other: _multiply(one, other)
    if isinstance(one, types.Number) and isinstance(other, LanesType):
        return lambda one, other: _multiply(every(one), other)
    return None
