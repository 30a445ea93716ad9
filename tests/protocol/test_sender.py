"""What a token is bound to, and who holds the key."""

from typing import Any

import pytest

from app.protocol import sender
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.policy import ApplicationPolicy, EffectivePolicy, ServerPolicy, effective
from app.protocol.sender import NOBODY, UNBOUND, Binding, Sender

KEY, CERTIFICATE = Sender(jkt="thumb"), Sender(x5t="print")
BOTH = Sender(jkt="thumb", x5t="print")


def policy(**own: Any) -> EffectivePolicy:
    return effective(ServerPolicy(issuer="https://id.example"), ApplicationPolicy(**own), confidential=True)


@pytest.mark.parametrize("binding", [UNBOUND, Binding(jkt="thumb"), Binding(x5t="print"), Binding("thumb", "print")])
def test_a_binding_is_read_as_it_was_stored(binding: Binding) -> None:
    assert sender.read(binding.stored) == binding
    assert bool(binding) is (binding.stored is not None)


@pytest.mark.spec("standards", "AT-6")
def test_a_token_names_the_keys_that_it_is_bound_to() -> None:
    assert Binding("thumb", "print").confirmation == {"jkt": "thumb", "x5t#S256": "print"}
    assert UNBOUND.confirmation == {}


@pytest.mark.spec("standards", "DP-14")
@pytest.mark.spec("standards", "MT-1")
@pytest.mark.parametrize(
    ("binding", "holders"),
    [
        (UNBOUND, {NOBODY, KEY, CERTIFICATE, BOTH}),
        (Binding(jkt="thumb"), {KEY, BOTH}),
        (Binding(x5t="print"), {CERTIFICATE, BOTH}),
        (Binding("thumb", "print"), {BOTH}),
        (Binding(jkt="other"), set()),
        (Binding(x5t="other"), set()),
    ],
    ids=lambda value: value.stored or "unbound" if isinstance(value, Binding) else "",
)
def test_whoever_holds_every_bound_key_is_the_sender(binding: Binding, holders: set[Sender]) -> None:
    every = {NOBODY, KEY, CERTIFICATE, BOTH}
    assert {one for one in every if sender.is_bound_key(binding, one)} == holders


@pytest.mark.spec("standards", "DP-7")
@pytest.mark.spec("standards", "MT-2")
def test_a_proof_binds_and_a_certificate_only_where_the_application_is_registered_for_it() -> None:
    assert sender.bind(NOBODY, policy()) == UNBOUND
    assert sender.bind(BOTH, policy()) == Binding(jkt="thumb")
    assert sender.bind(BOTH, policy(tls_bound=True)) == Binding("thumb", "print")


@pytest.mark.spec("standards", "DP-8")
@pytest.mark.spec("standards", "MT-4")
def test_an_application_that_demands_a_key_gets_nothing_without_it() -> None:
    for own, shown, code in (
        ("dpop_bound", CERTIFICATE, ErrorCode.INVALID_DPOP_PROOF),
        ("tls_bound", KEY, ErrorCode.INVALID_REQUEST),
    ):
        with pytest.raises(OAuthError) as refused:
            sender.bind(shown, policy(**{own: True}))
        assert refused.value.code is code
