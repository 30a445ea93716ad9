"""What an operator has configured, as it travels to the workers."""

from app.crypto.hashing import digest
from app.protocol.configuration import SystemKey


def test_the_digest_of_the_root_credential_stays_out_of_what_is_logged() -> None:
    key = SystemKey(digest(b"the operator's own secret"), ("10.0.0.0/8",))
    assert repr(key) == "SystemKey(networks=('10.0.0.0/8',))"
