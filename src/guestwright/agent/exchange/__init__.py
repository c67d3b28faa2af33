"""How a host and a guest exchange long streams through the store; pure, used by both sides."""
