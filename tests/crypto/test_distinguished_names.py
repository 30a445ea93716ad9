"""Names of X.501 and their text (RFC 4514)."""

import pytest

from app.crypto.distinguished_names import attribute, parse


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("CN=ada", "cn=ada"),
        ("CN=ada", "2.5.4.3=ada"),
        ("CN=ada,O=Saltbarn", "CN=ada, O = Saltbarn"),
        ("CN=ada+UID=7,O=Saltbarn", "UID=7+CN=ada,O=Saltbarn"),
        ("CN=a\\,b", "CN=a\\2Cb"),
        ("CN=a\\\\,O=b", "CN=a\\5c,O=b"),
        ("CN=J\\C3\\BCrgen", "CN=Jürgen"),
        ("CN=#0C03616461", "CN=ada"),
        ("CN=#1303616461", "CN=ada"),
        ("CN=ada\\ ", "CN=ada\\20"),
        ("CN=a=b", "CN=a\\=b"),
        ("emailAddress=a@example.com", "1.2.840.113549.1.9.1=a@example.com"),
        ("CN=", "cn="),
    ],
)
def test_two_texts_may_mean_one_name(left: str, right: str) -> None:
    assert parse(left) == parse(right)


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("CN=ada", "CN=Ada"),
        ("CN=ada", "CN=ada\\ "),
        ("CN=ada,O=Saltbarn", "O=Saltbarn,CN=ada"),
        ("CN=ada,O=Saltbarn", "CN=ada+O=Saltbarn"),
        ("CN=ada,O=Saltbarn", "CN=ada\\,O=Saltbarn"),
        ("CN=ada", "O=ada"),
        ("CN=a\\+UID=b", "CN=a+UID=b"),
    ],
)
def test_names_that_differ_are_two(left: str, right: str) -> None:
    assert parse(left) != parse(right)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "CN=ada,",
        "nick=ada",
        "CN=a;b",
        'CN=a"b',
        "CN=a\\",
        "CN=a\\zz",
        "CN=#0C",
        "CN=#0C0461",
        "CN=#300161",
        "CN=\\ff",
        "1.2.=x",
        "3.1=x",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_a_value_that_is_no_text_is_no_text_of_anybodys_either() -> None:
    assert attribute("2.5.4.45", b"\x01\xff") == ("2.5.4.45", "#01ff")
    assert attribute("2.5.4.3", "ada") == ("2.5.4.3", "ada")
