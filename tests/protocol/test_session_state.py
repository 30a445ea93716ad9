"""What an application's page compares to learn that a login changed."""

from hashlib import sha256
from uuid import UUID

import pytest

from app.protocol.session_state import NOBODY, browser_state, session_state

KEY = b"k" * 32
CALLBACK = "https://Client.example:443/callback?a=b"


@pytest.mark.spec("standards", "LS-1")
@pytest.mark.spec("standards", "SR-6")
def test_it_is_the_hash_of_client_origin_state_and_salt_with_the_salt_behind() -> None:
    made = session_state("client", CALLBACK, "state", "salt")
    assert made == sha256(b"client https://client.example state salt").hexdigest() + ".salt"
    assert " " not in made


@pytest.mark.spec("standards", "LS-1")
def test_each_part_changes_it() -> None:
    made = {
        session_state("client", CALLBACK, "state", "salt"),
        session_state("other", CALLBACK, "state", "salt"),
        session_state("client", "https://client.example:8443/callback", "state", "salt"),
        session_state("client", CALLBACK, NOBODY, "salt"),
        session_state("client", CALLBACK, "state", "pepper"),
    }
    assert len(made) == 5
    assert session_state("client", "https://client.example/other", "s", "t") == session_state(
        "client", "https://client.example/", "s", "t"
    )


def test_an_app_that_is_no_web_page_has_an_opaque_origin() -> None:
    made = session_state("client", "com.example.app:/callback", "state", "salt")
    assert made == sha256(b"client null state salt").hexdigest() + ".salt"


@pytest.mark.spec("standards", "LS-3")
def test_failed_logins_vary_by_their_salt() -> None:
    assert session_state("client", CALLBACK, NOBODY, "a") != session_state("client", CALLBACK, NOBODY, "b")


@pytest.mark.spec("standards", "LS-2")
@pytest.mark.spec("standards", "LS-3")
def test_the_state_of_a_browser_is_that_of_its_session_and_tells_nothing_of_it() -> None:
    session = UUID(int=7)
    state = browser_state(KEY, session)
    assert state == browser_state(KEY, session)
    assert len({state, browser_state(KEY, UUID(int=8)), browser_state(b"l" * 32, session)}) == 3
    assert session.hex not in state
    assert str(session) not in state
    assert state.isascii()
    assert not set(state) & set(' ;,"\\=')
