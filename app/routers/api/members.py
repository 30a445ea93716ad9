"""`/api/v1/organizations/{slug}/members`: who belongs to an organization, and with which role."""

from app.routers.api.problems import api_router

router = api_router()
