"""What a schema refuses, told with its place and a remedy in the words of those who wrote it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from conductor_server.definitions.documents import Document, Trail
from conductor_server.definitions.values import Shape
from conductor_server.model.definition import Place
from conductor_server.model.errors import DefinitionError, SpecError, UnknownNameError

AnyModel = TypeVar("AnyModel", bound=BaseModel)

Locate = Callable[[Trail], Trail]
"""From a trail below the validated value to one in the document."""

_OF_KEY = "[key]"
"""What pydantic puts behind a key that is itself refused."""

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def validate(
    model: type[AnyModel], value: object, document: Document, locate: Locate
) -> tuple[AnyModel | None, list[DefinitionError]]:
    """The value as the model sees it, or all that the model says against it."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, list(complaints(error, model, document, locate))


def complaints(
    error: ValidationError, model: type[BaseModel], document: Document, locate: Locate
) -> Iterator[DefinitionError]:
    """One error for each of the model's objections."""
    for detail in error.errors(include_url=False):
        loc = detail["loc"]
        trail = locate(loc)
        if detail["type"] == "extra_forbidden":
            yield _unknown_key(str(loc[-1]), _keys(model, loc[:-1]), document.key_place(trail))
        elif loc[-1:] == (_OF_KEY,):
            message, remedy = _sentence(detail, "")
            yield SpecError(message, place=document.key_place(trail), remedy=remedy)
        else:
            message, remedy = _sentence(detail, document.key(trail))
            yield SpecError(message, place=document.place(trail), remedy=remedy)


def _unknown_key(key: str, known: list[str], place: Place) -> UnknownNameError:
    close = get_close_matches(key, known, n=1)
    remedy = (
        f"did you mean `{close[0]}`?" if close else f"the keys here are {', '.join(known)}" if known else ""
    )
    return UnknownNameError(f"there is no key `{key}` here", place=place, remedy=remedy)


def _sentence(detail: ErrorDetails, key: str) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    given, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            missing = detail["loc"][-1]
            return f"the key `{missing}` is missing", f"add `{missing}: …`"
        case "value_error":
            message = str(context["error"])
            what, _, remedy = message.partition("; ")
            return f"{f'`{key}`: ' if key else ''}{what}", remedy
        case "literal_error":
            return f"`{key}` is {_shown(given)}, but must be {context['expected']}", ""
        case "too_short":
            return f"`{key}` is empty", ""
        case kind if kind in _BOUNDS:
            bound, words = _BOUNDS[kind]
            return f"`{key}` is {_shown(given)}, but must be {words} {context[bound]}", ""
        case kind if kind in _WANTED:
            quoted = kind == "string_type" and isinstance(given, bool | int | float)
            subject = f"`{key}`" if key else "this"
            return (
                f"{subject} must be {_WANTED[kind]}, not {_shown(given)}",
                f'put it in quotes: "{str(given).lower()}"' if quoted else "",
            )
    message = detail["msg"]
    return f"`{key}`: {message[:1].lower()}{message[1:]}", ""


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text `{value[:60]}`"
        case list():
            return "a list"
        case _:
            return "a mapping"


def _keys(model: type[BaseModel], trail: Trail) -> list[str]:
    """The keys that a mapping at this trail below the model may have."""
    current: type[BaseModel] | None = model
    for step in trail:
        field = current.model_fields.get(step) if current and isinstance(step, str) else None
        if field:
            current = _model_in(field.annotation)
    if current is None:
        return []
    return current.keys() if issubclass(current, Shape) else list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as ``list[Model] | None``."""
    if arguments := get_args(annotation):
        return next(filter(None, map(_model_in, arguments)), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
