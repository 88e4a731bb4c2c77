package sharevm.machine.firmware;

import static sharevm.machine.firmware.Aml.busNumbers;
import static sharevm.machine.firmware.Aml.device;
import static sharevm.machine.firmware.Aml.eisaId;
import static sharevm.machine.firmware.Aml.integer;
import static sharevm.machine.firmware.Aml.io;
import static sharevm.machine.firmware.Aml.irq;
import static sharevm.machine.firmware.Aml.memoryWindow;
import static sharevm.machine.firmware.Aml.name;
import static sharevm.machine.firmware.Aml.pack;
import static sharevm.machine.firmware.Aml.portWindow;
import static sharevm.machine.firmware.Aml.resources;
import static sharevm.machine.firmware.Aml.scope;
import static sharevm.machine.firmware.Aml.string;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the ACPI tables of this PC: RSDP, RSDT, XSDT, FADT, FACS, MADT, DSDT.
 *
 * <p>There is no SMI command port: the machine is always in ACPI mode.
 */
public final class Acpi {
  private static final String OEM = "SHARVM";
  private static final String OEM_TABLE = "SHAREVM ";
  private static final String CREATOR = "SHVM";
  private static final int HEADER_BYTES = 36;
  private static final int RSDP_BYTES = 36;
  private static final int CHECKSUM_AT = 9;
  private static final int ALIGNMENT = 64;

  private static final int FADT_REVISION = 6;
  private static final int FADT_MINOR = 3;
  private static final int NO_C2 = 0x65;
  private static final int NO_C3 = 0x3E9;
  private static final int LEGACY_DEVICES = 1;
  private static final int KEYBOARD_8042 = 1 << 1;
  private static final int NO_VGA = 1 << 2;
  private static final int WBINVD = 1;
  private static final int PROC_C1 = 1 << 2;
  private static final int NO_SLEEP_BUTTON = 1 << 5;
  private static final int NO_FIXED_RTC = 1 << 6;
  private static final int TIMER_32_BITS = 1 << 8;
  private static final int RESET_REGISTER = 1 << 10;

  private static final int IO_SPACE = 1;
  private static final int BYTE_ACCESS = 1;
  private static final int WORD_ACCESS = 2;
  private static final int DWORD_ACCESS = 3;

  private static final int LEVEL_ACTIVE_HIGH = 0xD;
  private static final int ALL_PROCESSORS = 0xFF;
  private static final int PCI_SLOTS = 32;
  private static final int PCI_PINS = 4;

  /**
   * What differs from machine to machine.
   *
   * @param cpus processors, whose local APIC IDs are 0 to cpus - 1
   * @param textScreen whether there is a VGA
   */
  public record Platform(int cpus, boolean textScreen) {}

  private final Platform platform;

  /** Makes the tables' writer for a machine. */
  public Acpi(Platform platform) {
    this.platform = platform;
  }

  /**
   * Writes all tables into their two ranges of the memory map.
   *
   * @return the address of the RSDP
   */
  public long write(PhysicalMemory memory, MemoryMap map) {
    tables(map.tables(), map.nvs()).forEach(memory::write);
    return map.tables();
  }

  /**
   * Returns all tables by address, the RSDP first, from {@code base} on; the FACS at {@code nvs}.
   */
  Map<Long, byte[]> tables(long base, long nvs) {
    Map<Long, byte[]> placed = new LinkedHashMap<>();
    long rsdp = base;
    byte[] dsdt = dsdt();
    long dsdtAt = align(rsdp + RSDP_BYTES);
    byte[] fadt = fadt(dsdtAt, nvs);
    long fadtAt = align(dsdtAt + dsdt.length);
    byte[] madt = madt();
    long madtAt = align(fadtAt + fadt.length);
    byte[] rsdt = table("RSDT", 1, new Bytes().u32(fadtAt).u32(madtAt));
    long rsdtAt = align(madtAt + madt.length);
    byte[] xsdt = table("XSDT", 1, new Bytes().u64(fadtAt).u64(madtAt));
    long xsdtAt = align(rsdtAt + rsdt.length);
    placed.put(rsdp, rsdp(rsdtAt, xsdtAt));
    placed.put(dsdtAt, dsdt);
    placed.put(fadtAt, fadt);
    placed.put(madtAt, madt);
    placed.put(rsdtAt, rsdt);
    placed.put(xsdtAt, xsdt);
    placed.put(nvs, facs());
    return placed;
  }

