"""QEMU, KVM and Xen through libvirt; the binding is imported only when a connection is opened."""
