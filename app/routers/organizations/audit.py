"""`/organizations/{slug}/audit`: who did what."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
