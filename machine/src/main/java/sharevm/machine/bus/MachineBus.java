package sharevm.machine.bus;

import java.lang.foreign.MemorySegment;
import sharevm.cpu.Bus;

/**
 * The bus as one processor sees it: what all share, and over it the page that is the processor's
 * own.
 */
public final class MachineBus implements Bus {
  private static final long PAGE_MASK = -1L << 12;

  private final GuestMemory memory;
  private final MmioBus mmio;
  private final PortBus ports;
  private final PrivatePage own;

  /** Makes one over the shared parts and the processor's own page. */
  public MachineBus(GuestMemory memory, MmioBus mmio, PortBus ports, PrivatePage own) {
    this.memory = memory;
    this.mmio = mmio;
    this.ports = ports;
    this.own = own;
  }

  @Override
  public MemorySegment ram() {
    return memory.segment();
  }

  @Override
  public long readable(long physicalAddress) {
    return isOwn(physicalAddress) ? -1 : memory.readable(physicalAddress);
  }

  @Override
  public long writable(long physicalAddress) {
    return isOwn(physicalAddress) ? -1 : memory.writable(physicalAddress);
  }

  @Override
  public long plainLowTop() {
    boolean hidden = own.address() >= 0 && memory.readable(own.address()) >= 0;
    return hidden || !memory.a20() ? 0 : memory.lowTop();
  }

  @Override
  public long plainHighTop() {
    return memory.highTop();
  }

  @Override
  public long read(long physicalAddress, int size) {
    if (isOwn(physicalAddress)) {
      return own.read((int) (physicalAddress & ~PAGE_MASK), size) & mask(size);
    }
    if (memory.readable(physicalAddress) >= 0) {
      return memory.read(physicalAddress, size);
    }
    return mmio.read(memory.gate(physicalAddress), size);
  }

  @Override
  public void write(long physicalAddress, int size, long value) {
    if (isOwn(physicalAddress)) {
      own.write((int) (physicalAddress & ~PAGE_MASK), size, value & mask(size));
    } else if (memory.writable(physicalAddress) >= 0) {
      memory.write(physicalAddress, size, value);
    } else {
      mmio.write(memory.gate(physicalAddress), size, value);
    }
  }

  @Override
  public int in(int port, int size) {
    return ports.in(port & PortBus.PORTS - 1, size);
  }

  @Override
  public void out(int port, int size, int value) {
    ports.out(port & PortBus.PORTS - 1, size, value);
  }

  private boolean isOwn(long physicalAddress) {
    return (physicalAddress & PAGE_MASK) == own.address();
  }

  private static long mask(int size) {
    return size == 8 ? -1 : (1L << 8 * size) - 1;
  }
}
