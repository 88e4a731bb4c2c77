package sharevm.machine.bus;

import sharevm.cpu.SavedState;

/**
 * A part of a machine that has state. All methods are called under the device lock, {@link #save}
 * and {@link #restore} only while no processor runs and timers are stopped.
 */
public interface Part {
  /** Returns the whole state as named fields; times are absolute on the machine's {@link Clock}. */
  SavedState save();

  /**
   * Takes over a state that {@link #save} gave, also one of another instance wired in the same way.
   * Output lines are not driven anew: whatever hangs on them restores its own view.
   *
   * @throws sharevm.cpu.SavedStateException if a field is missing or of another type
   */
  void restore(SavedState state);

  /** Puts the part into the state that it has after a reset of the machine. */
  void reset();
}
