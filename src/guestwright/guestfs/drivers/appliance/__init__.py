"""The appliance driver: any filesystem that Linux knows, through libguestfs' throw-away virtual machine."""
