package sharevm.machine.chip.apic;

import static sharevm.machine.chip.apic.Bits.REQUEST;
import static sharevm.machine.chip.apic.Bits.TRIGGER_MODE;

import sharevm.cpu.SavedState;

/**
 * Which vectors are requested, which in service, and which of them may interrupt now. Used under
 * the APIC's lock. @ref [SDM3] 11.8
 */
final class Priorities {
  private static final int NONE = -1;

  private final VectorSet requests = new VectorSet();
  private final VectorSet inService = new VectorSet();
  private final VectorSet triggers = new VectorSet();
  private int taskPriority;

  int taskPriority() {
    return taskPriority;
  }

  void taskPriority(int value) {
    taskPriority = value & 0xFF;
  }

  void request(int vector, boolean level) {
    requests.add(vector);
    if (level) {
      triggers.add(vector);
    } else {
      triggers.remove(vector);
    }
  }

  /** Returns the vector that may interrupt now, or -1. */
  int deliverable() {
    int vector = requests.highest();
    return vector >= 0 && vector >> 4 > processorPriority() >> 4 ? vector : NONE;
  }

  /** Moves the vector that may interrupt into service and returns it, or -1. */
  int take() {
    int vector = deliverable();
    if (vector >= 0) {
      requests.remove(vector);
      inService.add(vector);
    }
    return vector;
  }

  /** Ends the highest vector in service and returns it, or -1. */
  int end() {
    int vector = inService.highest();
    if (vector >= 0) {
      inService.remove(vector);
    }
    return vector;
  }

  boolean isLevel(int vector) {
    return triggers.has(vector);
  }

  int processorPriority() {
    int serviced = Math.max(0, inService.highest());
    return taskPriority >> 4 >= serviced >> 4 ? taskPriority : serviced & 0xF0;
  }

  /** Returns one of the 24 registers that show the three sets, by its number. */
  int register(int number) {
    VectorSet set = number < TRIGGER_MODE ? inService : number < REQUEST ? triggers : requests;
    return set.register(number & 7);
  }

  void reset() {
    taskPriority = 0;
    requests.clear();
    inService.clear();
    triggers.clear();
  }

  SavedState save() {
    return new SavedState()
        .put("taskPriority", taskPriority)
        .put("requests", requests.save())
        .put("inService", inService.save())
        .put("triggers", triggers.save());
  }

  void restore(SavedState state) {
    taskPriority(state.getInt("taskPriority"));
    requests.restore(state.getLongs("requests"));
    inService.restore(state.getLongs("inService"));
    triggers.restore(state.getLongs("triggers"));
  }
}
