"""`/api/v1/organizations/{slug}/audit`: who did what in an organization; and what happened to an account."""

from app.routers.api.problems import api_router

router = api_router()
