"""`/account/activity`: what happened to the account."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
