package sharevm.cpu.event;

/**
 * A guest's fault on its way out of the instruction that met it. Thrown inside an engine only,
 * caught where the engine delivers events, and never seen by its users: an instruction's many exits
 * to "fault" would otherwise cost every memory access a test.
 *
 * <p>Without stack trace: it tells nothing about our code.
 */
public final class GuestFault extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Divide error. Vectors: Intel SDM Vol. 3A table 6-1. */
  public static final int DE = 0;

  public static final int DB = 1;
  public static final int NMI = 2;
  public static final int BP = 3;
  public static final int OF = 4;
  public static final int BR = 5;
  public static final int UD = 6;
  public static final int NM = 7;
  public static final int DF = 8;
  public static final int TS = 10;
  public static final int NP = 11;
  public static final int SS = 12;
  public static final int GP = 13;
  public static final int PF = 14;
  public static final int MF = 16;
  public static final int AC = 17;
  public static final int MC = 18;
  public static final int XM = 19;

  /** The value of {@link #errorCode} for vectors that push none. */
  public static final int NO_ERROR_CODE = -1;

  private final int vector;
  private final int errorCode;
  private final long address;

  private final boolean newTask;

  private GuestFault(int vector, int errorCode, long address) {
    this(vector, errorCode, address, false);
  }

  private GuestFault(int vector, int errorCode, long address, boolean newTask) {
    super(null, null, false, false);
    this.vector = vector;
    this.errorCode = errorCode;
    this.address = address;
    this.newTask = newTask;
  }

  /** Makes a fault without error code. */
  public static GuestFault of(int vector) {
    return new GuestFault(vector, NO_ERROR_CODE, 0);
  }

  /** Makes a fault with an error code. */
  public static GuestFault of(int vector, int errorCode) {
    return new GuestFault(vector, errorCode, 0);
  }

  /** Makes a general-protection fault with error code 0. */
  public static GuestFault generalProtection() {
    return new GuestFault(GP, 0, 0);
  }

  /** Makes an invalid-opcode fault. */
  public static GuestFault undefined() {
    return new GuestFault(UD, NO_ERROR_CODE, 0);
  }

  /** Makes a page fault: the error code of Intel SDM Vol. 3A 4.7 and the linear address for CR2. */
  public static GuestFault page(int errorCode, long linearAddress) {
    return new GuestFault(PF, errorCode, linearAddress);
  }

  /**
   * Returns this fault as one that a task switch met when the new task was the present one already.
   */
  GuestFault inNewTask() {
    return new GuestFault(vector, errorCode, address, true);
  }

  /**
   * Returns whether RIP is not the faulting instruction's, but a new task's: {@code CpuState.rip}
   * is right as it is.
   */
  public boolean isInNewTask() {
    return newTask;
  }

  /** Returns the vector, 0 to 31. */
  public int vector() {
    return vector;
  }

  /** Returns the error code, or {@link #NO_ERROR_CODE}. */
  public int errorCode() {
    return errorCode;
  }

  /** Returns the linear address of a page fault. */
  public long address() {
    return address;
  }
}
