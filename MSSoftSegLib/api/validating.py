"""Keywords to a schema of ours, in one sentence where they do not hold."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from MSSoftSegLib.errors import RequestError

Model = TypeVar("Model", bound=BaseModel)


def validate(schema: type[Model], **values: Any) -> Model:
    """The values as the schema's model; RequestError names the first that does not hold."""
    try:
        return schema(**values)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        raise RequestError(f"{name}: {reason}" if name else reason, remedy="see the function's help") from None
