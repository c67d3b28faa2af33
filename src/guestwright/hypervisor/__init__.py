"""Domains of a hypervisor behind one port; drivers `libvirt` (QEMU, KVM, Xen) and `fake`."""
