package sharevm.machine.firmware;

import java.io.IOException;
import java.util.Optional;
import sharevm.machine.firmware.EntryState.Mode;
import sharevm.machine.firmware.EntryState.Registers;
import sharevm.machine.firmware.EntryState.Segment;
import sharevm.machine.firmware.EntryState.Table;
import sharevm.machine.firmware.LinuxBoot.EntryPoint;
import sharevm.machine.firmware.LinuxBoot.UnpackPolicy;

/**
 * Loads a Linux kernel by the x86 boot protocol ([BOOT]), all versions, by its 16-, 32- or 64-bit
 * entry, or the ELF file inside it without the detour through the guest's decompressor.
 *
 * <p>Placement: the protected-mode part at the kernel's preferred address if it has one, the initrd
 * as high as {@code initrd_addr_max} and memory allow, tables as {@link LowMemory} says.
 */
public final class LinuxLoader {
  private static final long PAGE = 0x1000;
  private static final long MIB = 1 << 20;
  private static final int ENTRY_64 = 0x200;
  private static final int SECTOR = 512;

  private static final long SETUP = 0x1_0000;
  private static final long OLD_SETUP = 0x9_0000;
  private static final int SETUP_HEAP_END = 0xE000;
  private static final int OLD_SETUP_HEAP_END = 0x9800;
  private static final int CAN_USE_HEAP = 0x80;
  private static final int LOADER_UNASSIGNED = 0xFF;
  private static final int OLD_COMMAND_LINE_MAGIC = 0x20;
  private static final int OLD_COMMAND_LINE_OFFSET = 0x22;
  private static final int OLD_COMMAND_LINE = 0xA33F;

  private final PhysicalMemory memory;
  private final MemoryMap map;
  private final long rsdp;

  /**
   * Makes a loader for one guest.
   *
   * @param rsdp where the ACPI root pointer is, 0 if the guest is to search
   */
  public LinuxLoader(PhysicalMemory memory, MemoryMap map, long rsdp) {
    this.memory = memory;
    this.map = map;
    this.rsdp = rsdp;
  }

  /** Returns whether a file looks like a Linux image with a boot sector. */
  public static boolean fits(GuestFile kernel) {
    return LinuxHeader.fits(kernel);
  }

  /**
   * Puts kernel, initrd and tables into memory.
   *
   * @return the processor's state at the kernel's first instruction
   * @throws LoaderException if that cannot be
   */
  public EntryState load(LinuxBoot boot) {
    LinuxHeader header = LinuxHeader.parse(boot.kernel());
    EntryPoint door = door(boot, header);
    if (door != EntryPoint.REAL_16 && boot.unpack() == UnpackPolicy.HOST) {
      Optional<EntryState> direct = loadUnpacked(boot, header, door);
      if (direct.isPresent()) {
        return direct.get();
      }
    }
    return door == EntryPoint.REAL_16
        ? loadReal(boot, header)
        : loadPacked(boot, header, door == EntryPoint.LONG_64);
  }

  /** Loads an unpacked kernel, an ELF file whose entry wants a zero page in (R)SI. */
  public EntryState loadElf(LinuxBoot boot, ElfImage elf) {
    boolean wide = isWide(elf);
    if (wide && !boot.longMode()) {
      throw needsLongMode(boot.kernel());
    }
    if (!elf.fitsBetween(MIB, map.usableLowEnd())) {
      throw tooLarge(boot.kernel(), elf.physicalEnd());
    }
    elf.copyTo(memory);
    long initrd = placeInitrd(boot, elf.physicalEnd(), 0x37FF_FFFFL);
    finish(new BootParams(memory).elfHeader(), boot, initrd, LowMemory.COMMAND_LINE_MAX);
    return enter(elf.physicalEntry(), wide);
  }

  private EntryPoint door(LinuxBoot boot, LinuxHeader header) {
    boolean has64 = (header.longFlags() & LinuxHeader.XLF_KERNEL_64) != 0;
    boolean has32 = header.protocol() >= 0x0203 && header.loadedHigh();
    EntryPoint door = boot.entry();
    if (door == EntryPoint.AUTO) {
      if (has64 && boot.longMode()) {
        return EntryPoint.LONG_64;
      }
      return has32 ? EntryPoint.PROTECTED_32 : EntryPoint.REAL_16;
    }
    if (door == EntryPoint.LONG_64 && !boot.longMode()) {
      throw needsLongMode(boot.kernel());
    }
    if ((door == EntryPoint.LONG_64 && !has64) || (door == EntryPoint.PROTECTED_32 && !has32)) {
      throw new LoaderException(
          "%s: boot protocol %d.%02d has no %s entry; leave the choice to the loader"
              .formatted(
                  boot.kernel().name(),
                  header.protocol() >> 8,
                  header.protocol() & 0xFF,
                  door == EntryPoint.LONG_64 ? "64-bit" : "32-bit"));
    }
    return door;
  }

