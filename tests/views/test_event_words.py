"""Every event has a sentence, whatever its row has to tell."""

from typing import Any

import pytest

from app.protocol.events import About, Event
from app.views.event_words import GROUPS, Deed, sentence


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize(
    "data",
    [
        {},
        {"before": None, "after": None},
        {"before": ["a"], "after": ["a", "b"], "version": "x"},
        {"before": {"name": 7, "role": None}, "after": {"label": []}},
        {"before": 7, "after": "a", "reason": ["x"], "last_four": {}},
    ],
    ids=["nothing", "nulls", "lists", "wrong-types", "nonsense"],
)
def test_every_event_has_a_sentence_even_when_its_row_tells_nothing(event: Event, data: dict[str, Any]) -> None:
    said = sentence(Deed(event, data))
    assert said[0].isupper()
    assert "no words" not in said
    assert not said.endswith((".", " "))
    assert not {"{", "}", "None"} & set(said.split())


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (Deed(Event.LOGIN_SUCCEEDED, {}), "Signed in"),
        (Deed(Event.SESSION_ENDED, {"reason": "signed out"}), "Signed out"),
        (Deed(Event.SESSION_ENDED, {"reason": "replaced"}), "Signed in again, which ended the session before"),
        (Deed(Event.SESSION_ENDED, {"reason": "signed out elsewhere"}), "Signed out another browser"),
        (
            Deed(Event.SESSION_ENDED, {"reason": "signed out by an operator"}, person="Robin"),
            "Signed Robin out of a browser",
        ),
        (
            Deed(Event.AUTHORIZATION_REVOKED, {"reason": "not_used_for_long"}, application="Deploy Diary"),
            "Ended what Deploy Diary may do because nobody had used it for long",
        ),
        (
            Deed(Event.APPLICATION_DELETION_ASKED, {}, application="Diary"),
            "Deleted Diary, which can be undone for a while",
        ),
        (
            Deed(Event.APPLICATION_DELETION_ASKED, {"reason": "by_itself"}, application="Diary"),
            "Deleted its own registration: Diary",
        ),
        (
            Deed(Event.APPLICATION_REAPED, {"before": {"client_name": "Rye Inspector"}}, "9f0d4c1e"),
            "Removed Rye Inspector, which nobody used",
        ),
        (
            Deed(Event.INITIAL_TOKEN_REVOKED, {"before": {"label": "Partner portal"}}),
            "Revoked registration token “Partner portal”",
        ),
        (Deed(Event.SESSION_CHOSEN, {}, application="Deploy Diary"), "Chose this account for Deploy Diary"),
        (
            Deed(Event.BACKCHANNEL_REQUEST_UNTOLD, {"whom": "client"}, application="Till"),
            "Could not tell Till that its request was decided",
        ),
        (
            Deed(Event.BACKCHANNEL_REQUEST_UNTOLD, {"whom": "person"}, application="Till"),
            "Could not send word that Till asks for approval",
        ),
        (
            Deed(
                Event.AUTHORIZATION_GRANTED,
                {"before": [], "after": ["a", "b"], "version": 1},
                "web",
                "",
                "Deploy Diary",
            ),
            "Connected Deploy Diary with 2 permissions",
        ),
        (
            Deed(
                Event.AUTHORIZATION_GRANTED,
                {"before": ["a", "b"], "after": ["b", "c"], "version": 2, "grant_management_action": "replace"},
                "web",
                "",
                "Deploy Diary",
            ),
            "Replaced what Deploy Diary may do with 2 permissions",
        ),
        (
            Deed(Event.AUTHORIZATION_GRANTED, {"before": ["a"], "after": ["a", "b"], "version": 2}, "web"),
            "Allowed web 1 more permission",
        ),
        (
            Deed(Event.AUTHORIZATION_GRANTED, {"before": ["a"], "after": ["a"], "version": 2, "on_page": "yes"}, "web"),
            "Confirmed what web may do",
        ),
        (
            Deed(
                Event.AUTHORIZATION_GRANTED,
                {"before": ["detail:pay"], "after": ["detail:pay"], "on_page": "yes", "details": [{"type": "pay"}]},
                "web",
            ),
            "Approved what web asked for",
        ),
        (
            Deed(Event.AUTHORIZATION_GRANTED, {"before": ["a"], "after": ["a"], "version": 1, "on_page": "no"}, "web"),
            "Signed in to web with what it had",
        ),
        (
            Deed(Event.AUTHORIZATION_GRANTED, {"before": ["a"], "after": ["a"], "version": 2, "on_page": "no"}, "web"),
            "Signed in to web with what it had",
        ),
        (
            Deed(Event.AUTHORIZATION_NARROWED, {"before": ["a", "b"], "after": ["a"]}, "web"),
            "Took 1 permission from web",
        ),
        (
            Deed(Event.FAMILY_REVOKED, {"reason": "refresh_token_reused"}, "0198", "", "Deploy Diary"),
            "Ended a sign-in of Deploy Diary because a used token came back",
        ),
        (
            Deed(Event.API_KEY_CREATED, {"after": {"label": "Nightly export", "last_four": "4f2a"}}),
            "Made API key “Nightly export” …4f2a",
        ),
        (
            Deed(Event.API_KEY_REMOVED, {"before": {"label": "Nightly export", "last_four": "4f2a"}}),
            "Removed API key “Nightly export” …4f2a",
        ),
        (
            Deed(Event.MEMBER_CHANGED, {"before": {"role": "member"}, "after": {"role": "manager"}}, person="Sam"),
            "Changed the role of Sam from member to manager",
        ),
        (
            Deed(Event.PERSONAL_TOKEN_RENAMED, {"before": {"name": "old"}, "after": {"name": "new"}}),
            "Renamed personal token “old” to “new”",
        ),
        (
            Deed(Event.ORGANIZATION_CHANGED, {"before": {"name": "Saltbarn"}, "after": {"name": "Saltbarn"}}),
            "Changed organization Saltbarn",
        ),
        (Deed("cake.baked", {}), "Something this version has no words for: cake.baked"),
        (Deed(Event.APPLICATION_CREATED, {}, "x", "", "{person}\u202e\n✓"), "Registered {person}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_sentence_says_what_was_done(deed: Deed, said: str) -> None:
    assert sentence(deed) == said


def test_every_event_can_be_filtered_by() -> None:
    assert {event.partition(".")[0] + "." for event in Event} == set(GROUPS)
    assert {event.about for event in Event} == set(About)
