package sharevm.cpu;

/**
 * What one processor asks of its own interrupt controller (the local APIC, and behind it the 8259A
 * pair). Called on the processor's thread. When something becomes pending the controller raises
 * {@link Attention#INTERRUPT} on the processor; that is a hint, these methods tell the truth.
 */
public interface InterruptController {
  /** Returns whether a maskable interrupt of sufficient priority waits for acknowledgement. */
  boolean pending();

  /**
   * Takes the highest-priority pending interrupt and returns its vector, or -1 if there is none.
   */
  int acknowledge();

  /** Returns the task priority class, 0 to 15, as CR8 shows it (Intel SDM Vol. 3A 11.8.6). */
  int taskPriority();

  /** Sets the task priority class, 0 to 15, from a write to CR8. */
  void taskPriority(int priorityClass);

  /**
   * Returns whether an MSR belongs to this controller at present (IA32_APIC_BASE, TSC deadline,
   * x2APIC).
   */
  boolean ownsMsr(int index);

  /** Reads an MSR that this controller owns. */
  long readMsr(int index);

  /**
   * Writes an MSR that this controller owns; returns false when the write is a general-protection
   * fault.
   */
  boolean writeMsr(int index, long value);
}
