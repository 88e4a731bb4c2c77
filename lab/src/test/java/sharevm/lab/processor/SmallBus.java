package sharevm.lab.processor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import sharevm.cpu.Bus;

/** A little RAM and nothing else. */
final class SmallBus implements Bus {
  private final MemorySegment ram;

  SmallBus(long size) {
    ram = Arena.ofAuto().allocate(size, 4096);
  }

  @Override
  public MemorySegment ram() {
    return ram;
  }

  @Override
  public long readable(long physicalAddress) {
    return Long.compareUnsigned(physicalAddress, ram.byteSize()) < 0 ? physicalAddress & -4096 : -1;
  }

  @Override
  public long writable(long physicalAddress) {
    return readable(physicalAddress);
  }

  @Override
  public long read(long physicalAddress, int size) {
    return size == 8 ? -1 : (1L << 8 * size) - 1;
  }

  @Override
  public void write(long physicalAddress, int size, long value) {}

  @Override
  public int in(int port, int size) {
    return size == 4 ? -1 : (1 << 8 * size) - 1;
  }

  @Override
  public void out(int port, int size, int value) {}
}
