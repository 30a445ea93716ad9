"""Applying a data file: how applications sign people in."""

import pytest
from sqlalchemy import update

from app.models import Application
from app.services import data_file
from app.services.data_file import DataFileError
from app.store.database import Database
from tests.services.test_data_file import ADA, SCOPES, SHOP, apply, client, refusal


@pytest.mark.spec("standards", "ID-7")
async def test_a_file_keeps_the_sector_and_makes_nobody_somebody_else(database: Database) -> None:
    shop = SHOP | {"subject_type": "pairwise"}
    await apply(database, users=[ADA], applications=[shop])
    assert (await client(database)).description.openid == {"sector": "shop.example"}
    moved = shop | {"redirect_uris": ["https://new.example/cb"]}
    report = await apply(database, users=[ADA], applications=[moved])
    assert report.changed
    assert (await client(database)).description.openid == {"sector": "shop.example"}
    [line] = await refusal(database, users=[ADA], applications=[SHOP])
    assert line.startswith("applications[shop].subject_type cannot change")


@pytest.mark.spec("standards", "DR-10")
async def test_a_file_says_that_nobody_has_looked_at_its_sector(database: Database) -> None:
    shop = SHOP | {"subject_type": "pairwise", "sector_identifier_uri": "https://sector.example/uris.json"}
    [line] = (await apply(database, users=[ADA], applications=[shop])).not_in_effect
    assert line.startswith("application shop: sector_identifier_uri is believed")


async def test_a_file_that_was_applied_before_members_had_an_effect_brings_them_into_it(database: Database) -> None:
    shop = SHOP | {"id_token_signed_response_alg": "ES256"}
    await apply(database, users=[ADA], applications=[shop])
    async with database.transaction() as transaction:
        await transaction.execute(update(Application).values(openid={}))
    report = await apply(database, users=[ADA], applications=[shop])
    assert report.changes[-1].details == ("signing people in: in effect from now on",)
    assert (await client(database)).description.openid == {"id_token_alg": "ES256"}


@pytest.mark.spec("standards", "ID-2")
def test_a_file_cannot_have_what_the_server_does_not_sign_with() -> None:
    with pytest.raises(DataFileError) as refused:
        data_file.parse(
            {"applications": [SHOP | {"id_token_signed_response_alg": "PS256"}]}, SCOPES, signing=("ES256", "RS256")
        )
    assert "use one of ES256, RS256" in str(refused.value)
