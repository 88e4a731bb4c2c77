package sharevm.machine.firmware;

import java.util.HashMap;
import java.util.Map;
import sharevm.cpu.SavedState;
import sharevm.machine.bus.GuestMemory;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortDevice;

/**
 * The system ROM: a stub for each interrupt that pushes all registers, tells two ports where they
 * are, and pops them again, so that the service itself can be Java. Its image is 64 KiB for F0000h
 * to FFFFFh.
 *
 * <pre>
 *   F0000  data that firmware shows: SMBIOS
 *   FE000  stubs, 8 bytes an interrupt
 *   FE800  what they all jump to; acknowledgement of hardware interrupts
 *   FFFF0  reset vector
 * </pre>
 */
public final class Rom implements PortDevice, Part {
  /** First port of the trap: stack segment at +0, stack pointer at +2, which makes the call. */
  public static final int PORT = 0xB4;

  /** Ports taken. */
  public static final int PORTS = 4;

  /** Bytes of the image. */
  public static final int BYTES = 0x1_0000;

  private static final int SEGMENT = 0xF000;
  private static final int STUBS = 0xE000;
  private static final int COMMON = 0xE800;
  private static final int TICK = 0xE840;
  private static final int MASTER_EOI = 0xE860;
  private static final int SLAVE_EOI = 0xE870;
  private static final int NO_BOOT = 0xE880;
  private static final int RESET_VECTOR = 0xFFF0;
  private static final int VECTORS = 256;
  private static final int STUB_BYTES = 8;

  /** Push all, tell, pop all: the flags that IRET takes are those on the stack. */
  private static final int[] COMMON_CODE = {
    0x66,
    0x60, // pushad
    0x1E, // push ds
    0x06, // push es
    0x89,
    0xE5, // mov bp, sp
    0x8C,
    0xD0, // mov ax, ss
    0xE7,
    PORT, // out PORT, ax
    0x89,
    0xE8, // mov ax, bp
    0xE7,
    PORT + 2, // out PORT + 2, ax
    0x07, // pop es
    0x1F, // pop ds
    0x66,
    0x61, // popad
    0x83,
    0xC4,
    0x02, // add sp, 2
    0xCF // iret
  };

  /** Counts the timer's ticks at 0040:006C. */
  private static final int[] TICK_CODE = {
    0x1E, // push ds
    0x50, // push ax
    0xB8,
    0x40,
    0x00, // mov ax, 40h
    0x8E,
    0xD8, // mov ds, ax
    0x66,
    0xFF,
    0x06,
    0x6C,
    0x00, // inc dword [6Ch]
    0xB0,
    0x20, // mov al, 20h
    0xE6,
    0x20, // out 20h, al
    0x58, // pop ax
    0x1F, // pop ds
    0xCF // iret
  };

  private static final int[] MASTER_EOI_CODE = {
    0x50, // push ax
    0xB0,
    0x20, // mov al, 20h
    0xE6,
    0x20, // out 20h, al
    0x58, // pop ax
    0xCF // iret
  };

  private static final int[] SLAVE_EOI_CODE = {
    0x50, // push ax
    0xB0,
    0x20, // mov al, 20h
    0xE6,
    0xA0, // out A0h, al
    0xE6,
    0x20, // out 20h, al
    0x58, // pop ax
    0xCF // iret
  };

  private static final int[] NO_BOOT_CODE = {
    0xFA, // cli
    0xF4, // hlt
    0xEB,
    0xFC // jmp back
  };

  private final GuestMemory memory;
  private final Map<Integer, RomService> services = new HashMap<>();
  private int stackSegment;

  /** Makes one whose services see {@code memory}. */
  public Rom(GuestMemory memory) {
    this.memory = memory;
  }

  /** Sets the service behind an interrupt. */
  public void serve(int vector, RomService service) {
    services.put(vector, service);
  }

  /**
   * Returns the image.
   *
   * @param data what lies at its beginning, at most 56 KiB
   */
  public static byte[] image(byte[] data) {
    byte[] image = new byte[BYTES];
    System.arraycopy(data, 0, image, 0, Math.min(data.length, STUBS));
    for (int vector = 0; vector < VECTORS; vector++) {
      int at = STUBS + vector * STUB_BYTES;
      int distance = COMMON - (at + 6);
      put(image, at, 0x68, vector, 0x00, 0xE9, distance & 0xFF, distance >> 8 & 0xFF);
    }
    put(image, COMMON, COMMON_CODE);
    put(image, TICK, TICK_CODE);
    put(image, MASTER_EOI, MASTER_EOI_CODE);
    put(image, SLAVE_EOI, SLAVE_EOI_CODE);
    put(image, NO_BOOT, NO_BOOT_CODE);
    put(image, RESET_VECTOR, 0xEA, low(NO_BOOT), high(NO_BOOT), low(SEGMENT), high(SEGMENT));
    return image;
  }

  private static int low(int word) {
    return word & 0xFF;
  }

  private static int high(int word) {
    return word >> 8;
  }

  /** Writes the interrupt vectors: hardware's acknowledge, all others call. */
  public static void writeVectors(PhysicalMemory memory) {
    for (int vector = 0; vector < VECTORS; vector++) {
      int offset = STUBS + vector * STUB_BYTES;
      if (vector == 0x08) {
        offset = TICK;
      } else if (vector > 0x08 && vector < 0x10) {
        offset = MASTER_EOI;
      } else if (vector >= 0x70 && vector < 0x78) {
        offset = SLAVE_EOI;
      }
      memory.put16(4L * vector, offset);
      memory.put16(4L * vector + 2, SEGMENT);
    }
  }

  @Override
  public int in(int offset, int size) {
    return 0;
  }

  @Override
  public void out(int offset, int size, int value) {
    if (offset == 0) {
      stackSegment = value & 0xFFFF;
    } else if (offset == 2) {
      RomFrame frame = new RomFrame(memory, stackSegment, value & 0xFFFF);
      RomService service = services.get(frame.vector());
      if (service != null) {
        service.call(frame);
      }
    }
  }

  @Override
  public SavedState save() {
    return new SavedState().put("stackSegment", stackSegment);
  }

  @Override
  public void restore(SavedState state) {
    stackSegment = state.getInt("stackSegment");
  }

  @Override
  public void reset() {
    stackSegment = 0;
  }

  private static void put(byte[] image, int at, int... code) {
    for (int i = 0; i < code.length; i++) {
      image[at + i] = (byte) code[i];
    }
  }
}
