"""One package per hypervisor interface; each implements `hypervisor.port.Hypervisor`."""
