package sharevm.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * The one word that engines look at on block entry: requests to a processor from any thread.
 * Nonzero means that the processor must leave translated or decoded code and see what is wanted.
 */
public final class Attention {
  /** A maskable interrupt may be pending at the interrupt controller. */
  public static final int INTERRUPT = 1;

  /** A non-maskable interrupt is pending. */
  public static final int NMI = 1 << 1;

  /** INIT: reset to the wait-for-SIPI state. */
  public static final int INIT = 1 << 2;

  /** A start-up interrupt; its vector is in {@link #startVector()}. */
  public static final int STARTUP = 1 << 3;

  /** Leave {@code Cpu.run} as soon as the present instruction is done. */
  public static final int STOP = 1 << 4;

  /** What is where in physical memory has changed: drop cached translations. */
  public static final int FLUSH = 1 << 5;

  /** A debug trap waits in {@link CpuState#pendingDebug}. */
  public static final int TRAP = 1 << 6;

  /**
   * Other processors or devices wrote to code, or will make code of pages that this one may write
   * to.
   */
  public static final int CODE = 1 << 7;

  private static final VarHandle WORD = ValueLayout.JAVA_INT.varHandle();

  private final MemorySegment word;
  private volatile int startVector;
  private volatile Thread waiter;

  /** Makes one over a 4-byte aligned piece of memory that translated code can read as well. */
  public Attention(MemorySegment word) {
    this.word = word;
  }

  /** Sets request bits and wakes the processor if it waits. */
  public void raise(int bits) {
    WORD.getAndBitwiseOr(word, 0L, bits);
    Thread thread = waiter;
    if (thread != null) {
      LockSupport.unpark(thread);
    }
  }

  /** Asks for a start at page {@code vector} (Intel SDM Vol. 3A 9.4.4). */
  public void raiseStartup(int vector) {
    startVector = vector;
    raise(STARTUP);
  }

  /** Clears request bits. */
  public void clear(int bits) {
    WORD.getAndBitwiseAnd(word, 0L, ~bits);
  }

  /** Returns the request bits. */
  public int bits() {
    return (int) WORD.getOpaque(word, 0L);
  }

  /** Returns the vector of the last start-up interrupt: the start page's number, 0 to 255. */
  public int startVector() {
    return startVector;
  }

  /** Parks the calling thread until a request is there or a time in nanoseconds has passed. */
  public void await(long nanos) {
    waiter = Thread.currentThread();
    if ((int) WORD.getVolatile(word, 0L) == 0) {
      LockSupport.parkNanos(this, nanos);
    }
    waiter = null;
  }
}
