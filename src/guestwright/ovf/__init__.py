"""Packages of the Open Virtualization Format 1.1 (DSP0243): descriptors, manifests, archives."""
