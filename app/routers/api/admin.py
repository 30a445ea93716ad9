"""`/api/v1/admin`: users, applications, decision traces and the audit log, for operators."""

from app.routers.api.problems import api_router

router = api_router()
