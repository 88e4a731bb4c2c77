/** Disk images; usable alone, knows no virtual machine. */
module sharevm.disk {
  requires aircompressor.v3;
  requires jdk.unsupported; // It uses sun.misc.Unsafe, and as an automatic module cannot say so.

  exports sharevm.disk;
  exports sharevm.disk.nbd;
}
