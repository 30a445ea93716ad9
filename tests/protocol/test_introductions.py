"""What pages show of an application that introduced itself is kept, and read again as it was."""

from datetime import UTC, datetime

from app.protocol import introductions
from app.protocol.introductions import NONE, Introduction

MOMENT = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


def test_what_is_kept_is_read_again_as_it_was() -> None:
    whole = Introduction("https://a.example/l.png", "https://a.example/p", "https://a.example/t", "x1", MOMENT, MOMENT)
    assert introductions.read(whole.stored) == whole
    assert introductions.read({**whole.stored, "of_a_newer_server": 1}) == whole


def test_nothing_said_is_nothing_kept() -> None:
    assert NONE.stored == {}
    assert introductions.read({}) is NONE
    assert introductions.of({}) == introductions.of({"logo_uri": None, "client_uri": "https://a.example"}) == NONE


def test_it_is_made_of_the_members_that_pages_show() -> None:
    members = {"logo_uri": "https://a.example/l.png", "policy_uri": "https://a.example/p", "client_name": "A"}
    assert introductions.of(members).stored == {name: members[name] for name in ("logo_uri", "policy_uri")}


def test_the_host_of_its_document_is_that_of_its_client_id() -> None:
    by_document = "https://agent.example/client.json"
    assert introductions.described_at(by_document, self_registered=True) == "agent.example"
    assert introductions.described_at(by_document, self_registered=False) == ""
    assert introductions.described_at("9f0d4c1e", self_registered=True) == ""
