package sharevm.library.guest;

import java.nio.file.Path;

/** A Linux kernel and its initial file system, as files on the host. */
public record LinuxFiles(Path kernel, Path initrd) {}
