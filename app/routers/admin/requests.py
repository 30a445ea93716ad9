"""`/admin/requests`: why a request was answered as it was."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