  /** Root System Description Pointer ([ACPI] 5.2.5.3). */
  static byte[] rsdp(long rsdt, long xsdt) {
    byte[] bytes =
        new Bytes()
            .ascii("RSD PTR ")
            .u8(0)
            .ascii(OEM)
            .u8(2)
            .u32(rsdt)
            .u32(RSDP_BYTES)
            .u64(xsdt)
            .zeros(4)
            .toArray();
    bytes[8] = Bytes.checksum(bytes, 0, 20);
    bytes[32] = Bytes.checksum(bytes, 0, RSDP_BYTES);
    return bytes;
  }

  /** Firmware ACPI Control Structure ([ACPI] 5.2.10); it has no checksum. */
  private static byte[] facs() {
    return new Bytes().ascii("FACS").u32(64).zeros(24).u8(2).zeros(31).toArray();
  }

  /** Fixed ACPI Description Table ([ACPI] 5.2.9). */
  private byte[] fadt(long dsdt, long facs) {
    int boot = LEGACY_DEVICES | KEYBOARD_8042 | (platform.textScreen() ? 0 : NO_VGA);
    int flags = WBINVD | PROC_C1 | NO_SLEEP_BUTTON | NO_FIXED_RTC | TIMER_32_BITS | RESET_REGISTER;
    Bytes body =
        new Bytes()
            .u32(facs)
            .u32(dsdt)
            .zeros(2)
            .u16(PcLayout.SCI)
            .zeros(8)
            .u32(PcLayout.PM1_EVENT)
            .u32(0)
            .u32(PcLayout.PM1_CONTROL)
            .zeros(8)
            .u32(PcLayout.PM_TIMER)
            .zeros(8);
    body.u8(4).u8(2).u8(0).u8(4).zeros(4).u16(NO_C2).u16(NO_C3).zeros(6);
    body.u8(0).u8(0).u8(PcLayout.CENTURY).u16(boot).u8(0).u32(flags);
    body.bytes(register(PcLayout.RESET, 8, BYTE_ACCESS)).u8(PcLayout.RESET_VALUE);
    body.zeros(2).u8(FADT_MINOR).u64(0).u64(dsdt);
    body.bytes(register(PcLayout.PM1_EVENT, 32, WORD_ACCESS)).zeros(12);
    body.bytes(register(PcLayout.PM1_CONTROL, 16, WORD_ACCESS)).zeros(24);
    body.bytes(register(PcLayout.PM_TIMER, 32, DWORD_ACCESS));
    body.zeros(4 * 12 + 8);
    return table("FACP", FADT_REVISION, body);
  }

  /** Generic Address Structure for ports ([ACPI] 5.2.3.2). */
  private static byte[] register(int port, int bits, int access) {
    return new Bytes().u8(IO_SPACE).u8(bits).u8(0).u8(access).u64(port).toArray();
  }

  /** Multiple APIC Description Table ([ACPI] 5.2.12): 8259s too, IRQ 0 at input 2, SCI by level. */
  private byte[] madt() {
    Bytes body = new Bytes().u32(PcLayout.LOCAL_APIC).u32(1);
    for (int cpu = 0; cpu < platform.cpus(); cpu++) {
      body.u8(0).u8(8).u8(cpu).u8(cpu).u32(1);
    }
    body.u8(1).u8(12).u8(platform.cpus()).u8(0).u32(PcLayout.IOAPIC).u32(0);
    body.u8(2).u8(10).u8(0).u8(0).u32(2).u16(0);
    body.u8(2).u8(10).u8(0).u8(PcLayout.SCI).u32(PcLayout.SCI).u16(LEVEL_ACTIVE_HIGH);
    body.u8(4).u8(6).u8(ALL_PROCESSORS).u16(0).u8(1);
    return table("APIC", 4, body);
  }

