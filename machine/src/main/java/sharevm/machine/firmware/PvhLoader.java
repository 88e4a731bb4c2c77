package sharevm.machine.firmware;

import java.util.List;
import java.util.Optional;
import sharevm.machine.firmware.EntryState.Mode;
import sharevm.machine.firmware.EntryState.Registers;
import sharevm.machine.firmware.EntryState.Table;

/**
 * Loads an ELF kernel by its PVH note ([PVH]): entered in 32-bit protected mode without paging, EBX
 * at hvm_start_info version 1, which names the RSDP, the command line, the initrd and the memory
 * map.
 */
public final class PvhLoader {
  private static final String OWNER = "Xen";
  private static final int PHYS32_ENTRY = 18;
  private static final long MAGIC = 0x336E_C578L;
  private static final int VERSION = 1;
  private static final long MODULE = LowMemory.START_INFO + 0x80;
  private static final int MAP_ENTRY_BYTES = 24;
  private static final long MIB = 1 << 20;
  private static final long PAGE = 0x1000;

  private final PhysicalMemory memory;
  private final MemoryMap map;
  private final long rsdp;

  /**
   * Makes a loader for one guest.
   *
   * @param rsdp where the ACPI root pointer is
   */
  public PvhLoader(PhysicalMemory memory, MemoryMap map, long rsdp) {
    this.memory = memory;
    this.map = map;
    this.rsdp = rsdp;
  }

  /** Returns whether an ELF file has the note. */
  public static boolean fits(ElfImage elf) {
    return elf.note(OWNER, PHYS32_ENTRY).isPresent();
  }

  /**
   * Puts kernel, initrd and start info into memory.
   *
   * @throws LoaderException if they do not fit
   */
  public EntryState load(LinuxBoot boot, ElfImage elf) {
    long entry = elf.note(OWNER, PHYS32_ENTRY).orElseThrow() & 0xFFFF_FFFFL;
    if (!elf.fitsBetween(MIB, map.usableLowEnd())) {
      throw new LoaderException(
          "%s: the kernel needs memory up to %d MiB, the guest's ends at %d MiB; give it more"
              .formatted(boot.kernel().name(), elf.physicalEnd() >> 20, map.usableLowEnd() >> 20));
    }
    elf.copyTo(memory);
    writeStartInfo(boot, placeModule(boot.initrd(), elf.physicalEnd()));
    Table gdt = LowMemory.writeGdt(memory, false);
    return new EntryState(
        Mode.PROTECTED,
        new Registers(0, 0, 0, LowMemory.START_INFO, LowMemory.STACK_TOP, 0, 0, 0),
        entry,
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

  private long placeModule(Optional<GuestFile> initrd, long kernelEnd) {
    if (initrd.isEmpty() || initrd.get().size() == 0) {
      return 0;
    }
    GuestFile file = initrd.get();
    long at = map.usableLowEnd() - file.size() & -PAGE;
    if (at < kernelEnd) {
      throw new LoaderException(
          "%s: %d KiB of initrd do not fit behind the kernel; give the guest more memory"
              .formatted(file.name(), file.size() >> 10));
    }
    file.copyTo(memory, at, 0, file.size());
    return at;
  }

  private void writeStartInfo(LinuxBoot boot, long module) {
    long info = LowMemory.START_INFO;
    memory.zero(info, 0x100);
    memory.put32(info, MAGIC);
    memory.put32(info + 4, VERSION);
    if (module != 0) {
      memory.put32(info + 12, 1);
      memory.put64(info + 16, MODULE);
      memory.put64(MODULE, module);
      memory.put64(MODULE + 8, boot.initrd().orElseThrow().size());
    }
    int max = LowMemory.COMMAND_LINE_MAX;
    memory.put64(info + 24, LowMemory.writeCommandLine(memory, boot.commandLine(), max));
    memory.put64(info + 32, rsdp);
    memory.put64(info + 40, LowMemory.LISTS);
    List<MemoryMap.Entry> entries = map.entries();
    memory.put32(info + 48, entries.size());
    for (int i = 0; i < entries.size(); i++) {
      long at = LowMemory.LISTS + (long) i * MAP_ENTRY_BYTES;
      memory.put64(at, entries.get(i).base());
      memory.put64(at + 8, entries.get(i).length());
      memory.put32(at + 16, entries.get(i).type().code());
      memory.put32(at + 20, 0);
    }
  }
}
