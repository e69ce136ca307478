"""Her page and the Realtime protocol: what of a conversation goes over the network, and who may take part."""
