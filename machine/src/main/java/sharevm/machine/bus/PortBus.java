package sharevm.machine.bus;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The 64 Ki I/O ports. Fixed devices have precedence over {@linkplain #window windows}, which a
 * guest moves about (PCI base address registers). Reads of nothing give all ones, writes to nothing
 * are dropped.
 */
public final class PortBus {
  /** The number of ports. */
  public static final int PORTS = 0x1_0000;

  private record Range(int base, int count, PortDevice device) {
    boolean holds(int port, int size) {
      return port >= base && port + size <= base + count;
    }
  }

  /** A movable range of ports; hidden at first. Moved under the device lock. */
  public static final class Window {
    private final int count;
    private final PortDevice device;
    private Range range;

    private Window(int count, PortDevice device) {
      this.count = count;
      this.device = device;
    }

    /**
     * Shows the window at a port; any base is good, what lies beyond the last port is not reached.
     */
    public void moveTo(int base) {
      range = new Range(base & PORTS - 1, count, device);
    }

    /** Takes the window off the bus. */
    public void hide() {
      range = null;
    }
  }

  private final ReentrantLock deviceLock;
  private final Trace trace;
  private final Range[] fixed = new Range[PORTS];
  private final List<Window> windows = new ArrayList<>();

  /** Makes an empty bus. */
  public PortBus(ReentrantLock deviceLock, Trace trace) {
    this.deviceLock = deviceLock;
    this.trace = trace;
  }

  /**
   * Maps a device for good.
   *
   * @throws IllegalArgumentException if the ports are not all free or not all there
   */
  public void map(int base, int count, PortDevice device) {
    if (base < 0 || count < 1 || base + count > PORTS) {
      throw new IllegalArgumentException("no such ports: %#x, %d of them".formatted(base, count));
    }
    for (int port = base; port < base + count; port++) {
      if (fixed[port] != null) {
        throw new IllegalArgumentException("port %#x is mapped twice".formatted(port));
      }
    }
    Range range = new Range(base, count, device);
    for (int port = base; port < base + count; port++) {
      fixed[port] = range;
    }
  }

  /** Makes a hidden window of {@code count} ports. */
  public Window window(int count, PortDevice device) {
    Window window = new Window(count, device);
    windows.add(window);
    return window;
  }

  /** Reads {@code size} bytes (1, 2 or 4) at a port (0 to 65535), zero-extended. */
  public int in(int port, int size) {
    deviceLock.lock();
    try {
      int value = inLocked(port, size) & mask(size);
      if (trace.on(Trace.Category.PORT)) {
        trace.line(Trace.Category.PORT, "in  %04x.%d -> %x", port, size, value);
      }
      return value;
    } finally {
      deviceLock.unlock();
    }
  }

  /** Writes the low {@code size} bytes (1, 2 or 4) at a port (0 to 65535). */
  public void out(int port, int size, int value) {
    deviceLock.lock();
    try {
      if (trace.on(Trace.Category.PORT)) {
        trace.line(Trace.Category.PORT, "out %04x.%d <- %x", port, size, value & mask(size));
      }
      outLocked(port, size, value & mask(size));
    } finally {
      deviceLock.unlock();
    }
  }

  private int inLocked(int port, int size) {
    Range range = find(port);
    if (range != null && range.holds(port, size)) {
      return range.device.in(port - range.base, size);
    }
    if (size == 1) {
      return 0xFF;
    }
    int value = 0;
    for (int i = 0; i < size; i++) {
      value |= (inLocked(port + i, 1) & 0xFF) << 8 * i;
    }
    return value;
  }

  private void outLocked(int port, int size, int value) {
    Range range = find(port);
    if (range != null && range.holds(port, size)) {
      range.device.out(port - range.base, size, value);
    } else if (size > 1) {
      for (int i = 0; i < size; i++) {
        outLocked(port + i, 1, value >>> 8 * i & 0xFF);
      }
    }
  }

  private Range find(int port) {
    if (port >= PORTS) {
      return null;
    }
    Range range = fixed[port];
    if (range != null) {
      return range;
    }
    for (int i = 0; i < windows.size(); i++) {
      Range candidate = windows.get(i).range;
      if (candidate != null && candidate.holds(port, 1)) {
        return candidate;
      }
    }
    return null;
  }

  private static int mask(int size) {
    return size == 4 ? -1 : (1 << 8 * size) - 1;
  }
}
