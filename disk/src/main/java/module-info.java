/** Disk images; usable alone, knows no virtual machine. */
module sharevm.disk {
  requires aircompressor.v3;

  exports sharevm.disk;
  exports sharevm.disk.nbd;
}
