"""`/admin/users`: everybody, for operators."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
