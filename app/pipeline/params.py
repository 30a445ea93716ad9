"""Reading parameters into a Pydantic model, with the specification's error for what does not fit."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters

Model = TypeVar("Model", bound=BaseModel)


def read_params(model: type[Model], params: Parameters) -> Model:
    """Return the model filled from the parameters; raises `invalid_request` naming the first parameter at fault."""
    try:
        return model.model_validate({**params.repeated, **params.single})
    except ValidationError as invalid:
        problem = invalid.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in problem["loc"]) or "request"
        if problem["type"] == "missing":
            raise OAuthError(ErrorCode.INVALID_REQUEST, f"{name} is missing") from None
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"{name}: {problem['msg']}") from None
