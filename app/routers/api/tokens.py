"""`/api/v1/tokens`: a person’s own tokens."""

from app.routers.api.problems import api_router

router = api_router()
