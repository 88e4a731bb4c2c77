/**
 * Disk images of VMware, Microsoft, QEMU and VirtualBox, and chains of them: opened, made,
 * converted, checked and mended.
 *
 * <pre>{@code
 * try (DiskImage disk = DiskImages.open(Path.of("server.vmdk"), OpenOptions.forReading())) {
 *   ByteBuffer bootSector = ByteBuffer.allocate(512);
 *   disk.read(bootSector, 0);
 * }
 * }</pre>
 *
 * <p>{@link sharevm.disk.DiskImages} is where to start; {@link sharevm.disk.DiskFormat} is what to
 * make; what only some formats can do is a {@linkplain sharevm.disk.DiskImage#capability
 * capability}; every failure is a {@link sharevm.disk.DiskException} that says what, where and what
 * to do.
 */
package sharevm.disk;
