package sharevm.cpu;

/**
 * The pins FERR# and IGNNE#, by which a PC reports x87 exceptions as interrupt 13 while CR0.NE is
 * clear. SDM Vol. 1, 8.7.2 and appendix D.2.1.
 *
 * <p>The machine connects FERR# to its interrupt controller and calls {@link #ignore} on a write to
 * port F0h. All calls are made on the processor's thread.
 */
public final class FloatErrorPin {
  private Runnable output = () -> {};
  private boolean ignored;

  /** Sets what happens when FERR# is asserted. */
  public void connect(Runnable asserted) {
    output = asserted;
  }

  /**
   * Asserts IGNNE#, until no exception is pending any more: x87 instructions go on in spite of it.
   */
  public void ignore() {
    ignored = true;
  }

  /** Called before a waiting x87 instruction while an exception is pending. */
  public void errorPending() {
    if (!ignored) {
      output.run();
    }
  }

  /** Called when nothing is pending any more. */
  public void errorCleared() {
    ignored = false;
  }
}
