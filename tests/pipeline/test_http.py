"""How the hot endpoints refuse."""

import pytest

from app.pipeline.http import Refused, database_away, error_response


@pytest.mark.spec("standards", "RV-5")
def test_while_the_database_is_away_the_answer_says_when_to_come_back() -> None:
    refusal = database_away()
    answer = error_response(refusal, Refused(refusal.code.status, "https://id.example", "req_1"))
    headers = dict(answer.headers)
    assert answer.status == 503
    assert int(headers[b"retry-after"]) > 0
    assert headers[b"cache-control"] == b"no-store"
    assert b'"error":"temporarily_unavailable"' in answer.body
