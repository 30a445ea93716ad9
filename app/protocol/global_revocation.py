"""Global token revocation (draft-parecki-oauth-global-token-revocation-04): who may end all that a person has."""

from app.protocol.authorization_header import Challenged
from app.protocol.callers import Caller, MachineCaller, SystemCaller
from app.protocol.errors import ErrorCode

SCOPE = "global_token_revocation"
"""The one scope for it (GT-2). No person can allow it: it stands in no registry that people choose from."""

METHODS = ("Bearer", "DPoP")
"""How a caller can authenticate, for the metadata (GT-5): access token types as they are registered."""


def check_caller(caller: Caller) -> None:
    """Raise `Challenged` unless the caller may end what people have (GT-2).

    That is the operator, by the system key, and an application by a token that it got for itself with the scope. People
    of one deployment are one operator's, who names the applications: so each of them may name everybody.
    """
    if isinstance(caller, SystemCaller):
        return
    if not isinstance(caller, MachineCaller) or SCOPE not in caller.scopes:
        raise Challenged(
            ErrorCode.INSUFFICIENT_SCOPE,
            "this needs a token that an application got for itself by client_credentials, with its own scope",
            scope=SCOPE,
        )
