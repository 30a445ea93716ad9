"""`/organizations/{slug}/api-keys`: the machine credentials of an organization."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
