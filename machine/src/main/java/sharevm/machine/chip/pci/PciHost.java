package sharevm.machine.chip.pci;

import sharevm.cpu.SavedState;
import sharevm.machine.bus.BytePorts;
import sharevm.machine.bus.Part;
import sharevm.machine.bus.PortDevice;
import sharevm.machine.bus.Trace;

/**
 * Configuration mechanism #1: an address and a data register in eight ports, through which a guest
 * reaches the configuration space of all functions on bus 0. @ref [PCI] 3.2.2.3.2
 */
public final class PciHost implements PortDevice, Part {
  /** The number of ports. */
  public static final int PORTS = 8;

  /** CONFIG_ADDRESS: taken only as a whole doubleword. */
  private static final int ADDRESS = 0;

  /** CONFIG_DATA. */
  private static final int DATA = 4;

  /** CONFIG_ADDRESS: enable. */
  private static final int ENABLE = 1 << 31;

  /** CONFIG_ADDRESS: what can be written: enable, bus, device, function and register. */
  private static final int WRITABLE = 0x80FF_FFFC;

  private final BytePorts others;
  private final Trace trace;
  private final PciConfig[] functions = new PciConfig[256];
  private int address;

  /**
   * Makes one of an empty bus.
   *
   * @param others gets accesses to single bytes of the first four ports, which are not this
   *     register's: the reset control register lies there
   */
  public PciHost(BytePorts others, Trace trace) {
    this.others = others;
    this.trace = trace;
  }

  /**
   * Puts a function on the bus.
   *
   * @param device 0 to 31
   * @param function 0 to 7
   * @throws IllegalArgumentException if there is one already
   */
  public void add(int device, int function, PciConfig config) {
    int number = device << 3 | function;
    if (functions[number] != null) {
      throw new IllegalArgumentException("two functions at %d.%d".formatted(device, function));
    }
    functions[number] = config;
  }

  @Override
  public int in(int offset, int size) {
    if (offset >= DATA) {
      return readData(offset - DATA, size);
    }
    return offset == ADDRESS && size == 4 ? address : others.in(offset, size);
  }

  @Override
  public void out(int offset, int size, int value) {
    if (offset >= DATA) {
      writeData(offset - DATA, size, value);
    } else if (offset == ADDRESS && size == 4) {
      address = value & WRITABLE;
    } else {
      others.out(offset, size, value);
    }
  }

  @Override
  public SavedState save() {
    return new SavedState().put("address", address);
  }

  @Override
  public void restore(SavedState state) {
    address = state.getInt("address") & WRITABLE;
  }

  @Override
  public void reset() {
    address = 0;
  }

  private PciConfig selected() {
    boolean here = (address & ENABLE) != 0 && (address >> 16 & 0xFF) == 0;
    return here ? functions[address >> 8 & 0xFF] : null;
  }

  private int readData(int skip, int size) {
    PciConfig function = selected();
    int register = (address & 0xFC) + skip;
    int value = function == null ? -1 : function.read(register, size);
    if (trace.on(Trace.Category.PCI)) {
      trace.line(
          Trace.Category.PCI,
          "read  %02x.%d %02x.%d -> %x",
          address >> 11 & 0x1F,
          address >> 8 & 7,
          register,
          size,
          value);
    }
    return value;
  }

  private void writeData(int skip, int size, int value) {
    PciConfig function = selected();
    int register = (address & 0xFC) + skip;
    if (trace.on(Trace.Category.PCI)) {
      trace.line(
          Trace.Category.PCI,
          "write %02x.%d %02x.%d <- %x",
          address >> 11 & 0x1F,
          address >> 8 & 7,
          register,
          size,
          value);
    }
    if (function != null) {
      function.write(register, size, value);
    }
  }
}
