"""How applications register what they want of OpenID Connect: by their owners, in a data file, by the operator."""

from dataclasses import replace
from typing import Any

import pytest

from app.protocol.client_metadata import read
from app.protocol.policy import ApplicationPolicy
from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services import applications
from app.services.application_settings import Unacceptable, describe, describe_anew, read_settings
from app.services.applications import Owner
from app.services.sector_lists import SectorList
from app.store.applications import Description

SCOPES = ScopeRegistry(DEFAULT)
SHOP, BANK = "https://shop.example/cb", "https://bank.example/cb"
SECTOR = "https://sector.example/uris.json"
POLICY = ApplicationPolicy()
LISTED = SectorList(SECTOR, frozenset({SHOP, BANK}))


def made(listed: SectorList | None = None, signing: tuple[str, ...] = (), **members: Any) -> Description:
    return describe(
        read_settings({"redirect_uris": [SHOP], **members}), SCOPES, Owner(), signing=signing, listed=listed
    )


def changed(before: Description, listed: SectorList | None = None, **members: Any) -> Description:
    return describe_anew(before, read_settings(members), SCOPES, listed=listed)


def field_of(refused: pytest.ExceptionInfo[Unacceptable]) -> str:
    [problem] = refused.value.problems
    return problem.field


@pytest.mark.spec("standards", "ID-2")
def test_a_new_application_registers_the_short_signatures_unless_it_says_otherwise() -> None:
    assert made().openid == {"id_token_alg": "ES256"}
    assert made(signing=("RS256",)).openid == {}
    assert made(id_token_signed_response_alg=None).openid == {}
    assert made(signing=("ES256", "RS256")).registration["id_token_signed_response_alg"] == "ES256"


def test_what_the_server_does_not_sign_with_is_refused_at_its_member() -> None:
    with pytest.raises(Unacceptable) as refused:
        made(signing=("ES256", "RS256"), userinfo_signed_response_alg="HS256")
    assert field_of(refused) == "userinfo_signed_response_alg"


@pytest.mark.spec("standards", "ID-7")
def test_the_sector_of_an_application_outlives_its_address() -> None:
    before = made(subject_type="pairwise")
    assert before.openid["sector"] == "shop.example"
    uri = "https://shop.example/moved.json"
    after = changed(before, SectorList(uri, frozenset({BANK})), redirect_uris=[BANK], sector_identifier_uri=uri)
    assert after.openid["sector"] == "shop.example"
    assert changed(after, client_name="Bank").openid["sector"] == "shop.example"


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.parametrize(
    "members",
    [{}, {"sector_identifier_uri": SECTOR}, {"sector_identifier_uri": "https://shop.example/moved.json"}],
    ids=["no_list", "a_list_elsewhere", "a_list_of_others"],
)
def test_nobody_takes_the_names_of_a_host_away_to_his_own(members: dict[str, str]) -> None:
    borrowed = made(subject_type="pairwise")
    listed = {SECTOR: LISTED.redirect_uris}.get(members.get("sector_identifier_uri", ""), frozenset({SHOP}))
    with pytest.raises(Unacceptable) as refused:
        changed(borrowed, SectorList(members.get("sector_identifier_uri", ""), listed), redirect_uris=[BANK], **members)
    assert field_of(refused) == "sector_identifier_uri"


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.parametrize("kind", ["pairwise", "public", None])
def test_nobody_becomes_somebody_else_to_an_application(kind: str | None) -> None:
    before = made(subject_type="public" if kind == "pairwise" else "pairwise")
    with pytest.raises(Unacceptable) as refused:
        changed(before, subject_type=kind)
    assert field_of(refused) == "subject_type"


@pytest.mark.spec("standards", "DR-10")
@pytest.mark.parametrize(
    "listed",
    [
        None,
        SectorList("https://else.example/uris.json", frozenset({SHOP, BANK})),
        SectorList(SECTOR, frozenset({SHOP})),
        SectorList(SECTOR, failure="answers with status 404"),
    ],
    ids=["nobody_looked", "somewhere_else", "not_listed", "not_there"],
)
def test_a_sector_that_does_not_list_every_address_is_refused(listed: SectorList | None) -> None:
    members: dict[str, Any] = {
        "redirect_uris": [SHOP, BANK],
        "sector_identifier_uri": SECTOR,
        "subject_type": "pairwise",
    }
    assert made(LISTED, **members).openid["sector"] == "sector.example"
    with pytest.raises(Unacceptable) as refused:
        made(listed, **members)
    assert field_of(refused) == "sector_identifier_uri"


@pytest.mark.spec("standards", "DR-10")
def test_the_list_is_looked_at_when_an_address_changes_and_not_for_anything_else() -> None:
    before = made(LISTED, sector_identifier_uri=SECTOR, subject_type="pairwise")
    assert changed(before, client_name="Shop").name == "Shop"
    with pytest.raises(Unacceptable):
        changed(before, redirect_uris=[SHOP, BANK])
    assert changed(before, LISTED, redirect_uris=[SHOP, BANK]).redirect_uris == (SHOP, BANK)


@pytest.mark.spec("standards", "DR-10")
def test_a_list_that_nobody_has_looked_at_yet_is_looked_at_with_the_next_change() -> None:
    registered = made(LISTED, sector_identifier_uri=SECTOR, subject_type="pairwise")
    before = replace(registered, openid={}, unmet=("subject_type",))
    with pytest.raises(Unacceptable) as refused:
        changed(before, client_name="Shop")
    assert field_of(refused) == "sector_identifier_uri"
    after = changed(before, LISTED, client_name="Shop")
    assert (after.openid["sector"], after.unmet) == ("sector.example", ())
    public = changed(before, subject_type=None, sector_identifier_uri=None)
    assert ("sector" in public.openid, public.unmet) == (False, ())  # nobody had another name yet


def test_what_was_registered_before_it_had_an_effect_has_it_from_now_on() -> None:
    registered = applications.describe(read({"redirect_uris": [SHOP], "subject_type": "pairwise"}, SCOPES), POLICY)
    before = Description(**{name: getattr(registered, name) for name in registered.__slots__} | {"openid": {}})
    assert changed(before, client_name="Shop").openid["sector"] == "shop.example"
