package sharevm.machine.firmware;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Makes the SMBIOS tables ([SMBIOS]): firmware, system, chassis, processors, memory, with a 2.8 and
 * a 3.0 entry point, for a place below 1 MiB.
 */
public final class Smbios {
  private static final int ENTRY_3_BYTES = 0x18;
  private static final int ENTRY_2_BYTES = 0x1F;
  private static final int TABLE_OFFSET = 0x40;
  private static final int MEMORY_ARRAY = 0x1000;
  private static final int MEMORY_DEVICE = 0x1100;
  private static final long MIB = 1 << 20;
  private static final int UNKNOWN = 2;
  private static final int OTHER = 1;

  private final List<byte[]> structures = new ArrayList<>();

  /**
   * Makes the tables of a machine.
   *
   * @param uuid the system's identity
   * @param version of this program, shown as the firmware's
   */
  public Smbios(UUID uuid, String version, int cpus, long memoryBytes) {
    firmware(version);
    system(uuid, version);
    chassis();
    for (int cpu = 0; cpu < cpus; cpu++) {
      processor(cpu);
    }
    memory(memoryBytes);
    structure(127, 0x7F00, new Bytes());
  }

  /**
   * Returns entry points and tables for a place at {@code address}, 16-byte aligned below 1 MiB.
   */
  public byte[] image(long address) {
    long table = address + TABLE_OFFSET;
    int length = structures.stream().mapToInt(s -> s.length).sum();
    int longest = structures.stream().mapToInt(s -> s.length).max().orElse(0);
    byte[] three =
        new Bytes()
            .ascii("_SM3_")
            .u8(0)
            .u8(ENTRY_3_BYTES)
            .u8(3)
            .u8(0)
            .u8(0)
            .u8(1)
            .u8(0)
            .u32(length)
            .u64(table)
            .toArray();
    three[5] = Bytes.checksum(three, 0, three.length);
    Bytes image = new Bytes().bytes(three).zeros(0x20 - three.length);
    image.bytes(entry2(table, length, longest)).zeros(1);
    structures.forEach(image::bytes);
    return image.toArray();
  }

  /** The 32-bit entry point ([SMBIOS] 5.2.1), version 2.8. */
  private byte[] entry2(long table, int length, int longest) {
    byte[] entry =
        new Bytes()
            .ascii("_SM_")
            .u8(0)
            .u8(ENTRY_2_BYTES)
            .u8(2)
            .u8(8)
            .u16(longest)
            .u8(0)
            .zeros(5)
            .ascii("_DMI_")
            .u8(0)
            .u16(length)
            .u32(table)
            .u16(structures.size())
            .u8(0x28)
            .toArray();
    entry[0x15] = Bytes.checksum(entry, 0x10, 0x0F);
    entry[4] = Bytes.checksum(entry, 0, ENTRY_2_BYTES);
    return entry;
  }

  /**
   * Type 0 ([SMBIOS] 7.1); the last characteristic says that the table describes a virtual machine.
   */
  private void firmware(String version) {
    Bytes body = new Bytes().u8(1).u8(2).u16(0xF000).u8(3).u8(0).u64(1 << 3);
    body.u8(0).u8(1 << 4).u8(0).u8(0).u8(0xFF).u8(0xFF);
    structure(0, 0, body, "ShareVM", version, "01/01/2026");
  }

  /** Type 1 ([SMBIOS] 7.2); the first three fields of the identity are little-endian. */
  private void system(UUID uuid, String version) {
    long high = uuid.getMostSignificantBits();
    Bytes body = new Bytes().u8(1).u8(2).u8(3).u8(0);
    body.u32(high >>> 32).u16(high >>> 16).u16(high);
    body.u64(Long.reverseBytes(uuid.getLeastSignificantBits()));
    body.u8(6).u8(0).u8(0);
    structure(1, 0x100, body, "ShareVM", "ShareVM PC", version);
  }

  /** Type 3 ([SMBIOS] 7.4). */
  private void chassis() {
    Bytes body = new Bytes().u8(1).u8(OTHER).u8(0).u8(0).u8(0).u8(3).u8(3).u8(3).u8(UNKNOWN);
    structure(3, 0x300, body.u32(0).u8(0).u8(0).u8(0).u8(0).u8(0), "ShareVM");
  }

  /** Type 4 ([SMBIOS] 7.5). */
  private void processor(int cpu) {
    Bytes body = new Bytes().u8(1).u8(3).u8(OTHER).u8(2).zeros(8).u8(0).u8(0);
    body.u16(0).u16(0).u16(0).u8(0x41).u8(OTHER);
    body.u16(0xFFFF).u16(0xFFFF).u16(0xFFFF).u8(0).u8(0).u8(0);
    body.u8(1).u8(1).u8(1).u16(1 << 2).u16(OTHER).u16(1).u16(1).u16(1);
    structure(4, 0x400 + cpu, body, "CPU " + cpu, "ShareVM");
  }

  /** Types 16, 17 and 19 ([SMBIOS] 7.17, 7.18, 7.20): one memory device of all memory. */
  private void memory(long bytes) {
    long mib = bytes / MIB;
    long kib = bytes >> 10;
    boolean array32 = kib < 0x8000_0000L;
    Bytes array = new Bytes().u8(OTHER).u8(3).u8(6).u32(array32 ? kib : 0x8000_0000L);
    structure(16, MEMORY_ARRAY, array.u16(0xFFFE).u16(1).u64(array32 ? 0 : bytes));
    Bytes device = new Bytes().u16(MEMORY_ARRAY).u16(0xFFFE).u16(64).u16(64);
    device.u16(mib < 0x7FFF ? mib : 0x7FFF).u8(9).u8(0).u8(1).u8(0).u8(7).u16(1 << 1).u16(0);
    device.u8(2).u8(0).u8(0).u8(0).u8(0).u32(mib < 0x7FFF ? 0 : mib).u16(0).zeros(6);
    structure(17, MEMORY_DEVICE, device, "DIMM 0", "ShareVM");
    Bytes mapped = new Bytes().u32(0).u32(kib - 1).u16(MEMORY_ARRAY).u8(1).u64(0).u64(0);
    structure(19, 0x1300, mapped);
  }

  private void structure(int type, int handle, Bytes body, String... texts) {
    Bytes bytes = new Bytes().u8(type).u8(4 + body.size()).u16(handle).bytes(body.toArray());
    for (String text : texts) {
      bytes.ascii(text).u8(0);
    }
    structures.add(bytes.u8(0).zeros(texts.length == 0 ? 1 : 0).toArray());
  }
}
