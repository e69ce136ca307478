"""Stand-in services that speak the real wire protocols on the loopback interface, over TLS."""
