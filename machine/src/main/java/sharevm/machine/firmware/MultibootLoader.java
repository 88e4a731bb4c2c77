package sharevm.machine.firmware;

import java.util.List;
import java.util.OptionalLong;
import sharevm.machine.firmware.EntryState.Mode;
import sharevm.machine.firmware.EntryState.Registers;
import sharevm.machine.firmware.EntryState.Table;

/**
 * Loads a kernel by Multiboot 1 ([MULTIBOOT]): ELF32, ELF64 with a 32-bit entry, or any file by the
 * addresses in its header. It is entered in 32-bit protected mode, EAX the magic, EBX at the
 * information.
 */
public final class MultibootLoader {
  private static final long HEADER_MAGIC = 0x1BAD_B002L;
  private static final long BOOT_MAGIC = 0x2BAD_B002L;
  private static final int SEARCH_BYTES = 8192;
  private static final int ALIGN_MODULES = 1;
  private static final int WANTS_MEMORY = 1 << 1;
  private static final int WANTS_VIDEO = 1 << 2;
  private static final int HAS_ADDRESSES = 1 << 16;
  private static final int MUST_UNDERSTAND = 0xFFFF;

  private static final int INFO_MEMORY = 1;
  private static final int INFO_COMMAND_LINE = 1 << 2;
  private static final int INFO_MODULES = 1 << 3;
  private static final int INFO_MAP = 1 << 6;
  private static final int INFO_LOADER_NAME = 1 << 9;

  private static final long MODULE = LowMemory.START_INFO + 0x80;
  private static final long NAME = LowMemory.START_INFO + 0xC0;
  private static final long MODULE_TEXT = LowMemory.LISTS + 0x1000;
  private static final int MODULE_TEXT_MAX = 0x1000;
  private static final int MAP_ENTRY_BYTES = 24;
  private static final long MIB = 1 << 20;
  private static final long PAGE = 0x1000;

  private final PhysicalMemory memory;
  private final MemoryMap map;

  /** Makes a loader for one guest. */
  public MultibootLoader(PhysicalMemory memory, MemoryMap map) {
    this.memory = memory;
    this.map = map;
  }

  /** Returns whether a file has a Multiboot header ([MULTIBOOT] 3.1.1). */
  public static boolean fits(GuestFile kernel) {
    return header(kernel).isPresent();
  }

  /**
   * Puts kernel, module and information into memory.
   *
   * @throws LoaderException if they do not fit or the kernel wants what is not offered
   */
  public EntryState load(LinuxBoot boot) {
    GuestFile kernel = boot.kernel();
    long header = header(kernel).orElseThrow();
    long flags = kernel.u32(header + 4);
    if ((flags & MUST_UNDERSTAND & ~(ALIGN_MODULES | WANTS_MEMORY | WANTS_VIDEO)) != 0) {
      throw new LoaderException(
          ("%s: its Multiboot header has flags %08Xh, of which some are unknown;"
                  + " use a Multiboot 1 kernel")
              .formatted(kernel.name(), flags));
    }
    if ((flags & WANTS_VIDEO) != 0 && kernel.u32(header + 32) == 0) {
      throw new LoaderException(
          kernel.name()
              + ": its Multiboot header asks for a graphics mode, which is not offered;"
              + " build it for the text mode or the serial port");
    }
    Placed placed =
        (flags & HAS_ADDRESSES) != 0 ? loadByAddresses(kernel, header) : loadElf(kernel);
    writeInformation(boot, placed.end());
    Table gdt = LowMemory.writeGdt(memory, false);
    return new EntryState(
        Mode.PROTECTED,
        new Registers(BOOT_MAGIC, 0, 0, LowMemory.START_INFO, LowMemory.STACK_TOP, 0, 0, 0),
        placed.entry(),
        EntryState.FLAGS,
        EntryState.CR0_PE | EntryState.CR0_ET,
        0,
        0,
        0,
        LowMemory.code(false),
        LowMemory.data(),
        LowMemory.task(),
        gdt,
        Table.NONE);
  }

  private record Placed(long entry, long end) {}

  private static OptionalLong header(GuestFile kernel) {
    for (long at = 0; at < SEARCH_BYTES && kernel.contains(at, 48); at += 4) {
      if (kernel.u32(at) == HEADER_MAGIC
          && (int) (kernel.u32(at) + kernel.u32(at + 4) + kernel.u32(at + 8)) == 0) {
        return OptionalLong.of(at);
      }
    }
    return OptionalLong.empty();
  }

