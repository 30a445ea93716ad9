"""`/api/v1/organizations/{slug}/invitations`: links that make whoever follows them a member."""

from app.routers.api.problems import api_router

router = api_router()
