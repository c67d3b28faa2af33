"""Labels for new files of guests that use SELinux, from the guest's own policy."""
