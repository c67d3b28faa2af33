"""A hypervisor in memory with simulated guests, held to the same contract as libvirt."""
