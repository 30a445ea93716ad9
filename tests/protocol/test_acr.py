"""What a sign-in was worth."""

import pytest

from app.protocol import acr


@pytest.mark.parametrize(
    ("methods", "reached"),
    [(("pwd",), acr.PASSWORD), (("pwd", "otp"), acr.PASSWORD), ((), ""), (("otp",), "")],
    ids=["password", "more_than_a_password", "unknown", "something_else"],
)
@pytest.mark.spec("standards", "OC-10")
def test_the_class_is_the_strongest_that_the_methods_reach(methods: tuple[str, ...], reached: str) -> None:
    assert acr.acr_of(methods) == reached


def test_every_class_that_can_be_reached_is_published() -> None:
    assert acr.SUPPORTED == ("urn:assent:acr:password",)
