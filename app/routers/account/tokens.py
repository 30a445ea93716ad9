"""`/account/tokens`: a person’s own tokens."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
