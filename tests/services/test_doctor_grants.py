"""The self-check about grants that applications manage: what is fine, and what is not."""

from dataclasses import replace

import pytest

from app.services.doctor import Level
from app.services.doctor_grants import check_grants
from tests.services.test_doctor_openid import APPLICATION

PUBLIC = replace(APPLICATION, client_id="spa", confidential=False)
MACHINE = replace(PUBLIC, client_id="worker", redirect_uris=())


@pytest.mark.parametrize(
    ("on", "required", "seen"),
    [
        (False, False, "off"),
        (False, True, "off"),
        (True, False, "applications may keep some of their own"),
        (True, True, "every request names its grant"),
    ],
)
def test_a_server_says_how_grants_are_managed(on: bool, required: bool, seen: str) -> None:
    public = () if required and on else (PUBLIC,)
    [finding] = check_grants([APPLICATION, MACHINE, *public], on=on, required=required)
    assert (finding.level, finding.seen) == (Level.OK, seen)


@pytest.mark.spec("standards", "GM-6")
def test_applications_that_a_requirement_shuts_out_are_named() -> None:
    [finding] = check_grants([APPLICATION, PUBLIC, MACHINE], on=True, required=True)
    assert finding.level is Level.WARN
    assert finding.seen.startswith("spa is public")
