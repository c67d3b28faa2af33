"""Commands about the inside of guests, asked of an engine: files, clipboard, host name."""
