"""Which URLs of others are asked (NS-4); the attack table of `tests/outbound/test_guard.py` has what is not."""

import pytest

from app.protocol.fetching import Refused
from app.protocol.outbound_target import Target, target_of


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(
    ("url", "host", "port", "request_target"),
    [
        ("https://keys.example", "keys.example", 443, "/"),
        ("https://keys.example?a=b", "keys.example", 443, "/?a=b"),
        ("https://KEYS.Example:8443/a/../b?c=%20", "keys.example", 8443, "/a/../b?c=%20"),
        ("https://keys.example:1024/", "keys.example", 1024, "/"),
        ("https://a_b-c.xn--mnchen-3ya.example/", "a_b-c.xn--mnchen-3ya.example", 443, "/"),
        ("https://0x7f.keys.example/", "0x7f.keys.example", 443, "/"),
        ("https://1.keys/", "1.keys", 443, "/"),
        ("https://keys.example:443/", "keys.example", 443, "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, request_target: str) -> None:
    assert target_of(url) == Target(True, host, port, request_target, None, False)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://93.184.215.14/", "93.184.215.14:443"),
        ("https://[2606:4700::1]:8443/", "[2606:4700::1]:8443"),
    ],
)
def test_a_public_address_is_a_host_too(url: str, place: str) -> None:
    target = target_of(url)
    assert target.place == place
    assert str(target.literal) == target.host


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("http://127.0.0.1:8001/", "127.0.0.1:8001"),
        ("http://[::1]:8001/", "[::1]:8001"),
        ("https://keys.internal:22/", "keys.internal:22"),
        ("http://KEYS.internal/", "keys.internal:80"),
        ("https://keys.internal/", "keys.internal:443"),
    ],
)
def test_an_exempted_pair_may_be_inside_on_any_port_and_without_tls(url: str, pair: str) -> None:
    target = target_of(url, {pair})
    assert (target.exempt, target.place, target.https) == (True, pair, url.startswith("https:"))


@pytest.mark.spec("standards", "NS-4")
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://keys.example/", "must use https"),
        ("ftp://keys.example/", "must use https"),
        ("keys.example", "must be an absolute https URL"),
        ("https:/keys.example", "must be an absolute https URL"),
        ("https://a@keys.example/", "must be an absolute https URL"),
        ("https://keys.example/#a", "must not have a fragment"),
        ("https://keys.example:80/", "must use port 443, or one from 1024 on"),
        ("https://keys..example/", "must have a plain host name"),
        ("https://keys.example./", "must have a plain host name"),
        ("https://0x7f.1/", "must write an address in its plain form"),
        ("https://[::1.2]/", "must write an address in its plain form"),
        ("https://[::ffff:10.0.0.1]/", "its address is IPv4-mapped, carrying one that is private"),
        ("https://169.254.169.254/", "its address is link-local"),
    ],
)
def test_a_refusal_says_what_to_write_instead(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        target_of(url, {"169.254.169.254:443"})
