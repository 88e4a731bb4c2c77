package sharevm.machine.firmware;

import java.util.ArrayList;
import java.util.List;

/**
 * Which physical addresses are memory, and whose, as int 15h E820h and its heirs tell it ([ACPI]
 * 15).
 *
 * @param entries ascending, without overlap
 */
public record MemoryMap(List<Entry> entries) {
  /** Top of the first 640 KiB less 1 KiB for the extended BIOS data area. */
  public static final long CONVENTIONAL_END = 0x9FC00;

  /** Where the extended BIOS data area lies, 1 KiB long. */
  public static final long EBDA = CONVENTIONAL_END;

  /** Where the system firmware's own 64 KiB begin. */
  public static final long ROM = 0xF0000;

  /** Where memory goes on above the adapters' and firmware's addresses. */
  public static final long EXTENDED = 0x10_0000;

  /** Bytes at the top of the memory below 4 GiB that hold the ACPI tables, a page of NVS last. */
  public static final long TABLES_BYTES = 0x1_0000;

  private static final long NVS_BYTES = 0x1000;

  /** What a range may be used for; {@link #code()} is the number in the interface. */
  public enum Type {
    /** Memory for the operating system. */
    USABLE(1),
    /** Not to be touched. */
    RESERVED(2),
    /** ACPI tables: memory once they have been read. */
    ACPI(3),
    /** ACPI non-volatile store: to be kept over sleep. */
    NVS(4);

    private final int code;

    Type(int code) {
      this.code = code;
    }

    /** Returns the address range type of [ACPI] table 15.6. */
    public int code() {
      return code;
    }
  }

  /** One range. */
  public record Entry(long base, long length, Type type) {
    /** Returns the first address behind it. */
    public long end() {
      return base + length;
    }
  }

  /** Copies the list. */
  public MemoryMap {
    entries = List.copyOf(entries);
  }

  /** Returns the map of a PC whose ACPI tables lie at the top of the memory below 4 GiB. */
  public static MemoryMap of(PhysicalMemory memory) {
    long low = memory.lowBytes();
    List<Entry> entries = new ArrayList<>();
    entries.add(new Entry(0, CONVENTIONAL_END, Type.USABLE));
    entries.add(new Entry(EBDA, 0xA0000 - EBDA, Type.RESERVED));
    entries.add(new Entry(ROM, EXTENDED - ROM, Type.RESERVED));
    entries.add(new Entry(EXTENDED, low - TABLES_BYTES - EXTENDED, Type.USABLE));
    entries.add(new Entry(low - TABLES_BYTES, TABLES_BYTES - NVS_BYTES, Type.ACPI));
    entries.add(new Entry(low - NVS_BYTES, NVS_BYTES, Type.NVS));
    if (memory.highBytes() > 0) {
      entries.add(new Entry(PhysicalMemory.HIGH_BASE, memory.highBytes(), Type.USABLE));
    }
    return new MemoryMap(entries);
  }

  /** Returns the map as the file etc/e820 of fw_cfg has it: 20 bytes an entry. */
  public byte[] fwCfgFile() {
    Bytes bytes = new Bytes();
    for (Entry entry : entries) {
      bytes.u64(entry.base()).u64(entry.length()).u32(entry.type().code());
    }
    return bytes.toArray();
  }

  /** Returns the first address behind the usable memory that begins at 1 MiB. */
  public long usableLowEnd() {
    return entries.stream()
        .filter(entry -> entry.base() == EXTENDED)
        .mapToLong(Entry::end)
        .findFirst()
        .orElse(EXTENDED);
  }

  /** Returns where the ACPI tables lie. */
  public long tables() {
    return base(Type.ACPI);
  }

  /** Returns where the page of ACPI non-volatile store lies. */
  public long nvs() {
    return base(Type.NVS);
  }

  private long base(Type type) {
    return entries.stream()
        .filter(entry -> entry.type() == type)
        .mapToLong(Entry::base)
        .findFirst()
        .orElseThrow();
  }
}
