"""`/organizations`: those that a person belongs to, and each of them."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
