package sharevm.machine.firmware;

import java.util.Optional;

/**
 * What is to be booted directly, and how.
 *
 * @param kernel the kernel
 * @param initrd the initial RAM disk; for Multiboot the first module
 * @param commandLine the kernel's command line, Latin-1
 * @param entry by which door to enter a bzImage
 * @param unpack who unpacks a bzImage
 * @param longMode whether the processor has 64-bit mode
 * @param textScreen whether there is a VGA-compatible text screen
 * @param randomSeed bytes for the guest's random number generator, empty for none
 */
public record LinuxBoot(
    GuestFile kernel,
    Optional<GuestFile> initrd,
    String commandLine,
    EntryPoint entry,
    UnpackPolicy unpack,
    boolean longMode,
    boolean textScreen,
    byte[] randomSeed) {
  /** The doors of a bzImage. */
  public enum EntryPoint {
    /** The best that kernel and processor have. */
    AUTO,
    /** Real-mode setup code, as every boot loader did once. */
    REAL_16,
    /** The protected-mode part's first byte. */
    PROTECTED_32,
    /** 512 bytes behind it, in 64-bit mode. */
    LONG_64
  }

  /** Who unpacks the compressed kernel in a bzImage. */
  public enum UnpackPolicy {
    /** The kernel's own decompressor, in the guest; it can also move the kernel about (KASLR). */
    GUEST,
    /** The host where it can, which starts much sooner; else the guest. */
    HOST
  }

  /** Returns a plain boot of a kernel. */
  public static LinuxBoot of(GuestFile kernel, Optional<GuestFile> initrd, String commandLine) {
    return new LinuxBoot(
        kernel, initrd, commandLine, EntryPoint.AUTO, UnpackPolicy.HOST, true, false, new byte[0]);
  }

  /** Returns the same by another door. */
  public LinuxBoot with(EntryPoint door, UnpackPolicy unpacker) {
    return new LinuxBoot(
        kernel, initrd, commandLine, door, unpacker, longMode, textScreen, randomSeed);
  }

  /** Returns the same for a processor with or without 64-bit mode. */
  public LinuxBoot withLongMode(boolean available) {
    return new LinuxBoot(
        kernel, initrd, commandLine, entry, unpack, available, textScreen, randomSeed);
  }

  /** Returns the same with bytes for the guest's random number generator. */
  public LinuxBoot withRandomSeed(byte[] seed) {
    return new LinuxBoot(
        kernel, initrd, commandLine, entry, unpack, longMode, textScreen, seed.clone());
  }
}
