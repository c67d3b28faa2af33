"""What the host does to guests: sysprep, calls, settings, the clipboard, memory."""
