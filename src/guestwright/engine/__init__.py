"""The engine: what is known of hosts, machines, templates and people, and durable work on them."""
