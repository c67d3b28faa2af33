"""Client of xenstored: `client` for synchronous code, `aio` for asyncio, both over one `connection`."""
