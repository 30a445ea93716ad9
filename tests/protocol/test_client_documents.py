"""Which documents count at the address that is a client_id (standards A10)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.crypto.jose_text import is_storable
from app.protocol import client_documents
from app.protocol.client_documents import Snapshot
from app.protocol.client_metadata import ClientMetadata
from app.protocol.configuration import DocumentRules
from app.protocol.facts import ClientFact
from app.protocol.features import Feature, FeatureSet
from app.protocol.fetching import Failed, NotFetched, Refused
from app.protocol.introductions import Introduction
from tests.support.documents import CLIENT_ID, written
from tests.support.facts import NOW, REGISTRY, client

KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def metadata(**changes: Any) -> ClientMetadata:
    """Read a document with changes."""
    return client_documents.read(CLIENT_ID, written(**changes), REGISTRY)


def snapshot(**changes: Any) -> Snapshot:
    """The same, as it was read just now."""
    return Snapshot(CLIENT_ID, metadata(**changes), NOW, NOW + timedelta(hours=1))


def refusal(body: bytes) -> NotFetched:
    """Return why a document is not taken."""
    with pytest.raises(NotFetched) as refused:
        client_documents.read(CLIENT_ID, body, REGISTRY)
    assert str(refused.value).isascii()
    assert not {'"', "\\"} & set(str(refused.value))
    return refused.value


@pytest.mark.spec("standards", "CI-10")
@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, 3600), (0, 300), (301, 301), (999_999_999, 86_400)],
    ids=["nothing", "not at all", "its own time", "for ever"],
)
def test_a_document_counts_as_long_as_its_server_says_within_bounds(said: int | None, kept: int) -> None:
    assert client_documents.fresh_time(said, DocumentRules()) == timedelta(seconds=kept)


def test_bounds_of_the_operator_are_those_that_count() -> None:
    rules = DocumentRules(shortest=timedelta(), longest=timedelta(minutes=1))
    assert client_documents.fresh_time(0, rules) == timedelta()
    assert client_documents.fresh_time(None, rules) == timedelta(minutes=1)


@pytest.mark.spec("standards", "CI-4")
@pytest.mark.spec("standards", "CI-6")
def test_a_document_becomes_the_registration_that_it_is() -> None:
    read = metadata(logo_uri="https://app.example/logo.png", what_nobody_knows={"a": [1, 1.5, None, True]})
    assert read.client_name == "Notebook"
    assert read.redirect_uris == ("https://app.example/callback", "http://127.0.0.1/callback")
    assert (read.token_endpoint_auth_method, read.grant_types) == ("none", ("authorization_code", "refresh_token"))


@pytest.mark.spec("standards", "CI-4")
@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"", "is not JSON", id="nothing"),
        pytest.param(b"<!doctype html>", "is not JSON", id="a page"),
        pytest.param(b'{"client_name":"\xff"}', "is not JSON in UTF-8", id="another encoding"),
        pytest.param("\ufeff{}".encode(), "is not JSON", id="a byte order mark"),
        pytest.param(b"[]", "is no JSON object", id="a list"),
        pytest.param(b'"https://app.example/"', "is no JSON object", id="a string"),
        pytest.param(b"[" * 5000, "is not JSON", id="deep"),
        pytest.param(b'{"a":' + b"[" * 9 + b"]" * 9 + b"}", "is nested too deeply", id="too deep"),
        pytest.param(b'{"a":NaN}', "is not JSON", id="no number"),
        pytest.param(b'{"a":1e999}', "is not JSON", id="a number beyond all"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "is not JSON", id="a long number"),
        pytest.param(b'{"a":[{"b":-9007199254740992}]}', "has a number that", id="a number that not all can read"),
        pytest.param(b'{"client_id":"a","client_id":"b"}', "has a member twice", id="a member twice"),
    ],
)
def test_what_is_no_document_may_be_one_later(body: bytes, why: str) -> None:
    reason = refusal(body)
    assert isinstance(reason, Failed)
    assert why in str(reason)


@pytest.mark.spec("standards", "CI-4")
@pytest.mark.parametrize(
    "other",
    [
        None,
        "",
        1,
        [CLIENT_ID],
        "https://evil.example/client.json",
        f"{CLIENT_ID}/",
        f"{CLIENT_ID}?",
        CLIENT_ID.replace("app", "APP", 1),
        CLIENT_ID.replace("app.example", "app.example:443"),
        CLIENT_ID.replace("client", "%63lient"),
    ],
    ids=["none", "empty", "number", "list", "another", "slash", "query", "capitals", "port", "escape"],
)
def test_a_document_of_another_client_id_is_refused(other: object) -> None:
    reason = refusal(written(client_id=other))
    assert isinstance(reason, Refused)
    assert "another client_id" in str(reason)


@pytest.mark.spec("standards", "CI-4")
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"client_name": None}, "client_name", id="no name"),
        pytest.param({"client_name": "  "}, "client_name", id="a name of nothing"),
        pytest.param({"client_name": ["a"]}, "client_name", id="a list for a name"),
        pytest.param({"client_name": "a" * 101}, "client_name", id="a giant name"),
        pytest.param({"client_name": "a\nb"}, "client_name", id="a name of two lines"),
        pytest.param({"client_name": "a\u202eb"}, "client_name", id="a name that turns the text around"),
        pytest.param({"client_name": "a\x00"}, "client_name", id="a name that no database takes"),
        pytest.param({"client_name": "a\ud800"}, "client_name", id="half a character"),
        pytest.param({"redirect_uris": None}, "redirect_uris", id="nowhere to go"),
        pytest.param({"redirect_uris": []}, "redirect_uris", id="an empty list"),
        pytest.param({"redirect_uris": "https://app.example/"}, "redirect_uris", id="no list"),
        pytest.param({"redirect_uris": ["http://app.example/"]}, "plain http", id="plain http"),
        pytest.param({"redirect_uris": ["javascript:alert(1)"]}, "scheme", id="a script"),
        pytest.param({"redirect_uris": ["https://a.example/#b"]}, "fragment", id="a fragment"),
        pytest.param({"redirect_uris": ["https://*.example/"]}, "redirect_uris", id="a pattern"),
        pytest.param({"redirect_uris": [f"https://a.example/{n}" for n in range(101)]}, "100", id="a giant list"),
        pytest.param({"grant_types": ["client_credentials"]}, "authorization_code", id="no grant of a person"),
        pytest.param({"grant_types": ["refresh_token"]}, "authorization_code", id="nothing to refresh"),
        pytest.param({"grant_types": "authorization_code"}, "grant_types", id="no list of grants"),
        pytest.param({"response_types": ["token"]}, "code", id="tokens through the browser"),
        pytest.param({"logo_uri": "javascript:alert(1)"}, "logo_uri", id="a script for a logo"),
        pytest.param({"logo_uri": "data:image/png;base64,"}, "logo_uri", id="data for a logo"),
        pytest.param({"policy_uri": "https://a@b/"}, "policy_uri", id="a user name in an address"),
        pytest.param({"jwks": []}, "jwks is no JWK set", id="a list for a set of keys"),
        pytest.param({"jwks": {"keys": [{"kty": "EC", "x5c": [{}]}]}}, "jwks is no JWK set", id="objects in a key"),
        pytest.param({"jwks": {"keys": []}, "jwks_uri": "https://a.example/"}, "exclude", id="keys in two places"),
        pytest.param({"id_token_signed_response_alg": "HS256"}, "HS256", id="a MAC for an ID token"),
        pytest.param({"scope": ["a"], "software_id": 7}, "software_id", id="a number for a text"),
    ],
)
def test_the_rules_of_registration_hold(changes: dict[str, Any], why: str) -> None:
    reason = refusal(written(**changes))
    assert isinstance(reason, Refused)
    assert why in str(reason)


@pytest.mark.spec("standards", "CI-5")
@pytest.mark.parametrize(
    "changes",
    [
        *({"token_endpoint_auth_method": f"client_secret_{kind}"} for kind in ("basic", "post", "jwt")),
        {"token_endpoint_auth_method": "something_new"},
        {"token_endpoint_auth_method": ""},
        {"token_endpoint_auth_method": ["none"]},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "app.example"},
        {"client_secret": "s3cret"},
        {"client_secret": ""},
        {"client_secret_expires_at": 0},
        {"jwks": {"keys": [{**KEY, "d": "x"}]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "x"}]}},
        {"jwks": {"keys": [{"kty": "future", "d": "x"}]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{**KEY, "d": "x"}]}},
    ],
    ids=str,
)
def test_a_document_has_no_secret_and_no_method_that_needs_one(changes: dict[str, Any]) -> None:
    reason = refusal(written(**changes))
    assert isinstance(reason, Refused)
    assert "s3cret" not in str(reason)


ODD: tuple[Any, ...] = (
    *(True, 0, -1, 1.5, 2**53 - 1, "", " ", "a", "\x00", "\ud800", "https://a", "https://a/\n"),
    *([], [""], [None], [[]], [{}], ["a", "a"], ["\x00"], {}, {"keys": 1}, {"keys": [{}]}, {"": {"": []}}),
)


@pytest.mark.parametrize(
    "member", [*sorted(ClientMetadata.model_fields), "client_name#de", "client_name#", "tos_uri#--"]
)
def test_whatever_a_member_is_its_document_is_read_or_refused(member: str) -> None:
    """And what is read can be kept: a database takes neither NUL nor half a character."""
    for value in ODD:
        try:
            read = client_documents.read(
                CLIENT_ID, json.dumps(json.loads(written()) | {member: value}).encode(), REGISTRY
            )
        except Refused:
            continue
        made = Snapshot(CLIENT_ID, read, NOW, NOW)
        assert is_storable([made.stored, client_documents.row_of(made, None)])
        assert client_documents.read_snapshot(made.stored, REGISTRY) == made


@pytest.mark.spec("standards", "CI-5")
def test_a_secret_of_nothing_is_one_too() -> None:
    body = json.loads(written()) | {"client_secret": None}
    assert "client_secret" in str(refusal(json.dumps(body).encode()))


@pytest.mark.spec("standards", "CI-6")
def test_without_a_method_a_client_is_public() -> None:
    assert metadata(token_endpoint_auth_method=None).token_endpoint_auth_method == "none"
    body = json.loads(written()) | {"token_endpoint_auth_method": None}
    read = client_documents.read(CLIENT_ID, json.dumps(body).encode(), REGISTRY)
    assert read.token_endpoint_auth_method == "none"


@pytest.mark.spec("standards", "CI-6")
@pytest.mark.parametrize("keys", [{"jwks": {"keys": [KEY]}}, {"jwks_uri": "https://app.example/jwks"}], ids=list)
def test_a_client_with_keys_proves_itself_by_them(keys: dict[str, Any]) -> None:
    read = metadata(token_endpoint_auth_method="private_key_jwt", **keys)
    assert read.confidential
    assert read.key_material().jwks or read.key_material().jwks_uri


@pytest.mark.spec("standards", "CI-6")
@pytest.mark.parametrize(
    "keys", [{}, {"jwks": {"keys": []}}, {"jwks": {"keys": [{"kty": "EC"}]}}], ids=["none", "no key", "half a key"]
)
def test_a_client_that_proves_itself_by_keys_has_some(keys: dict[str, Any]) -> None:
    reason = refusal(written(token_endpoint_auth_method="private_key_jwt", **keys))
    assert "jwks" in str(reason)


def test_of_what_a_document_lists_counts_what_such_a_client_may_do() -> None:
    """DR-4: one document is for every server, and most of them know less than all."""
    every = metadata(
        grant_types=["refresh_token", "urn:example:grant", "client_credentials", "authorization_code", 7],
        response_types=["code id_token", "code", "token"],
        scope="b unknown a b",
        backchannel_token_delivery_mode="ping",
    )
    assert every.grant_types == ("authorization_code", "refresh_token")
    assert every.response_types == ("code",)
    assert every.scope == ("b", "a")
    assert every.backchannel_token_delivery_mode is None


def test_without_lists_a_client_has_the_defaults_of_registration() -> None:
    """DR-5."""
    plain = metadata(grant_types=None, response_types=None)
    assert (plain.grant_types, plain.response_types, plain.scope) == (("authorization_code",), ("code",), None)
    assert metadata(grant_types=[], response_types=[]).grant_types == ("authorization_code",)


def test_the_sector_of_pairwise_subjects_is_the_host_of_the_document() -> None:
    """ID-7: whoever could name another one could compare notes with those who are in it."""
    theirs = "https://victim.example/sector.json"
    pairwise = snapshot(subject_type="pairwise", sector_identifier_uri=theirs, redirect_uris=["http://127.0.0.1/"])
    assert client_documents.fact_of(pairwise, None).openid.sector == "app.example"
    assert client_documents.row_of(pairwise, None)["openid"]["sector"] == "app.example"
    moved = snapshot(subject_type="pairwise", redirect_uris=["https://victim.example/callback"])
    assert client_documents.fact_of(moved, None).openid.sector == "app.example"
    public = snapshot(sector_identifier_uri=theirs)
    assert client_documents.fact_of(public, None).openid.sector == ""
    assert public.metadata.sector_identifier_uri is None


def test_a_copy_is_read_as_it_was_written_down() -> None:
    made = snapshot(
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [KEY]},
        scope="a b",
        subject_type="pairwise",
        **{"client_name#de": "Notizbuch"},
    )
    assert client_documents.read_snapshot(json.loads(json.dumps(made.stored)), REGISTRY) == made


def test_scopes_that_have_left_the_registry_are_left_out_of_copies() -> None:
    stored = snapshot(scope="a b").stored
    stored["metadata"]["scope"] = "a gone"
    assert client_documents.read_snapshot(stored, REGISTRY).metadata.scope == ("a",)


def test_the_application_is_the_one_that_the_document_describes() -> None:
    made = snapshot(dpop_bound_access_tokens=True, scope="a b", logo_uri="https://app.example/logo.png")
    fact = client_documents.fact_of(made, None)
    assert fact.by_document
    assert not fact.vouched_for
    assert (fact.client_id, fact.name, fact.version, fact.epoch) == (CLIENT_ID, "Notebook", 1, 0)
    assert fact.id == client_documents.application_id(CLIENT_ID)
    assert fact.policy.dpop_bound
    assert fact.document == made.stored
    assert fact.introduction.logo_uri == "https://app.example/logo.png"
    assert (fact.introduction.fetched_at, fact.introduction.fresh_until) == (made.fetched_at, made.fresh_until)


@pytest.mark.parametrize(
    ("listed", "limit"),
    [(None, None), ("a", None), (None, ("b", "c")), ("a", ("b", "c"))],
    ids=["neither", "its own list", "the operator's", "both"],
)
def test_a_client_may_ask_for_what_the_operator_says_whatever_it_lists_itself(
    listed: str | None, limit: tuple[str, ...] | None
) -> None:
    made = snapshot(scope=listed)
    assert client_documents.fact_of(made, limit).scopes == (None if limit is None else {"b", "c"})
    assert client_documents.row_of(made, limit)["scopes"] == (None if limit is None else ["b", "c"])


def checked(**changes: Any) -> ClientFact:
    """The row of an application that the operator has checked."""
    identity = client_documents.fact_of(snapshot(), None).introduction.identity
    row = client(verified=True, version=7, epoch=2, introduction=Introduction(identity=identity))
    return client_documents.fact_of(snapshot(**changes), None, row)


def test_a_check_holds_as_long_as_people_would_judge_by_the_same() -> None:
    assert checked().verified
    assert (checked().version, checked().epoch) == (7, 2)
    assert checked(tos_uri="https://app.example/terms").verified
    assert not checked(client_name="Bank").verified
    assert not client_documents.fact_of(snapshot(), None, client(verified=False)).verified
    assert client_documents.fact_of(snapshot(client_name="Bank"), None, vouched=True).vouched_for


def test_the_columns_of_the_application_say_the_same() -> None:
    made = snapshot(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY]})
    row = client_documents.row_of(made, None)
    assert json.loads(json.dumps(row)) == row
    assert (row["kind"], row["auth_method"], row["key_material"]) == ("web", "private_key_jwt", {"jwks": [KEY]})
    assert row["metadata"] == made.metadata.document()
    assert row["introduction"]["identity"] == client_documents.fact_of(made, None).introduction.identity
    assert client_documents.row_of(snapshot(redirect_uris=["http://127.0.0.1/"]), None)["kind"] == "native"


def test_such_clients_are_served_where_the_feature_is_on() -> None:
    assert client_documents.are_offered(FeatureSet({Feature.CLIENT_DOCUMENTS}))
    assert not client_documents.are_offered(FeatureSet())


@pytest.mark.spec("standards", "CI-11")
def test_a_copy_is_overtaken_by_what_was_read_later_and_says_something_else() -> None:
    copy = client_documents.fact_of(snapshot(), None)

    def kept(seconds: float, **changes: Any) -> ClientFact:
        moment = NOW + timedelta(seconds=seconds)
        return replace(copy, document=None, introduction=replace(copy.introduction, fetched_at=moment), **changes)

    assert client_documents.is_overtaken(copy, kept(1, name="Another"))
    assert not client_documents.is_overtaken(copy, kept(1))
    assert not client_documents.is_overtaken(copy, kept(0, name="Another"))
    assert not client_documents.is_overtaken(copy, replace(copy, introduction=Introduction()))
