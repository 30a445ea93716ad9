"""`/apps`: a developer’s applications: registered, described, given secrets, switched off, deleted."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
