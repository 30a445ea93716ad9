"""`/api/v1/applications`: the applications of a person and of his organizations."""

from app.routers.api.problems import api_router

router = api_router()
