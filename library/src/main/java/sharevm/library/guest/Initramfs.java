package sharevm.library.guest;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveOutputStream;
import org.apache.commons.compress.archivers.cpio.CpioConstants;

/**
 * An initial file system for Linux: a {@code cpio} archive in the format "newc"
 * (Documentation/driver-api/early-userspace/buffer-format.rst), not compressed, because the guest
 * would have to undo that. The same additions in the same order give the same bytes.
 */
public final class Initramfs {
  private static final int BLOCK_BYTES = 512;
  private static final int DIRECTORY_MODE = CpioConstants.C_ISDIR | 0755;
  private static final int LINK_MODE = CpioConstants.C_ISLNK | 0777;
  private static final int CHARACTER_DEVICE_MODE = CpioConstants.C_ISCHR | 0600;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final CpioArchiveOutputStream archive =
      new CpioArchiveOutputStream(
          bytes, CpioConstants.FORMAT_NEW, BLOCK_BYTES, StandardCharsets.UTF_8.name());
  private long nodes;

  /** Adds folders; each must come after the one that it is in. */
  public Initramfs folders(String... paths) {
    for (String path : paths) {
      add(path, DIRECTORY_MODE, new byte[0], 0, 0);
    }
    return this;
  }

  /** Adds a file that everybody may read, and run if {@code executable}. */
  public Initramfs file(String path, byte[] content, boolean executable) {
    return add(path, CpioConstants.C_ISREG | (executable ? 0755 : 0644), content, 0, 0);
  }

  /** Adds a symbolic link. */
  public Initramfs link(String path, String to) {
    return add(path, LINK_MODE, to.getBytes(StandardCharsets.UTF_8), 0, 0);
  }

  /** Adds a character device of root's. */
  public Initramfs device(String path, int major, int minor) {
    return add(path, CHARACTER_DEVICE_MODE, new byte[0], major, minor);
  }

  /** Ends the archive and returns it. */
  public byte[] toBytes() {
    try {
      archive.finish();
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Initramfs add(String path, int mode, byte[] content, int major, int minor) {
    CpioArchiveEntry entry = new CpioArchiveEntry(CpioConstants.FORMAT_NEW, path);
    entry.setInode(++nodes);
    entry.setMode(mode);
    entry.setNumberOfLinks(1);
    entry.setTime(0);
    entry.setSize(content.length);
    entry.setRemoteDeviceMaj(major);
    entry.setRemoteDeviceMin(minor);
    try {
      archive.putArchiveEntry(entry);
      archive.write(content);
      archive.closeArchiveEntry();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // A byte array has room, so this is a bug.
    }
    return this;
  }
}
