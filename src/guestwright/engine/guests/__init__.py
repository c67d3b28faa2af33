"""Live actions on machines: asked of the hosts that they are on."""
