package sharevm.machine.firmware;

import static sharevm.machine.firmware.LowMemory.ZERO_PAGE;

import java.util.List;

/**
 * Writes struct boot_params, the "zero page", which 32- and 64-bit entry hand to Linux
 * ([ZEROPAGE]).
 */
final class BootParams {
  private static final int BYTES = 0x1000;
  private static final int VIDEO_MODE = 0x006;
  private static final int VIDEO_COLUMNS = 0x007;
  private static final int VIDEO_LINES = 0x00E;
  private static final int VIDEO_IS_VGA = 0x00F;
  private static final int VIDEO_POINTS = 0x010;
  private static final int ACPI_RSDP = 0x070;
  private static final int RAMDISK_IMAGE_HIGH = 0x0C0;
  private static final int RAMDISK_SIZE_HIGH = 0x0C4;
  private static final int ALT_MEM_K = 0x1E0;
  private static final int E820_ENTRIES = 0x1E8;
  private static final int E820_TABLE = 0x2D0;
  private static final int E820_ENTRY_BYTES = 20;
  private static final int E820_MAX = 128;
  private static final int SETUP_RNG_SEED = 9;
  private static final int LOADER_UNASSIGNED = 0xFF;
  private static final int TEXT_MODE = 3;

  private final PhysicalMemory memory;

  BootParams(PhysicalMemory memory) {
    this.memory = memory;
    memory.zero(ZERO_PAGE, BYTES);
  }

  /** Copies the kernel's own header, as the protocol wants. */
  BootParams header(GuestFile kernel, LinuxHeader header) {
    int from = LinuxHeader.FIELDS;
    int to = LinuxHeader.end(kernel);
    if (header.protocol() >= 0x0200 && to > from) {
      kernel.copyTo(memory, ZERO_PAGE + from, from, to - from);
    }
    return loader();
  }

  /** Makes up the header for a kernel that comes without one: an unpacked ELF file. */
  BootParams elfHeader() {
    memory.put16(ZERO_PAGE + LinuxHeader.BOOT_FLAG, LinuxHeader.BOOT_SIGNATURE);
    memory.put32(ZERO_PAGE + LinuxHeader.MAGIC, LinuxHeader.HEADER_MAGIC);
    memory.put16(ZERO_PAGE + LinuxHeader.VERSION, 0x020F);
    memory.put8(ZERO_PAGE + LinuxHeader.LOAD_FLAGS, 1);
    memory.put32(ZERO_PAGE + LinuxHeader.KERNEL_ALIGNMENT, 0x20_0000);
    return loader();
  }

  BootParams code32Start(long address) {
    memory.put32(ZERO_PAGE + LinuxHeader.CODE32_START, address);
    return this;
  }

  BootParams commandLine(long address) {
    memory.put32(ZERO_PAGE + LinuxHeader.COMMAND_LINE, address);
    return this;
  }

  BootParams initrd(long address, long length) {
    memory.put32(ZERO_PAGE + LinuxHeader.RAMDISK_IMAGE, address);
    memory.put32(ZERO_PAGE + LinuxHeader.RAMDISK_SIZE, length);
    memory.put32(ZERO_PAGE + RAMDISK_IMAGE_HIGH, address >>> 32);
    memory.put32(ZERO_PAGE + RAMDISK_SIZE_HIGH, length >>> 32);
    return this;
  }

  BootParams memoryMap(MemoryMap map) {
    List<MemoryMap.Entry> entries = map.entries();
    int count = Math.min(entries.size(), E820_MAX);
    for (int i = 0; i < count; i++) {
      long at = ZERO_PAGE + E820_TABLE + (long) i * E820_ENTRY_BYTES;
      memory.put64(at, entries.get(i).base());
      memory.put64(at + 8, entries.get(i).length());
      memory.put32(at + 16, entries.get(i).type().code());
    }
    memory.put8(ZERO_PAGE + E820_ENTRIES, count);
    memory.put32(ZERO_PAGE + ALT_MEM_K, map.usableLowEnd() - MemoryMap.EXTENDED >>> 10);
    return this;
  }

  BootParams acpi(long rsdp) {
    memory.put64(ZERO_PAGE + ACPI_RSDP, rsdp);
    return this;
  }

  /** Says that an 80 by 25 VGA text screen is set up. */
  BootParams textScreen() {
    memory.put8(ZERO_PAGE + VIDEO_MODE, TEXT_MODE);
    memory.put8(ZERO_PAGE + VIDEO_COLUMNS, 80);
    memory.put8(ZERO_PAGE + VIDEO_LINES, 25);
    memory.put8(ZERO_PAGE + VIDEO_IS_VGA, 1);
    memory.put16(ZERO_PAGE + VIDEO_POINTS, 16);
    return this;
  }

  /** Hands over a seed as the only setup_data; kernels that do not know it skip it. */
  BootParams randomSeed(byte[] seed) {
    if (seed.length > 0) {
      memory.put64(LowMemory.SETUP_DATA, 0);
      memory.put32(LowMemory.SETUP_DATA + 8, SETUP_RNG_SEED);
      memory.put32(LowMemory.SETUP_DATA + 12, seed.length);
      memory.write(LowMemory.SETUP_DATA + 16, seed);
      memory.put64(ZERO_PAGE + LinuxHeader.SETUP_DATA, LowMemory.SETUP_DATA);
    }
    return this;
  }

  private BootParams loader() {
    memory.put8(ZERO_PAGE + LinuxHeader.LOADER_TYPE, LOADER_UNASSIGNED);
    memory.put16(ZERO_PAGE + LinuxHeader.VIDEO_MODE, 0xFFFF);
    return this;
  }
}
