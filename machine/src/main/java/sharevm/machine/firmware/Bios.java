package sharevm.machine.firmware;

import java.util.List;
import java.util.function.IntConsumer;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.firmware.MemoryMap.Entry;

/**
 * The BIOS services that the setup code of a kernel entered in real mode asks for: memory,
 * equipment, the screen as a teletype, keyboard state, no drives.
 */
public final class Bios {
  private static final int BDA = 0x400;
  private static final int BDA_COM1 = BDA;
  private static final int BDA_EBDA_SEGMENT = BDA + 0x0E;
  private static final int BDA_EQUIPMENT = BDA + 0x10;
  private static final int BDA_MEMORY_KIB = BDA + 0x13;
  private static final int BDA_VIDEO_MODE = BDA + 0x49;
  private static final int BDA_COLUMNS = BDA + 0x4A;
  private static final int BDA_LAST_ROW = BDA + 0x84;
  private static final int EQUIPMENT_SERIAL_FPU = 1 << 9 | 1 << 1;
  private static final long SMAP = 0x534D_4150L;
  private static final int MAP_ENTRY_BYTES = 20;
  private static final int UNSUPPORTED = 0x86;
  private static final int TEXT_MODE = 3;
  private static final int COLUMNS = 80;
  private static final int ROWS = 25;
  private static final long BELOW_16_MIB = (16L << 20) - MemoryMap.EXTENDED;
  private static final long SIXTEEN_MIB = 16L << 20;

  private final GuestMemory memory;
  private final MemoryMap map;
  private final IntConsumer teletype;

  /**
   * Makes the services of a machine.
   *
   * @param teletype takes each character that a guest shows by int 10h
   */
  public Bios(GuestMemory memory, MemoryMap map, IntConsumer teletype) {
    this.memory = memory;
    this.map = map;
    this.teletype = teletype;
  }

  /** Puts the services behind their interrupts. */
  public void install(Rom rom) {
    rom.serve(0x10, this::video);
    rom.serve(0x11, frame -> frame.ax(EQUIPMENT_SERIAL_FPU));
    rom.serve(0x12, frame -> frame.ax((int) (MemoryMap.CONVENTIONAL_END >> 10)));
    rom.serve(0x13, Bios::noDrive);
    rom.serve(0x15, this::system);
    rom.serve(0x16, Bios::keyboard);
    rom.serve(0x1A, this::time);
  }

  /** Writes interrupt vectors, BIOS data area, and extended BIOS data area with the RSDP in it. */
  public static void writeData(PhysicalMemory memory, long rsdp) {
    Rom.writeVectors(memory);
    memory.zero(BDA, 0x100);
    memory.put16(BDA_COM1, PcLayout.COM1);
    memory.put16(BDA_EBDA_SEGMENT, (int) (MemoryMap.EBDA >> 4));
    memory.put16(BDA_EQUIPMENT, EQUIPMENT_SERIAL_FPU);
    memory.put16(BDA_MEMORY_KIB, (int) (MemoryMap.CONVENTIONAL_END >> 10));
    memory.put8(BDA_VIDEO_MODE, TEXT_MODE);
    memory.put16(BDA_COLUMNS, COLUMNS);
    memory.put8(BDA_LAST_ROW, ROWS - 1);
    memory.zero(MemoryMap.EBDA, 0x400);
    memory.put8(MemoryMap.EBDA, 1);
    if (rsdp != 0) {
      memory.write(MemoryMap.EBDA + 0x10, memory.read(rsdp, 36));
    }
  }

  private void video(RomFrame frame) {
    switch (frame.ah()) {
      case 0x03 -> {
        frame.cx(0x0607);
        frame.dx(0);
      }
      case 0x0E -> teletype.accept(frame.al());
      case 0x0F -> {
        frame.ax(COLUMNS << 8 | TEXT_MODE);
        frame.bx((int) frame.ebx() & 0xFF);
      }
      default -> {
        // Not to change AX says "no such function" here.
      }
    }
  }

  private static void noDrive(RomFrame frame) {
    frame.ah(1);
    frame.carry(true);
  }

  private static void keyboard(RomFrame frame) {
    switch (frame.ah()) {
      case 0x00, 0x10 -> frame.ax(0);
      case 0x01, 0x11 -> frame.zero(true);
      case 0x02, 0x12 -> frame.ax(frame.ah() << 8);
      default -> {
        // Typematic rate and the like: done.
      }
    }
  }

  private void time(RomFrame frame) {
    if (frame.ah() == 0) {
      long ticks = memory.read(BDA + 0x6C, 4);
      frame.cx((int) (ticks >>> 16));
      frame.dx((int) ticks & 0xFFFF);
      frame.ax(0);
      frame.carry(false);
    } else {
      frame.carry(true);
    }
  }

  private void system(RomFrame frame) {
    switch (frame.ax()) {
      case 0xE820 -> memoryMap(frame);
      case 0xE801 -> {
        long extended = map.usableLowEnd() - MemoryMap.EXTENDED;
        int low = (int) (Math.min(extended, BELOW_16_MIB) >> 10);
        int high = (int) (Math.max(0, map.usableLowEnd() - SIXTEEN_MIB) >> 16);
        frame.ax(low);
        frame.bx(high);
        frame.cx(low);
        frame.dx(high);
        frame.carry(false);
      }
      case 0x2400, 0x2401 -> {
        memory.a20(frame.al() == 1);
        frame.ah(0);
        frame.carry(false);
      }
      default -> {
        if (frame.ah() == 0x88) {
          long kib = map.usableLowEnd() - MemoryMap.EXTENDED >> 10;
          frame.ax((int) Math.min(kib, 0xFFFF));
          frame.carry(false);
        } else {
          frame.ah(UNSUPPORTED);
          frame.carry(true);
        }
      }
    }
  }

  /** [ACPI] 15.1: EBX counts entries, ES:DI takes one. */
  private void memoryMap(RomFrame frame) {
    List<Entry> entries = map.entries();
    long index = frame.ebx();
    if (frame.edx() != SMAP || frame.ecx() < MAP_ENTRY_BYTES || index >= entries.size()) {
      frame.ah(UNSUPPORTED);
      frame.carry(true);
      return;
    }
    Entry entry = entries.get((int) index);
    byte[] bytes =
        new Bytes().u64(entry.base()).u64(entry.length()).u32(entry.type().code()).toArray();
    memory.writeBytes(frame.esDi(), bytes, 0, bytes.length);
    frame.eax(SMAP);
    frame.ebx(index + 1 == entries.size() ? 0 : index + 1);
    frame.ecx(MAP_ENTRY_BYTES);
    frame.carry(false);
  }
}
