"""What all sections of a recipe are: frozen, strict about types, and closed to unknown keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """Settings that a table of the recipe holds. One word where a list of words is asked is a list of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _one_word(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields.get(info.field_name or "")
        return [value] if isinstance(value, str) and field is not None and _is_words(field.annotation) else value


def _is_words(annotation: Any) -> bool:
    """Whether a key takes a list of words, and no word alone."""
    options = [annotation] if get_origin(annotation) is list else [_bare(option) for option in get_args(annotation)]
    elements = [_bare(get_args(option)[0]) for option in options if get_origin(option) is list]
    return str not in options and any(element is str or get_origin(element) is Literal for element in elements)


def _bare(annotation: Any) -> Any:
    """A type without what is said of it beside."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