  /** Differentiated System Description Table ([ACPI] 5.2.11.1): what cannot be found by looking. */
  private byte[] dsdt() {
    List<byte[]> devices = new ArrayList<>();
    devices.add(pciRoot());
    devices.add(isa("PIC_", "PNP0000", io(0x20, 2), io(0xA0, 2), irq(2)));
    devices.add(isa("TIMR", "PNP0100", io(0x40, 4), irq(0)));
    devices.add(isa("SPKR", "PNP0800", io(0x61, 1)));
    devices.add(isa("RTC_", "PNP0B00", io(0x70, 2), irq(8)));
    devices.add(isa("KBD_", "PNP0303", io(0x60, 1), io(0x64, 1), irq(1)));
    devices.add(isa("MOU_", "PNP0F13", irq(12)));
    devices.add(serial());
    for (int cpu = 0; cpu < platform.cpus(); cpu++) {
      devices.add(
          device(
              "C%03X".formatted(cpu),
              name("_HID", string("ACPI0007")),
              name("_UID", integer(cpu))));
    }
    byte[] off = integer(PcLayout.SLEEP_TYPE_OFF);
    return table(
        "DSDT",
        2,
        new Bytes()
            .bytes(name("\\_S5_", pack(off, off, integer(0), integer(0))))
            .bytes(scope("\\_SB_", devices.toArray(byte[][]::new))));
  }

  private static byte[] serial() {
    return device(
        "COM1",
        name("_HID", eisaId("PNP0501")),
        name("_UID", integer(1)),
        name("_CRS", resources(io(PcLayout.COM1, 8), irq(PcLayout.COM1_IRQ))));
  }

  private static byte[] isa(String name, String id, byte[]... resources) {
    return device(name, name("_HID", eisaId(id)), name("_CRS", resources(resources)));
  }

  private byte[] pciRoot() {
    return device(
        "PCI0",
        name("_HID", eisaId("PNP0A03")),
        name("_UID", integer(0)),
        name("_BBN", integer(0)),
        name(
            "_CRS",
            resources(
                busNumbers(0, 0xFF),
                io(0xCF8, 8),
                portWindow(0, 0xCF7),
                portWindow(0xD00, 0xFFFF),
                memoryWindow(0xA_0000, 0xB_FFFF),
                memoryWindow(PcLayout.PCI_MEMORY, PcLayout.PCI_MEMORY_LAST))),
        name("_PRT", pciRouting()));
  }

  /** PCI routing ([ACPI] 6.2.13): pins go round the four interrupts from slot to slot. */
  private static byte[] pciRouting() {
    List<byte[]> routes = new ArrayList<>();
    for (int slot = 0; slot < PCI_SLOTS; slot++) {
      for (int pin = 0; pin < PCI_PINS; pin++) {
        int interrupt = PcLayout.PCI_INTERRUPTS + (slot + pin) % PCI_PINS;
        routes.add(
            pack(
                integer((long) slot << 16 | 0xFFFF), integer(pin), integer(0), integer(interrupt)));
      }
    }
    return pack(routes);
  }

  /** Puts the common header before a table ([ACPI] 5.2.6) and sums it up. */
  private static byte[] table(String signature, int revision, Bytes body) {
    byte[] bytes =
        new Bytes()
            .ascii(signature)
            .u32(HEADER_BYTES + body.size())
            .u8(revision)
            .u8(0)
            .ascii(OEM)
            .ascii(OEM_TABLE)
            .u32(1)
            .ascii(CREATOR)
            .u32(1)
            .bytes(body.toArray())
            .toArray();
    bytes[CHECKSUM_AT] = Bytes.checksum(bytes, 0, bytes.length);
    return bytes;
  }

  private static long align(long address) {
    return address + ALIGNMENT - 1 & -ALIGNMENT;
  }
}
