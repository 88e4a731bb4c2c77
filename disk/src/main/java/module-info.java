/** Disk images; usable alone, knows no virtual machine. */
module sharevm.disk {
}
