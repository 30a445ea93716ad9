"""Every byte that leaves this process for another server."""
