package sharevm.machine.firmware;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.PageSupply;

class RomTest {
  private static final int STACK = 0x2000;
  private static final int POINTER = 0x100;
  private static final long FRAME = (STACK << 4) + POINTER;

  private final GuestMemory memory =
      new GuestMemory(MemorySegment.ofArray(new byte[33 * Guest.MIB]), 32L * Guest.MIB);
  private final MemoryMap map =
      MemoryMap.of(new PhysicalMemory(memory.segment(), memory.lowTop(), 0, PageSupply.ON_TOUCH));
  private final StringBuilder screen = new StringBuilder();
  private final Rom rom = new Rom(memory);

  RomTest() {
    new Bios(memory, map, c -> screen.append((char) c)).install(rom);
  }

  @Test
  void e820TellsTheWholeMapEntryByEntry() {
    memory.write(FRAME, 2, 0x3000);
    long next = 0;
    int index = 0;
    do {
      put32(20, next);
      put32(24, 0x534D4150);
      put32(28, 20);
      put32(32, 0xE820);
      call(0x15);
      assertThat(memory.read(FRAME + 42, 2) & 1).isZero();
      assertThat(get32(32)).isEqualTo(0x534D4150);
      assertThat(memory.read(0x30000, 8)).isEqualTo(map.entries().get(index).base());
      assertThat(memory.read(0x30008, 8)).isEqualTo(map.entries().get(index).length());
      next = get32(20);
      index++;
    } while (next != 0);
    assertThat(index).isEqualTo(map.entries().size());
  }

  @Test
  void unknownServicesSetCarry() {
    put32(32, 0x5300);
    call(0x15);
    assertThat(memory.read(FRAME + 42, 2) & 1).isEqualTo(1);
    assertThat(memory.read(FRAME + 33, 1)).isEqualTo(0x86);
  }

  @Test
  void theTeletypeReachesItsReader() {
    put32(32, 0x0E00 | 'x');
    call(0x10);
    assertThat(screen.toString()).isEqualTo("x");
  }

  @Test
  void everyVectorPointsIntoTheImage() {
    PhysicalMemory physical =
        new PhysicalMemory(memory.segment(), memory.lowTop(), 0, PageSupply.ON_TOUCH);
    Bios.writeData(physical, 0);
    byte[] image = Rom.image(new byte[0]);
    for (int vector = 0; vector < 256; vector++) {
      assertThat(physical.u16(4L * vector + 2)).isEqualTo(0xF000);
      assertThat(image[physical.u16(4L * vector)]).isNotZero();
    }
    assertThat(image[0xFFF0] & 0xFF).isEqualTo(0xEA);
  }

  @Test
  void fwCfgGivesItemsFilesAndDma() {
    FwCfg device = new FwCfg(memory);
    device.put16(FwCfg.CPU_COUNT, 4);
    device.file("etc/test", new byte[] {5, 6, 7});
    device.out(0, 2, 0);
    StringBuilder signature = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      signature.append((char) device.in(1, 1));
    }
    assertThat(signature.toString()).isEqualTo("QEMU");
    device.out(0, 2, FwCfg.CPU_COUNT);
    assertThat(device.in(1, 1)).isEqualTo(4);
    assertThat(device.in(4, 4)).isEqualTo(Integer.reverseBytes(0x51454D55));
    memory.writeBytes(
        0x5000, new byte[] {0, 0x20, 0, 0x0A, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0x60, 0}, 0, 16);
    memory.write(0x6000, 8, -1);
    device.out(8, 4, Integer.reverseBytes(0x5000));
    assertThat(memory.read(0x6000, 8)).isEqualTo(0xFFFFFF0000070605L);
    assertThat(memory.read(0x5000, 4)).isZero();
  }

  private void call(int vector) {
    memory.write(FRAME + 36, 2, vector);
    rom.out(0, 2, STACK);
    rom.out(2, 2, POINTER);
  }

  private void put32(int at, long value) {
    memory.write(FRAME + at, 4, value);
  }

  private long get32(int at) {
    return memory.read(FRAME + at, 4);
  }
}
