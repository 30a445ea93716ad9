"""What the pairs of an exchanged token rest on, so that it shrinks with the record of its person (standards A2.9)."""

from dataclasses import replace

import pytest

from app.protocol import liveness
from app.protocol.facts import Basis
from app.protocol.resources import Resource, ResourceRegistry
from tests.support.exchange import API, STOCK, gateway, order, own, rule, shown
from tests.support.facts import APPLICATION, access_token, origin, standing

REPORTS = Resource("https://reports.example", scopes=frozenset({"c"}))


def test_what_is_in_force_follows_the_pairs_that_the_scopes_rest_on() -> None:
    mapped = rule(resources=frozenset({STOCK.identifier}), maps={"a": ("c",)})
    issued = order(gateway(mapped), resource=(STOCK.identifier,))
    assert issued.origin.scopes == ("c", "b")
    at_stock = {f"c {STOCK.identifier}": "a", f"b {STOCK.identifier}": "b"}
    assert issued.origin.basis == Basis(at_stock, {APPLICATION: 0})
    current = standing(application_epoch=7)
    assert liveness.living_scopes(issued.origin, current) == ("c", "b")
    without_a = replace(current, pairs=("b",), since=(1,), record_version=2)
    assert liveness.living_scopes(issued.origin, without_a) == ("b",)
    again = replace(current, pairs=("b", "a"), since=(1, 3), record_version=3)
    assert liveness.living_scopes(issued.origin, again) == ("b",)
    assert liveness.living_scopes(issued.origin, replace(current, pairs=(), since=())) is None


def test_a_token_for_a_resource_rests_on_the_pair_that_is_in_force() -> None:
    at_both = origin(scopes=("a",), resources=(API.identifier, STOCK.identifier))
    current = standing(pairs=(f"a {API.identifier}", f"a {STOCK.identifier}"), since=(2, 1), record_version=2)
    meant = replace(rule(), subject_resources=frozenset({STOCK.identifier}), resources=frozenset({API.identifier}))
    subject = shown(access_token(origin=at_both, standing=current))
    basis = order(gateway(meant), subject, resource=(API.identifier,)).origin.basis
    assert basis is not None
    assert basis.pairs == {f"a {API.identifier}": f"a {STOCK.identifier}"}


@pytest.mark.spec("standards", "TX-6")
@pytest.mark.spec("standards", "RI-2")
def test_what_is_gone_at_one_resource_does_not_come_back_there_from_another() -> None:
    at_both = origin(scopes=("c", "b"), resources=(API.identifier, STOCK.identifier))
    current = standing(pairs=(f"c {API.identifier}", f"b {STOCK.identifier}"), since=(1, 1))
    anywhere = gateway(rule(subject_resources=frozenset({API.identifier, STOCK.identifier})))
    issued = order(anywhere, shown(access_token(origin=at_both, standing=current)), resource=(STOCK.identifier,))
    assert issued.origin.scopes == ("b",)


def test_each_pair_of_a_token_for_several_resources_rests_on_its_own() -> None:
    at_both = origin(scopes=("c",), resources=(REPORTS.identifier, STOCK.identifier))
    pairs = tuple(f"c {one}" for one in at_both.resources)
    anywhere = gateway(rule(subject_resources=frozenset(at_both.resources)))
    anywhere = replace(anywhere, resources=ResourceRegistry([REPORTS, STOCK]))
    subject = shown(access_token(origin=at_both, standing=standing(pairs=pairs, since=(1, 1))))
    issued = order(anywhere, subject).origin
    assert issued.basis == Basis({pair: pair for pair in pairs}, {APPLICATION: 0})
    without_reports = standing(pairs=pairs[1:], since=(1,), application_epoch=7)
    assert liveness.at(issued, without_reports, (REPORTS.identifier,)).scopes == ()
    assert liveness.at(issued, without_reports, (STOCK.identifier,)).scopes == ("c",)


def test_a_token_that_rests_on_nothing_of_a_record_has_no_pairs() -> None:
    alone = origin(record_id=None, record_version=0)
    subject = shown(access_token(origin=alone, standing=standing(record_id=None, pairs=(), since=()), auth_time=None))
    issued = order(gateway(), subject)
    assert issued.origin.basis == Basis({"a": "", "b": ""}, {APPLICATION: 0})
    assert issued.authentication is None
    assert liveness.living_scopes(issued.origin, standing(record_id=None, application_epoch=7)) == ("a", "b")
    assert order(own(), subject).origin.scopes == ("a", "b")
