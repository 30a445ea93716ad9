"""The words in which operators read why a request came out as it did."""

from app.protocol.authorize import checklist
from app.protocol.authorize.interaction import SILENT
from app.views.pages.decision import EXPLANATIONS


def test_every_check_is_explained_and_a_request_that_fails_it_can_be_mended() -> None:
    checks = {name for name, *_ in checklist.CHECKLIST}
    assert {name for name in checks if not EXPLANATIONS[name].remedy} == set()
    assert {f"ask for {prompt}" for prompt in SILENT} <= EXPLANATIONS.keys()
