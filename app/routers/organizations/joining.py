"""`/invitations`: where the link of an invitation leads."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