  private Placed loadElf(GuestFile kernel) {
    if (!ElfImage.fits(kernel)) {
      throw new LoaderException(
          kernel.name()
              + ": neither an ELF file nor with load addresses in its Multiboot header;"
              + " set bit 16 of its flags or link it as ELF");
    }
    ElfImage elf = ElfImage.parse(kernel);
    if (!elf.fitsBetween(MIB, map.usableLowEnd())) {
      throw outside(kernel, elf.physicalStart(), elf.physicalEnd());
    }
    elf.copyTo(memory);
    return new Placed(elf.physicalEntry(), elf.physicalEnd());
  }

  /** Loads by the address fields ([MULTIBOOT] 3.1.3), zero meaning "all" for the ends. */
  private Placed loadByAddresses(GuestFile kernel, long header) {
    long headerAddress = kernel.u32(header + 12);
    long load = kernel.u32(header + 16);
    long loadEnd = kernel.u32(header + 20);
    long bssEnd = kernel.u32(header + 24);
    long offset = header - (headerAddress - load);
    long length = loadEnd == 0 ? kernel.size() - offset : loadEnd - load;
    if (offset < 0 || length < 0 || !kernel.contains(offset, length)) {
      throw new LoaderException(
          kernel.name()
              + ": the addresses in its Multiboot header point outside the file; fetch it again");
    }
    long end = Math.max(bssEnd, load + length);
    if (load < MIB || end > map.usableLowEnd()) {
      throw outside(kernel, load, end);
    }
    kernel.copyTo(memory, load, offset, length);
    memory.zero(load + length, end - load - length);
    return new Placed(kernel.u32(header + 28), end);
  }

  private void writeInformation(LinuxBoot boot, long kernelEnd) {
    long info = LowMemory.START_INFO;
    memory.zero(info, 0x100);
    int flags = INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MAP | INFO_LOADER_NAME;
    memory.put32(info, flags);
    memory.put32(info + 4, MemoryMap.CONVENTIONAL_END >> 10);
    memory.put32(info + 8, map.usableLowEnd() - MIB >> 10);
    int max = LowMemory.COMMAND_LINE_MAX;
    memory.put32(info + 16, LowMemory.writeCommandLine(memory, boot.commandLine(), max));
    boot.initrd().ifPresent(module -> writeModule(module, kernelEnd));
    memory.put32(info + 20, boot.initrd().isPresent() ? 1 : 0);
    memory.put32(info + 24, MODULE);
    memory.put32(info + 44, (long) map.entries().size() * MAP_ENTRY_BYTES);
    memory.put32(info + 48, LowMemory.LISTS);
    memory.put32(info + 64, NAME);
    memory.writeText(NAME, "ShareVM");
    List<MemoryMap.Entry> entries = map.entries();
    for (int i = 0; i < entries.size(); i++) {
      long at = LowMemory.LISTS + (long) i * MAP_ENTRY_BYTES;
      memory.put32(at, MAP_ENTRY_BYTES - 4);
      memory.put64(at + 4, entries.get(i).base());
      memory.put64(at + 12, entries.get(i).length());
      memory.put32(at + 20, entries.get(i).type().code());
    }
  }

  /**
   * Puts the module on the page behind the kernel, as kernels that count memory from there expect.
   */
  private void writeModule(GuestFile module, long kernelEnd) {
    long at = kernelEnd + PAGE - 1 & -PAGE;
    if (module.size() > map.usableLowEnd() - at) {
      throw new LoaderException(
          "%s: %d KiB of module do not fit behind the kernel; give the guest more memory"
              .formatted(module.name(), module.size() >> 10));
    }
    module.copyTo(memory, at, 0, module.size());
    String text = module.name();
    int tooMuch = Math.max(0, text.length() - MODULE_TEXT_MAX + 1);
    memory.writeText(MODULE_TEXT, text.substring(tooMuch));
    memory.put32(MODULE, at);
    memory.put32(MODULE + 4, at + module.size());
    memory.put32(MODULE + 8, MODULE_TEXT);
  }

  private LoaderException outside(GuestFile kernel, long from, long to) {
    return new LoaderException(
        ("%s: loads at %Xh to %Xh, usable memory is from 100000h to %Xh;"
                + " relink it or give more memory")
            .formatted(kernel.name(), from, to, map.usableLowEnd()));
  }
}
