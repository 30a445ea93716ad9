"""All plans together, and how a module, its test and its variants find each other."""

from tests.conformance import ciba_plans, fapi_plans, plans
from tests.conformance.plan import Plan, Runs

PLANS: tuple[Plan, ...] = (*plans.PLANS, *fapi_plans.PLANS, *ciba_plans.PLANS)

INTENTS = {**plans.INTENTS, **fapi_plans.INTENTS, **ciba_plans.INTENTS}
"""What each module is about, in half a sentence."""

NOT_APPLICABLE: dict[str, str] = {}
"""Modules without a test of their own, and why."""


def function_of(module: str) -> str:
    """Return the name of the function that tests a module."""
    return f"test_{module.replace('-', '_').lower()}"


FUNCTIONS = {function_of(module): module for plan in PLANS for module in plan.modules}


def variants_of(function: str) -> dict[str, Runs]:
    """Return the variants in which a test runs, by profile and what tells them apart."""
    found: dict[str, Runs] = {}
    for plan in PLANS:
        for module, variant in plan.runs:
            if variant is not None and function_of(module) == function:
                found[f"{plan.profile.removesuffix(' OP')} {variant.label}".rstrip()] = variant
    return found
