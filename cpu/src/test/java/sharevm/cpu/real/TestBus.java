package sharevm.cpu.real;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import sharevm.cpu.Bus;
import sharevm.cpu.CodePages;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuModel;
import sharevm.cpu.InterruptController;

/** A little memory and nothing else, unless a test adds to it. */
public class TestBus implements Bus {
  private final MemorySegment ram;

  /** Makes a bus with RAM from address 0 on. */
  public TestBus(int bytes) {
    ram = Arena.ofAuto().allocate(bytes, 4096);
  }

  @Override
  public MemorySegment ram() {
    return ram;
  }

  @Override
  public long readable(long physicalAddress) {
    return physicalAddress < ram.byteSize() ? physicalAddress & -4096 : -1;
  }

  @Override
  public long writable(long physicalAddress) {
    return readable(physicalAddress);
  }

  @Override
  public long read(long physicalAddress, int size) {
    return -1L >>> 64 - 8 * size;
  }

  @Override
  public void write(long physicalAddress, int size, long value) {}

  @Override
  public int in(int port, int size) {
    return -1 >>> 32 - 8 * size;
  }

  @Override
  public void out(int port, int size, int value) {}

  /** A processor on this bus. */
  public Cpu processor() {
    return processor(CpuModel.standard());
  }

  /** A processor of a model on this bus. */
  public Cpu processor(CpuModel model) {
    CodePages pages = new CodePages(ram.byteSize());
    return new Cpu(model, new Cpu.Environment(this, noInterrupts(), () -> 0, pages));
  }

  private static InterruptController noInterrupts() {
    return new InterruptController() {
      @Override
      public boolean pending() {
        return false;
      }

      @Override
      public int acknowledge() {
        return -1;
      }

      @Override
      public int taskPriority() {
        return 0;
      }

      @Override
      public void taskPriority(int priorityClass) {}

      @Override
      public boolean ownsMsr(int index) {
        return false;
      }

      @Override
      public long readMsr(int index) {
        return 0;
      }

      @Override
      public boolean writeMsr(int index, long value) {
        return false;
      }
    };
  }
}
