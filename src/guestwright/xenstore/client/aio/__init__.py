"""The client for asyncio; see `client`."""
