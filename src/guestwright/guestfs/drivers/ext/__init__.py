"""ext2, ext3 and ext4 through libext2fs, without mounts, root or an appliance."""