  /** Loads the ELF file inside; empty if it cannot be unpacked or placed here. */
  private Optional<EntryState> loadUnpacked(LinuxBoot boot, LinuxHeader header, EntryPoint door) {
    boolean wide = door == EntryPoint.LONG_64;
    return KernelPayload.find(boot.kernel(), header, map.usableLowEnd())
        .flatMap(payload -> unpack(boot.kernel().name(), payload, wide))
        .map(elf -> enterUnpacked(boot, header, elf));
  }

  /** Unpacks an ELF file to its place; if it is damaged, the guest's decompressor has the say. */
  private Optional<ElfImage> unpack(String name, KernelPayload payload, boolean wide) {
    long end = map.usableLowEnd();
    ElfPlacement placement =
        new ElfPlacement(
            memory, name, payload.size(), elf -> elf.fitsBetween(MIB, end) && isWide(elf) == wide);
    try {
      payload.unpackTo(placement);
      placement.finish();
      return Optional.of(placement.image());
    } catch (IOException e) {
      placement.undo();
      return Optional.empty();
    }
  }

  private EntryState enterUnpacked(LinuxBoot boot, LinuxHeader header, ElfImage elf) {
    long end = Math.max(elf.physicalEnd(), elf.physicalStart() + header.initSize());
    long initrd = placeInitrd(boot, end, header.initrdMax());
    BootParams params =
        new BootParams(memory).header(boot.kernel(), header).code32Start(elf.physicalStart());
    finish(params, boot, initrd, header.commandLineMax());
    return enter(elf.physicalEntry(), isWide(elf));
  }

  private static boolean isWide(ElfImage elf) {
    return elf.machine() == ElfImage.EM_X86_64;
  }

  private EntryState loadPacked(LinuxBoot boot, LinuxHeader header, boolean wide) {
    GuestFile kernel = boot.kernel();
    long body = kernel.size() - header.setupBytes();
    long need = Math.max(body, header.initSize());
    long at = loadAddress(kernel, header, need);
    kernel.copyTo(memory, at, header.setupBytes(), body);
    long initrd = placeInitrd(boot, at + need, header.initrdMax());
    BootParams params = new BootParams(memory).header(kernel, header).code32Start(at);
    finish(params, boot, initrd, header.commandLineMax());
    return enter(wide ? at + ENTRY_64 : at, wide);
  }

  private long loadAddress(GuestFile kernel, LinuxHeader header, long need) {
    long limit = map.usableLowEnd();
    long preferred = header.relocatable() ? header.preferredAddress() : header.code32Start();
    if (preferred >= MIB && preferred <= limit && need <= limit - preferred) {
      return preferred;
    }
    long lowest = (MIB + header.alignment() - 1) / header.alignment() * header.alignment();
    if (!header.relocatable() || need > limit - lowest) {
      throw tooLarge(kernel, Math.max(preferred, lowest) + need);
    }
    return lowest;
  }

  private EntryState loadReal(LinuxBoot boot, LinuxHeader header) {
    GuestFile kernel = boot.kernel();
    boolean modern = header.protocol() >= 0x0202 && header.loadedHigh();
    long setup = modern ? SETUP : OLD_SETUP;
    int heapEnd = modern ? SETUP_HEAP_END : OLD_SETUP_HEAP_END;
    long body = kernel.size() - header.setupBytes();
    long at = header.loadedHigh() ? header.code32Start() : SETUP;
    long limit = header.loadedHigh() ? map.usableLowEnd() : OLD_SETUP;
    if (header.setupBytes() > 0x8000 || at < SETUP || at > limit || body > limit - at) {
      throw tooLarge(kernel, at + body);
    }
    kernel.copyTo(memory, setup, 0, header.setupBytes());
    kernel.copyTo(memory, at, header.setupBytes(), body);
    writeRealHeader(boot, header, setup, heapEnd, at + Math.max(body, header.initSize()));
    int segment = (int) (setup >> 4);
    return new EntryState(
        Mode.REAL,
        new Registers(0, 0, 0, 0, heapEnd, 0, 0, 0),
        0,
        EntryState.FLAGS,
        EntryState.CR0_ET,
        0,
        0,
        0,
        Segment.real(segment + (SECTOR >> 4)),
        Segment.real(segment),
        new Segment(0, 0, 0xFFFF, 0x8B),
        Table.NONE,
        Table.REAL_IDT);
  }

