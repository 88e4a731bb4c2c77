package sharevm.lab.lockstep;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Two machines that execute the same, a few hundred instructions at a time, and are compared. */
public abstract class LockstepPair<P> {
  private final Map<Integer, Integer> exceptions = new TreeMap<>();
  private final List<String> history = new ArrayList<>();
  private long executed;

  /** Runs a program until it ends or has run for long enough. */
  public abstract void run(P program, long seed) throws Difference;

  /** Returns how many instructions have been compared. */
  public final long executed() {
    return executed;
  }

  /** Returns how many exceptions there were of each vector. */
  public final Map<Integer, Integer> exceptions() {
    return exceptions;
  }

  /** Returns what was done from outside since the program began. */
  public final List<String> history() {
    return history;
  }

  /** Says that a program begins. */
  protected final void begin() {
    history.clear();
  }

  /** Enters something into the history. */
  protected final void note(String text) {
    history.add(text);
  }

  /** Counts an exception. */
  protected final void count(int vector) {
    exceptions.merge(vector, 1, Integer::sum);
  }

  /** Counts instructions that have been compared. */
  protected final void countExecuted(long instructions) {
    executed += instructions;
  }
}
