"""`/organizations/{slug}/members`: members, their roles, and invitations."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
