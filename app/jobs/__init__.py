"""What has to be done now and then; nobody sets up a cron for it."""
