"""HTTP only, one endpoint per file. `app.routers.endpoints` lists them all."""
