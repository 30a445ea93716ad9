"""Who may end all that a person has."""

import pytest

from app.crypto.secrets import new_id
from app.protocol import global_revocation
from app.protocol.authorization_header import Challenged
from app.protocol.callers import Caller, KeyCaller, MachineCaller, SystemCaller, TokenCaller
from app.protocol.errors import ErrorCode
from app.protocol.facts import KeyFact
from app.protocol.global_revocation import SCOPE
from tests.support.facts import NOW, access_token, machine_token

KEY = KeyFact(
    id=new_id(NOW),
    digest=b"x" * 32,
    retiring_digest=None,
    organization_id=new_id(NOW),
    organization_slug="northquay",
    organization_active=True,
    active=True,
    label="",
    last_four="",
    scopes=(SCOPE,),
    allowed_origins=(),
    issued_at=NOW,
)


@pytest.mark.spec("standards", "GT-2")
@pytest.mark.parametrize(
    "caller", [MachineCaller(machine_token(), ("a", SCOPE)), SystemCaller(())], ids=["application", "system key"]
)
def test_an_application_with_the_scope_and_the_operator_may(caller: Caller) -> None:
    global_revocation.check_caller(caller)


@pytest.mark.spec("standards", "GT-2")
@pytest.mark.parametrize(
    "caller",
    [MachineCaller(machine_token(), ("a",)), TokenCaller(access_token(), (SCOPE,)), KeyCaller(KEY, (SCOPE,))],
    ids=["another scope", "a person's token", "an organization's key"],
)
def test_nobody_else_may(caller: Caller) -> None:
    with pytest.raises(Challenged) as refused:
        global_revocation.check_caller(caller)
    assert (refused.value.code, refused.value.scope) == (ErrorCode.INSUFFICIENT_SCOPE, SCOPE)
