"""`/admin/audit`: the whole audit log, for operators."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