  private void writeRealHeader(
      LinuxBoot boot, LinuxHeader header, long setup, int heapEnd, long kernelEnd) {
    String text = boot.commandLine();
    int max = Math.min(header.commandLineMax(), modernCommandLineMax(header));
    if (text.length() > max) {
      throw new LoaderException(
          "the command line has %d characters, the kernel takes %d; shorten it"
              .formatted(text.length(), max));
    }
    memory.writeText(setup + heapEnd, text);
    if (header.protocol() >= 0x0202) {
      memory.put32(setup + LinuxHeader.COMMAND_LINE, setup + heapEnd);
    } else {
      memory.put16(setup + OLD_COMMAND_LINE_MAGIC, OLD_COMMAND_LINE);
      memory.put16(setup + OLD_COMMAND_LINE_OFFSET, heapEnd);
    }
    memory.put16(setup + LinuxHeader.VIDEO_MODE, 0xFFFF);
    long initrd = placeInitrd(boot, kernelEnd, header.initrdMax());
    if (header.protocol() < 0x0200) {
      if (initrd != 0) {
        throw new LoaderException(
            boot.kernel().name() + ": a kernel this old takes no initrd; leave it out");
      }
      return;
    }
    memory.put8(setup + LinuxHeader.LOADER_TYPE, LOADER_UNASSIGNED);
    if (header.protocol() >= 0x0201) {
      memory.put16(setup + LinuxHeader.HEAP_END, heapEnd - SECTOR);
      int flags = memory.u8(setup + LinuxHeader.LOAD_FLAGS);
      memory.put8(setup + LinuxHeader.LOAD_FLAGS, flags | CAN_USE_HEAP);
    }
    if (initrd != 0) {
      memory.put32(setup + LinuxHeader.RAMDISK_IMAGE, initrd);
      memory.put32(setup + LinuxHeader.RAMDISK_SIZE, boot.initrd().orElseThrow().size());
    }
  }

  private static int modernCommandLineMax(LinuxHeader header) {
    return header.protocol() >= 0x0202 ? 0x1FFF : 0x3FF;
  }

  /** Puts the initrd as high as may be; returns its address, 0 if there is none. */
  private long placeInitrd(LinuxBoot boot, long kernelEnd, long lastByteMax) {
    if (boot.initrd().isEmpty() || boot.initrd().get().size() == 0) {
      return 0;
    }
    GuestFile initrd = boot.initrd().get();
    long limit = Math.min(map.usableLowEnd(), lastByteMax + 1);
    long at = limit - initrd.size() & -PAGE;
    if (at < Math.max(kernelEnd, MIB)) {
      throw new LoaderException(
          ("%s: %d KiB of initrd do not fit between the kernel and %d MiB;"
                  + " give the guest more memory")
              .formatted(initrd.name(), initrd.size() >> 10, limit >> 20));
    }
    initrd.copyTo(memory, at, 0, initrd.size());
    return at;
  }

  private void finish(BootParams params, LinuxBoot boot, long initrd, int commandLineMax) {
    params
        .commandLine(LowMemory.writeCommandLine(memory, boot.commandLine(), commandLineMax))
        .memoryMap(map)
        .acpi(rsdp)
        .randomSeed(boot.randomSeed());
    if (initrd != 0) {
      params.initrd(initrd, boot.initrd().orElseThrow().size());
    }
    if (boot.textScreen()) {
      params.textScreen();
    }
  }

  /** The state of [BOOT] "32-bit Boot Protocol" or "64-bit Boot Protocol". */
  private EntryState enter(long entry, boolean wide) {
    Table gdt = LowMemory.writeGdt(memory, wide);
    long cr3 = wide ? LowMemory.writePageTables(memory) : 0;
    return new EntryState(
        wide ? Mode.LONG : Mode.PROTECTED,
        new Registers(0, 0, 0, 0, LowMemory.STACK_TOP, 0, LowMemory.ZERO_PAGE, 0),
        entry,
        EntryState.FLAGS,
        EntryState.CR0_PE | EntryState.CR0_ET | (wide ? EntryState.CR0_PG : 0),
        cr3,
        wide ? EntryState.CR4_PAE : 0,
        wide ? EntryState.EFER_LONG : 0,
        LowMemory.code(wide),
        LowMemory.data(),
        LowMemory.task(),
        gdt,
        Table.NONE);
  }

  private LoaderException tooLarge(GuestFile kernel, long end) {
    return new LoaderException(
        "%s: the kernel needs memory up to %d MiB, the guest's ends at %d MiB; give it more"
            .formatted(kernel.name(), (end + MIB - 1) >> 20, map.usableLowEnd() >> 20));
  }

  private static LoaderException needsLongMode(GuestFile kernel) {
    return new LoaderException(
        kernel.name()
            + ": a 64-bit kernel, but the processor model has no 64-bit mode;"
            + " choose another --cpu");
  }
}
