"""From an endpoint to a warm client: channels and credentials, clients, one use of each service."""
