package sharevm.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Cleaner;

/**
 * Memory for machine code: one file in memory, mapped twice, once to be written and once to be
 * executed, so that no page is ever both.
 *
 * <p>What is written shows in the executable view at once. The mappings go when this object is no
 * longer reachable or is closed; no code of it may be running then.
 */
public final class ExecutableMemory implements AutoCloseable {
  /**
   * {@code PROT_READ}, {@code PROT_WRITE}, {@code PROT_EXEC}, {@code MAP_SHARED} of Linux,
   * asm-generic/mman-common.h.
   */
  private static final int READ = 1;

  private static final int WRITE = 2;
  private static final int EXECUTE = 4;
  private static final int SHARED = 1;

  private static final Cleaner CLEANER = Cleaner.create();

  /** Constant, so that the way into native code is compiled into its callers. */
  private static final MethodHandle CALL = entry();

  private final MemorySegment writable;
  private final long codeAddress;
  private final Cleaner.Cleanable unmapping;

  private ExecutableMemory(MemorySegment writable, long codeAddress, long bytes) {
    this.writable = writable;
    this.codeAddress = codeAddress;
    long writableAddress = writable.address();
    this.unmapping =
        CLEANER.register(
            this,
            () -> {
              CLibrary.unmap(writableAddress, bytes);
              CLibrary.unmap(codeAddress, bytes);
            });
  }

  /**
   * Allocates memory for code.
   *
   * @param bytes a multiple of 4096; committed by the host as it is written
   * @throws HostException if the host has no such memory, or refuses it
   */
  public static ExecutableMemory allocate(long bytes) throws HostException {
    if (!CLibrary.isLinux()) {
      throw new HostException("executable memory is to be had on Linux hosts only");
    }
    try (Arena scratch = Arena.ofConfined()) {
      int descriptor = file(scratch, bytes);
      try {
        long writable = map(scratch, bytes, READ | WRITE, descriptor);
        long code = map(scratch, bytes, READ | EXECUTE, descriptor);
        return new ExecutableMemory(reinterpreted(writable, bytes), code, bytes);
      } finally {
        CLibrary.close(descriptor);
      }
    } catch (IllegalStateException e) {
      throw new HostException("the host has no executable memory: " + e.getMessage(), e);
    }
  }

  /** Returns the view to write code to. */
  public MemorySegment writable() {
    return writable;
  }

  /** Returns the address at which the first byte is executed. */
  public long codeAddress() {
    return codeAddress;
  }

  /**
   * Calls code by the System V calling convention with two addresses as arguments.
   *
   * @param offset of the code in this memory
   * @return what the code left in RAX
   */
  public long call(long offset, long first, long second) {
    try {
      return (long) CALL.invokeExact(MemorySegment.ofAddress(codeAddress + offset), first, second);
    } catch (Throwable thrown) {
      throw CFunction.unexpected(thrown);
    }
  }

  /**
   * Has the host make the pages of a range, in both views, before code is written to it.
   *
   * @param offset a multiple of 4096
   * @param bytes a multiple of 4096
   */
  public void prepare(long offset, long bytes) {
    CLibrary.populate(writable.asSlice(offset, bytes).address(), bytes, true);
    CLibrary.populate(codeAddress + offset, bytes, false);
  }

  /** Gives the memory back to the host. */
  @Override
  public void close() {
    unmapping.clean();
  }

  @SuppressWarnings("restricted") // This module is the one that may call native code.
  private static MethodHandle entry() {
    return Linker.nativeLinker()
        .downcallHandle(FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG));
  }

  @SuppressWarnings("restricted") // The length is what was mapped.
  private static MemorySegment reinterpreted(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  private static int file(Arena scratch, long bytes) throws HostException {
    MemorySegment state = CFunction.callState(scratch);
    int descriptor = CLibrary.memoryFile(state, "sharevm-code");
    if (descriptor < 0 || CFunction.of("ftruncate").callInt(state, descriptor, bytes) != 0) {
      throw new HostException("the host refuses a file in memory, error " + CFunction.errno(state));
    }
    return descriptor;
  }

  private static long map(Arena scratch, long bytes, int protection, int descriptor)
      throws HostException {
    MemorySegment state = CFunction.callState(scratch);
    long address = CLibrary.map(state, 0, bytes, protection, SHARED, descriptor);
    if (address == -1) {
      throw new HostException(
          "the host refuses executable memory, error " + CFunction.errno(state));
    }
    return address;
  }
}
