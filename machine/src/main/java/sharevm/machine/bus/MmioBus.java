package sharevm.machine.bus;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Registers in physical memory space. Fixed devices have precedence over {@linkplain #window
 * windows}, which a guest moves about (PCI base address registers). Reads of nothing give all ones,
 * writes to nothing are dropped.
 */
public final class MmioBus {
  private record Range(long base, long length, MmioDevice device) {
    boolean holds(long address, int size) {
      long offset = address - base;
      return offset >= 0 && offset <= length - size;
    }
  }

  /** A movable range of addresses; hidden at first. Moved under the device lock. */
  public static final class Window {
    private final long length;
    private final MmioDevice device;
    private Range range;

    private Window(long length, MmioDevice device) {
      this.length = length;
      this.device = device;
    }

    /** Shows the window at a physical address. */
    public void moveTo(long base) {
      range = new Range(base, length, device);
    }

    /** Takes the window off the bus. */
    public void hide() {
      range = null;
    }
  }

  private final ReentrantLock deviceLock;
  private final Trace trace;
  private final List<Range> fixed = new ArrayList<>();
  private final List<Window> windows = new ArrayList<>();

  /** Makes an empty bus. */
  public MmioBus(ReentrantLock deviceLock, Trace trace) {
    this.deviceLock = deviceLock;
    this.trace = trace;
  }

  /**
   * Maps a device for good.
   *
   * @throws IllegalArgumentException if the range overlaps another fixed device
   */
  public void map(long base, long length, MmioDevice device) {
    for (Range range : fixed) {
      if (base < range.base + range.length && range.base < base + length) {
        throw new IllegalArgumentException(
            "%#x, %#x bytes, overlaps the device at %#x".formatted(base, length, range.base));
      }
    }
    fixed.add(new Range(base, length, device));
  }

  /** Makes a hidden window of {@code length} bytes. */
  public Window window(long length, MmioDevice device) {
    Window window = new Window(length, device);
    windows.add(window);
    return window;
  }

  /** Reads {@code size} bytes (1, 2, 4 or 8) at a physical address, zero-extended. */
  public long read(long address, int size) {
    deviceLock.lock();
    try {
      Range range = find(address, size);
      long value = range == null ? -1 : range.device.read(address - range.base, size);
      value &= mask(size);
      if (trace.on(Trace.Category.MMIO)) {
        trace.line(Trace.Category.MMIO, "read  %x.%d -> %x", address, size, value);
      }
      return value;
    } finally {
      deviceLock.unlock();
    }
  }

  /** Writes the low {@code size} bytes (1, 2, 4 or 8) at a physical address. */
  public void write(long address, int size, long value) {
    deviceLock.lock();
    try {
      if (trace.on(Trace.Category.MMIO)) {
        trace.line(Trace.Category.MMIO, "write %x.%d <- %x", address, size, value & mask(size));
      }
      Range range = find(address, size);
      if (range != null) {
        range.device.write(address - range.base, size, value & mask(size));
      }
    } finally {
      deviceLock.unlock();
    }
  }

  private Range find(long address, int size) {
    for (int i = 0; i < fixed.size(); i++) {
      Range range = fixed.get(i);
      if (range.holds(address, size)) {
        return range;
      }
    }
    for (int i = 0; i < windows.size(); i++) {
      Range range = windows.get(i).range;
      if (range != null && range.holds(address, size)) {
        return range;
      }
    }
    return null;
  }

  private static long mask(int size) {
    return size == 8 ? -1 : (1L << 8 * size) - 1;
  }
}
