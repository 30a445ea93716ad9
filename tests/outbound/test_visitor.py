"""The login test's browser reads forms as browsers do."""

import pytest

from app.outbound.visitor import Answer, Unreachable, Visitor

PAGE = b"""
<form action="/other"><input name="q" value="1"><button id="search" name="go">x</button></form>
<form method="post" action="/consent?x=1&amp;y=2">
  <input type="hidden" name="csrf" value="t&amp;t">
  <input type="checkbox" name="scope" value="a"><input type="checkbox" name="kept" value="b" checked>
  <input name="username" value="">
  <button id="deny" name="decision" value="deny">No</button>
  <button id="approve" name="decision" value="approve">Yes</button>
</form>
<button id="outside">z</button>
"""


def _page() -> Answer:
    return Answer(200, "https://auth.example.com/consent", "", "", PAGE)


def test_the_pressed_button_counts_and_the_others_do_not() -> None:
    form = _page().form_with("approve")

    assert form is not None
    assert form.action == "https://auth.example.com/consent?x=1&y=2"
    assert form.fields == {"csrf": "t&t", "kept": "b", "username": "", "decision": "approve"}


@pytest.mark.parametrize("element", ["outside", "nowhere"])
def test_an_element_outside_of_forms_has_none(element: str) -> None:
    assert _page().form_with(element) is None


def test_what_comes_back_is_read_from_the_redirect() -> None:
    answer = Answer(303, "", "https://app.example/cb?code=c&state=s&iss=https%3A%2F%2Fauth.example.com", "", b"")

    assert answer.returned() == {"code": "c", "state": "s", "iss": "https://auth.example.com"}


@pytest.mark.parametrize("body", [b"", b"[1]", b"<html>"])
def test_what_is_no_json_object_is_an_empty_one(body: bytes) -> None:
    assert Answer(200, "", "", "", body).json() == {}


async def test_a_server_that_does_not_answer_is_named_without_path_and_query() -> None:
    async with Visitor() as visitor:
        with pytest.raises(Unreachable, match=r"^http://127\.0\.0\.1:1 does not answer") as failed:
            await visitor.get("http://127.0.0.1:1/secret/path", query={"token": "hidden"})
    assert "hidden" not in str(failed.value)
