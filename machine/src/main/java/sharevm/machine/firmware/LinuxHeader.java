package sharevm.machine.firmware;

/**
 * The real-mode kernel header of a Linux image ([BOOT] "The Real-Mode Kernel Header"), with what
 * older protocols leave out filled in as they imply it.
 *
 * @param protocol version, 0x020F for 2.15; 0 for kernels before 1.3.73, which have no header
 * @param setupBytes length of the boot sector and the real-mode code together
 * @param loadedHigh whether the protected-mode part belongs at 1 MiB (bzImage), else at 64 KiB
 * @param code32Start where the protected-mode part expects to be, in bytes
 * @param initrdMax highest address that the initrd's last byte may have
 * @param alignment of the load address if relocatable
 * @param relocatable whether the protected-mode part runs at any aligned address
 * @param longFlags xloadflags
 * @param commandLineMax characters without the ending zero
 * @param payloadOffset where the compressed kernel begins behind the setup part, 0 if not told
 * @param payloadLength its length, its four-byte size field included
 * @param preferredAddress where it had best be loaded
 * @param initSize bytes from the load address on that it needs before it reads the memory map
 */
public record LinuxHeader(
    int protocol,
    int setupBytes,
    boolean loadedHigh,
    long code32Start,
    long initrdMax,
    long alignment,
    boolean relocatable,
    int longFlags,
    int commandLineMax,
    long payloadOffset,
    long payloadLength,
    long preferredAddress,
    long initSize) {
  /** xloadflags: there is a 64-bit entry point at 200h of the protected-mode part. */
  public static final int XLF_KERNEL_64 = 1;

  /** Where the header's fields begin in the image and in the zero page. */
  public static final int FIELDS = 0x1F1;

  static final int SETUP_SECTORS = 0x1F1;
  static final int ROOT_FLAGS = 0x1F2;
  static final int VIDEO_MODE = 0x1FA;
  static final int BOOT_FLAG = 0x1FE;
  static final int JUMP_OPERAND = 0x201;
  static final int MAGIC = 0x202;
  static final int VERSION = 0x206;
  static final int LOADER_TYPE = 0x210;
  static final int LOAD_FLAGS = 0x211;
  static final int CODE32_START = 0x214;
  static final int RAMDISK_IMAGE = 0x218;
  static final int RAMDISK_SIZE = 0x21C;
  static final int HEAP_END = 0x224;
  static final int COMMAND_LINE = 0x228;
  static final int INITRD_MAX = 0x22C;
  static final int KERNEL_ALIGNMENT = 0x230;
  static final int RELOCATABLE = 0x234;
  static final int XLOAD_FLAGS = 0x236;
  static final int COMMAND_LINE_SIZE = 0x238;
  static final int SYSTEM_SIZE = 0x1F4;
  static final int PAYLOAD_OFFSET = 0x248;
  static final int PAYLOAD_LENGTH = 0x24C;
  static final int SETUP_DATA = 0x250;
  static final int PREFERRED_ADDRESS = 0x258;
  static final int INIT_SIZE = 0x260;

  /** "HdrS". */
  static final long HEADER_MAGIC = 0x5372_6448L;

  /** The boot sector's signature. */
  static final int BOOT_SIGNATURE = 0xAA55;

  private static final int SECTOR = 512;
  private static final int PARAGRAPH = 16;
  private static final int OLD_SETUP_SECTORS = 4;
  private static final long OLD_INITRD_MAX = 0x37FF_FFFFL;
  private static final int OLD_COMMAND_LINE_MAX = 255;

  /** Returns whether a file has a boot sector's signature, as every Linux image has. */
  public static boolean fits(GuestFile file) {
    return file.contains(0, SECTOR) && file.u16(BOOT_FLAG) == BOOT_SIGNATURE;
  }

  /** Reads the header of an image that {@link #fits}. */
  public static LinuxHeader parse(GuestFile file) {
    int sectors = file.u8(SETUP_SECTORS);
    int setupBytes = ((sectors == 0 ? OLD_SETUP_SECTORS : sectors) + 1) * SECTOR;
    if (file.size() <= setupBytes) {
      throw new LoaderException(
          "%s: truncated: the kernel behind its %d bytes of setup is missing; fetch it again"
              .formatted(file.name(), setupBytes));
    }
    boolean hasHeader = file.contains(0, CODE32_START + 4) && file.u32(MAGIC) == HEADER_MAGIC;
    int protocol = hasHeader ? file.u16(VERSION) : 0;
    // From 2.04 on the header counts the rest in paragraphs, the last of which need not be whole.
    long paragraphs = protocol >= 0x0204 ? file.u32(SYSTEM_SIZE) : 0;
    if (paragraphs * PARAGRAPH - (PARAGRAPH - 1) > file.size() - setupBytes) {
      throw new LoaderException(
          "%s: truncated: %d of its %d bytes are there; fetch it again"
              .formatted(file.name(), file.size(), setupBytes + paragraphs * PARAGRAPH));
    }
    boolean high = protocol >= 0x0200 && (file.u8(LOAD_FLAGS) & 1) != 0;
    long start = high ? file.u32(CODE32_START) : 0x1_0000;
    boolean payload = protocol >= 0x0208;
    boolean sized = protocol >= 0x020A;
    long body = file.size() - setupBytes;
    long alignment = protocol >= 0x0205 ? file.u32(KERNEL_ALIGNMENT) : 0;
    return new LinuxHeader(
        protocol,
        setupBytes,
        high,
        start,
        protocol >= 0x0203 ? file.u32(INITRD_MAX) : OLD_INITRD_MAX,
        Math.max(alignment, 0x1000),
        protocol >= 0x0205 && file.u8(RELOCATABLE) != 0,
        protocol >= 0x020C ? file.u16(XLOAD_FLAGS) : 0,
        protocol >= 0x0206 ? commandLineMax(file.u32(COMMAND_LINE_SIZE)) : OLD_COMMAND_LINE_MAX,
        payload ? file.u32(PAYLOAD_OFFSET) : 0,
        payload ? file.u32(PAYLOAD_LENGTH) : 0,
        sized ? file.u64(PREFERRED_ADDRESS) : start,
        sized ? file.u32(INIT_SIZE) : body * 3);
  }

  /**
   * Returns where the header's fields end in the image ([BOOT] "Details of Header Fields", jump).
   */
  public static int end(GuestFile file) {
    return (int) Math.min(MAGIC + file.u8(JUMP_OPERAND), file.size());
  }

  private static int commandLineMax(long told) {
    return Math.clamp(told, OLD_COMMAND_LINE_MAX, 0xFFFF);
  }
}
