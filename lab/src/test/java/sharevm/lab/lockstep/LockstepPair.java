package sharevm.lab.lockstep;

import java.util.List;
import java.util.Map;

/** Two machines that execute the same, a few hundred instructions at a time, and are compared. */
public interface LockstepPair<P> {
  /** Runs a program until it ends or has run for long enough. */
  void run(P program, long seed) throws Difference;

  /** Returns how many instructions have been compared. */
  long executed();

  /** Returns how many exceptions there were of each vector. */
  Map<Integer, Integer> exceptions();

  /** Returns what was done from outside since the program began. */
  List<String> history();
}
