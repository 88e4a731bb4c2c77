package sharevm.library.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import sharevm.library.FileTrouble;
import sharevm.library.LibraryException;
import sharevm.library.Progress;
import sharevm.library.debian.DebArchive;
import sharevm.library.debian.DebianPackages;

/**
 * The guest for a run without a target: Debian's kernel for clouds and a busybox, with a shell on
 * the serial console within seconds. It is put together from Debian's packages once and kept as
 * {@code guests/mini-N} in the cache.
 */
public final class MiniGuest {
  /** The number N; another content of the initial file system needs another. */
  private static final int EDITION = 1;

  private static final String KERNEL_PACKAGE = "linux-image-cloud-amd64";
  private static final String BUSYBOX_PACKAGE = "busybox-static";
  private static final String ARCHITECTURE = "amd64";

  private MiniGuest() {}

  /** Returns the guest's files, made first if they are not in the cache. */
  public static LinuxFiles obtain(Path cache, Progress progress) throws LibraryException {
    Path folder = cache.resolve("guests").resolve("mini-" + EDITION);
    LinuxFiles files = new LinuxFiles(folder.resolve("kernel"), folder.resolve("initrd"));
    if (Files.isRegularFile(files.kernel()) && Files.isRegularFile(files.initrd())) {
      return files;
    }
    DebianPackages packages = new DebianPackages(cache, progress);
    try {
      Path kernel = packages.fetch(KERNEL_PACKAGE, ARCHITECTURE);
      Path busybox = packages.fetch(BUSYBOX_PACKAGE, ARCHITECTURE);
      Files.createDirectories(folder);
      place(kernel(kernel), files.kernel());
      place(initrd(busybox(busybox)), files.initrd());
      return files;
    } catch (LibraryException e) {
      throw LibraryException.failed(
          "cannot get the mini guest: "
              + e.getMessage()
              + "; or give a guest of your own with --kernel FILE --initrd FILE",
          e);
    } catch (IOException e) {
      throw LibraryException.failed(
          "cannot make the mini guest in "
              + folder
              + ": "
              + FileTrouble.reason(e)
              + "; make room there or set XDG_CACHE_HOME, or give --kernel FILE --initrd FILE",
          e);
    }
  }

  /** Returns the compressed kernel image in a Debian kernel package. */
  public static byte[] kernel(Path deb) throws IOException {
    return DebArchive.file(deb, name -> name.startsWith("boot/vmlinuz-"))
        .orElseThrow(() -> new IOException(deb + " has no boot/vmlinuz"));
  }

  /** Returns the program in a Debian busybox package. */
  public static byte[] busybox(Path deb) throws IOException {
    return DebArchive.file(
            deb, name -> name.equals("bin/busybox") || name.equals("usr/bin/busybox"))
        .orElseThrow(() -> new IOException(deb + " has no bin/busybox"));
  }

  /** Returns an initial file system around a busybox, which greets and gives a shell. */
  public static byte[] initrd(byte[] busybox) throws IOException {
    return userland(busybox).file("init", resource("mini-init"), true).toBytes();
  }

  /**
   * Starts an initial file system with a busybox and a link for each of its applets, the folders
   * that programs expect, and the console; what runs first, {@code init}, is still to be added.
   */
  public static Initramfs userland(byte[] busybox) throws IOException {
    Initramfs files =
        new Initramfs()
            .folders("bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "usr", "var")
            .link("sbin", "bin")
            .link("usr/bin", "../bin")
            .link("usr/sbin", "../bin")
            // The kernel opens the console before anything can mount /dev (devices.txt: 5, 1).
            .device("dev/console", 5, 1)
            .file("bin/busybox", busybox, true);
    for (String applet : BusyboxApplets.of(busybox)) {
      if (!applet.equals("busybox")) {
        files.link("bin/" + applet, "busybox");
      }
    }
    return files;
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = MiniGuest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    }
  }

  private static void place(byte[] content, Path file) throws IOException {
    Path work = Files.createTempFile(file.getParent(), ".making-", "");
    try {
      Files.write(work, content);
      Files.move(work, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(work);
    }
  }
}
